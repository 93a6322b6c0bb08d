"use strict";
(() => {
  const GAP = 15;
  const LIFT = 14;
  const MOST_LEVELS = 9;
  const MARGIN = 600;
  const SVG = "http://www.w3.org/2000/svg";

  const make = (parent, name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return parent.appendChild(node);
  };

  // The point where the arcs of an entity start and end, and the line it is on.
  const place = (mark, origin) => {
    const box = mark.getBoundingClientRect();
    const top = box.top - origin.top;
    return { x: box.left + box.width / 2 - origin.left, top, line: Math.round(top / 8) };
  };

  // An arc between two lines runs to the end of the upper one, and on from the start of the lower.
  const cutAtLines = (head, tail, width) => {
    const isDown = head.line < tail.line;
    const [upper, lower] = isDown ? [head, tail] : [tail, head];
    if (upper.line === lower.line) {
      const [from, to] = [head, tail].map(({ x }) => x);
      return [{ line: head.line, top: head.top, from, to, hasTip: true, hasLabel: true }];
    }
    const first = { line: upper.line, top: upper.top, from: upper.x, to: null, edge: width };
    const second = { line: lower.line, top: lower.top, from: lower.x, to: null, edge: 0 };
    // The longer part has room for the label.
    const isFirst = width - upper.x > lower.x;
    return [
      { ...first, hasTip: !isDown, hasLabel: isFirst },
      { ...second, hasTip: isDown, hasLabel: !isFirst },
    ];
  };

  const findSegments = (article) => {
    const text = article.querySelector(".text");
    const origin = text.getBoundingClientRect();
    return [...article.querySelectorAll("tr.relation:not([hidden])")].flatMap((row) => {
      const ends = [row.dataset.head, row.dataset.tail].map((id) => document.getElementById(id));
      const [head, tail] = ends.map((mark) => place(mark, origin));
      return cutAtLines(head, tail, origin.width).map((segment) => {
        const sides = [segment.from, segment.to ?? segment.edge].sort((a, b) => a - b);
        return { ...segment, row, left: sides[0], right: sides[1] };
      });
    });
  };

  // On each line, shorter arcs lie lower, and arcs that overlap lie on different levels.
  const setLevels = (segments) => {
    const taken = [];
    segments.sort((a, b) => a.right - a.left - (b.right - b.left));
    for (const segment of segments) {
      const meets = taken.filter(
        (other) =>
          other.line === segment.line &&
          other.left < segment.right &&
          segment.left < other.right,
      );
      const level = 1 + Math.max(0, ...meets.map((other) => other.level));
      segment.level = Math.min(MOST_LEVELS, level);
      taken.push(segment);
    }
    return Math.max(0, ...taken.map((segment) => segment.level));
  };

  const pathOf = ({ from, to, edge, top, left, right }, y) => {
    const bend = Math.min(8, (right - left) / 2);
    const turn = (to ?? edge) > from ? bend : -bend;
    const start = `M${from},${top} V${y + bend} Q${from},${y} ${from + turn},${y}`;
    if (to === null) return `${start} H${edge}`;
    return `${start} H${to - turn} Q${to},${y} ${to},${y + bend} V${top}`;
  };

  const drawSegment = (svg, segment) => {
    const { row, from, to, top, left, right, level, hasTip, hasLabel } = segment;
    const kind = ["correct", "wrong", "missed"].find((name) => row.classList.contains(name)) ?? "";
    const group = make(svg, "g", { class: `arc ${kind}` });
    group.dataset.head = row.dataset.head;
    group.dataset.tail = row.dataset.tail;
    const y = top - GAP - (level - 1) * LIFT;
    make(group, "path", { d: pathOf(segment, y) });
    if (hasTip) make(group, "path", { class: "tip", d: `M${to ?? from},${top} l-4,-7 h8 z` });
    if (!hasLabel) return;
    const label = make(group, "text", { y: y + 3 });
    label.textContent = `${row.dataset.label} ${row.dataset.score}`.trim();
    const half = label.getComputedTextLength() / 2;
    const inside = Math.min((left + right) / 2, svg.clientWidth - half);
    label.setAttribute("x", Math.max(inside, half));
  };

  const draw = (article) => {
    const text = article.querySelector(".text");
    const svg = text.querySelector("svg");
    svg.replaceChildren();
    text.style.setProperty("--lift", "0px");
    const levels = setLevels(findSegments(article));
    text.style.setProperty("--lift", `${levels ? GAP + levels * LIFT : 0}px`);
    const segments = findSegments(article);
    setLevels(segments);
    for (const segment of segments) drawSegment(svg, segment);
    article.dataset.drawn = "";
  };

  // Articles far from the viewport are drawn when they come near.
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !("drawn" in target.dataset)) draw(target);
      }
    },
    { rootMargin: `${MARGIN}px` },
  );
  const isNear = (article) => {
    const { top, bottom } = article.getBoundingClientRect();
    return bottom > -MARGIN && top < window.innerHeight + MARGIN;
  };
  const articles = [...document.querySelectorAll("article")];

  const redraw = () => {
    watcher.disconnect();
    for (const article of articles) {
      delete article.dataset.drawn;
      if (!article.hidden && isNear(article)) draw(article);
      watcher.observe(article);
    }
  };

  const wanted = (name) => {
    const boxes = [...document.querySelectorAll(`[data-filter="${name}"] input`)];
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    return { chosen, isWhole: chosen.size === boxes.length };
  };

  const filter = () => {
    const [kinds, entities, relations] = ["kind", "entity", "relation"].map(wanted);
    const hasKind = (node) =>
      kinds.isWhole || [...kinds.chosen].some((kind) => node.classList.contains(kind));
    let shown = 0;
    for (const article of articles) {
      const marks = [...article.querySelectorAll("mark")];
      for (const mark of marks) {
        mark.classList.toggle("off", !(hasKind(mark) && entities.chosen.has(mark.dataset.label)));
      }
      const rows = [...article.querySelectorAll("tr.relation")];
      for (const row of rows) {
        row.hidden = !(hasKind(row) && relations.chosen.has(row.dataset.label));
      }
      const isWhole = kinds.isWhole && entities.isWhole && relations.isWhole;
      const isEmpty = marks.every((mark) => mark.classList.contains("off")) && rows.every((row) => row.hidden);
      article.hidden = isEmpty && !isWhole;
      shown += !article.hidden;
    }
    document.getElementById("shown").textContent = `${shown} of ${articles.length} documents`;
    redraw();
  };

  // Highlight the relations of the entity under the pointer or in focus.
  const light = (event) => {
    const mark = event.target.closest("mark");
    for (const svg of document.querySelectorAll("svg.dim")) {
      svg.classList.remove("dim");
      for (const group of svg.querySelectorAll(".lit")) group.classList.remove("lit");
    }
    if (!mark || event.type === "focusout") return;
    const svg = mark.closest(".text").querySelector("svg");
    const own = [...svg.querySelectorAll("g")].filter(
      (group) => group.dataset.head === mark.id || group.dataset.tail === mark.id,
    );
    for (const group of own) group.classList.add("lit");
    svg.classList.toggle("dim", own.length > 0);
  };

  for (const name of ["mouseover", "focusin", "focusout"]) document.addEventListener(name, light);
  document.addEventListener("change", filter);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) redraw();
    width = contentRect.width;
  }).observe(document.querySelector("main"));
  filter();
})();
