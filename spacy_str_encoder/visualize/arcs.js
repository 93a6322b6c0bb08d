"use strict";
// Draws entities that overlap, and relations as arcs over the text.
const arcs = (() => {
  const GAP = 15;
  const LIFT = 14;
  const SAME_LINE = 12;
  const HAT = 6;
  const BELOW = 3;
  // Between the foot of an arc and a label beside it.
  const BESIDE = 6;
  // The least distance of two ends in a stack, and where on an entity an end may be.
  const APART = 14;
  const SHARES = [0.5, 0.4, 0.6, 0.25, 0.75, 0.1, 0.9];
  const SVG = "http://www.w3.org/2000/svg";

  const make = (parent, name, attributes) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return parent.appendChild(node);
  };

  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const widthOf = (name) => pen.measureText(name).width;

  // Boxes on one line of text differ by a few pixels.
  const makeFindLine = () => {
    const lines = [];
    return (bottom) => {
      const known = lines.find((line) => Math.abs(line - bottom) < SAME_LINE);
      if (known === undefined) lines.push(bottom);
      return known ?? bottom;
    };
  };

  const piecesOf = (mark) => [
    mark,
    ...mark.closest(".text").querySelectorAll(`mark[data-of="${mark.id}"]`),
  ];

  // How far the line of an entity is below its text.
  const spaceBelow = (mark) => {
    const { paddingBottom, borderBottomWidth } = getComputedStyle(mark);
    return parseFloat(paddingBottom) + parseFloat(borderBottomWidth);
  };

  // The boxes of the text of an entity, one on each line.
  const boxesOf = (mark, origin, findLine) => {
    const boxes = [];
    for (const piece of piecesOf(mark)) {
      const below = spaceBelow(piece);
      for (const rect of piece.getClientRects()) {
        const [left, right] = [rect.left, rect.right].map((x) => x - origin.left);
        const bottom = rect.bottom - below - origin.top;
        const line = findLine(bottom);
        const last = boxes.at(-1);
        if (last?.line === line) last.right = Math.max(last.right, right);
        else boxes.push({ line, left, right, top: rect.top - origin.top, bottom });
      }
    }
    return boxes;
  };

  const measure = (article) => {
    const origin = article.querySelector(".text").getBoundingClientRect();
    const findLine = makeFindLine();
    const rows = [...article.querySelectorAll("tr.relation:not([hidden])")];
    const ends = new Set(rows.flatMap(({ dataset }) => [dataset.head, dataset.tail]));
    const entities = new Map();
    for (const mark of article.querySelectorAll("mark[id]")) {
      const isStacked = mark.closest(".stack") !== null;
      if (!isStacked && !ends.has(mark.id)) continue;
      const [start, end] = [mark.dataset.start, mark.dataset.end].map(Number);
      const boxes = boxesOf(mark, origin, findLine);
      entities.set(mark.id, { mark, isStacked, isEnd: ends.has(mark.id), start, end, boxes });
    }
    return { rows, entities, width: origin.width };
  };

  const isApart = (one, other) =>
    one.line !== other.line || one.right + 2 <= other.left || other.right + 2 <= one.left;

  // Give each entity a row: farther from the text than those that it overlaps with and that are
  // shorter, and clear of all boxes in the row. A long label takes further rows below it.
  const setRows = (entities, name, boxesOf, sizeOf = () => 1) => {
    const placed = [];
    const sorted = [...entities].sort(
      (a, b) => a.end - a.start - (b.end - b.start) || a.start - b.start,
    );
    for (const entity of sorted) {
      const boxes = boxesOf(entity);
      const inner = placed.filter(
        (other) => other.entity.start < entity.end && entity.start < other.entity.end,
      );
      const size = sizeOf(entity);
      const isTaken = (row) =>
        placed.some(
          (other) =>
            other.entity[name] < row + size &&
            row < other.entity[name] + other.size &&
            other.boxes.some((box) => boxes.some((own) => !isApart(box, own))),
        );
      entity[name] = 1 + Math.max(0, ...inner.map((other) => other.entity[name]));
      while (isTaken(entity[name])) entity[name] += 1;
      placed.push({ entity, boxes, size });
    }
  };

  // A label starts where its entity does, or further to the left at the end of a line.
  const labelBox = ({ mark, boxes: [box] }, width, height) => {
    const { offsetWidth, offsetHeight } = mark.querySelector(":scope > small");
    const left = Math.max(0, Math.min(box.left, width - offsetWidth));
    return { ...box, left, right: left + offsetWidth, rows: Math.ceil(offsetHeight / height) };
  };

  // Where the arcs of an entity end: at the middle of its box, or at a point of its hat that is
  // apart from the ends of other arcs.
  const setEnds = (ends) => {
    const taken = [];
    for (const entity of [...ends].sort((a, b) => (a.hat ?? 0) - (b.hat ?? 0))) {
      const [{ line, left, right, top }] = entity.boxes;
      const distance = (x) =>
        Math.min(APART, ...taken.filter((end) => end.line === line).map((end) => Math.abs(end.x - x)));
      const shares = entity.isStacked ? SHARES : SHARES.slice(0, 1);
      const points = shares.map((share) => left + share * (right - left));
      const x = points.reduce((best, point) => (distance(point) > distance(best) ? point : best));
      const tip = entity.isStacked ? top - HAT * entity.hat : top;
      entity.point = { x, line, tip, isOnHat: entity.isStacked };
      taken.push(entity.point);
    }
  };

  // An arc between two lines runs to the end of the upper one, and on from the start of the lower.
  const cutAtLines = (head, tail, width) => {
    if (head.line === tail.line) {
      return [{ line: head.line, from: head, to: tail, hasTip: true }];
    }
    const isDown = head.line < tail.line;
    const [upper, lower] = isDown ? [head, tail] : [tail, head];
    const first = { line: upper.line, from: upper, to: null, edge: width };
    const second = { line: lower.line, from: lower, to: null, edge: 0 };
    return [
      { ...first, hasTip: !isDown },
      { ...second, hasTip: isDown },
    ];
  };

  // A label is in the middle of its arc. Where a line cuts the arc to less than the label, it would
  // hide all of it, so it is on the other side of the foot if there is room.
  const placeLabel = ({ to, edge }, left, right, half, width) => {
    if (to === null && right - left < 2 * half + BESIDE) {
      const beside = edge === 0 ? right + half + BESIDE : left - half - BESIDE;
      if (half <= beside && beside <= width - half) return beside;
    }
    return Math.max(half, Math.min((left + right) / 2, width - half));
  };

  const findSegments = ({ rows, entities, width }) =>
    rows.flatMap((row) => {
      const [head, tail] = [row.dataset.head, row.dataset.tail].map((id) => entities.get(id).point);
      const name = `${row.dataset.label} ${row.dataset.score}`.trim();
      const half = widthOf(name) / 2 + 2;
      return cutAtLines(head, tail, width).map((segment) => {
        const sides = [segment.from.x, segment.to?.x ?? segment.edge].sort((a, b) => a - b);
        const [left, right] = sides;
        const middle = placeLabel(segment, left, right, half, width);
        const [start, stop] = [Math.min(left, middle - half), Math.max(right, middle + half)];
        return { ...segment, start, stop, row, name, left, right, middle };
      });
    });

  // On each line, an arc lies above those inside of it, and arcs that overlap, or whose labels do,
  // lie on different levels.
  const setLevels = (segments) => {
    const taken = [];
    segments.sort((a, b) => a.right - a.left - (b.right - b.left));
    for (const segment of segments) {
      const meets = taken.filter(
        (other) =>
          other.line === segment.line && other.start < segment.stop && segment.start < other.stop,
      );
      const inner = meets.filter(
        (other) => segment.left <= other.left && other.right <= segment.right,
      );
      const levels = new Set(meets.map((other) => other.level));
      segment.level = 1 + Math.max(0, ...inner.map((other) => other.level));
      while (levels.has(segment.level)) segment.level += 1;
      taken.push(segment);
    }
  };

  const arrange = (article, height) => {
    const measured = measure(article);
    const entities = [...measured.entities.values()];
    const stacked = entities.filter((entity) => entity.isStacked);
    const shown = stacked.filter(({ mark }) => !mark.classList.contains("off"));
    for (const entity of shown) entity.label = labelBox(entity, measured.width, height);
    setRows(shown, "row", ({ boxes, label }) => [...boxes, label], ({ label }) => label.rows);
    const stackedEnds = stacked.filter((entity) => entity.isEnd);
    setRows(stackedEnds, "hat", ({ boxes }) => boxes);
    setEnds(entities.filter((entity) => entity.isEnd));
    const segments = findSegments(measured);
    setLevels(segments);
    return { entities, shown, segments };
  };

  // The room that each line needs below it for entities, and above it for brackets and arcs.
  const findRooms = ({ entities, shown, segments }, height) => {
    const rooms = new Map();
    const extend = (line, name, value) => {
      const room = rooms.get(line) ?? { hats: 0, levels: 0, below: 0 };
      rooms.set(line, { ...room, [name]: Math.max(room[name], value) });
    };
    for (const { boxes, hat } of entities.filter(({ isEnd }) => isEnd)) {
      for (const { line } of boxes) extend(line, "hats", hat ?? 0);
    }
    for (const { boxes, row, label } of shown) {
      for (const { line } of boxes) extend(line, "below", row * height + BELOW);
      extend(label.line, "below", (row + label.rows - 1) * height + BELOW);
    }
    for (const { line, level } of segments) extend(line, "levels", level);
    const sorted = [...rooms.keys()].sort((a, b) => a - b).map((line) => rooms.get(line));
    return sorted.map(({ hats, levels, below }) => {
      const above = hats * HAT + (levels ? GAP + levels * LIFT : 0);
      return { above, below };
    });
  };

  // Lines are equally far apart, as far as the two that need most.
  const makeRoom = (text, rooms) => {
    const between = rooms.map(({ above }, i) => above + (rooms[i - 1]?.below ?? 0));
    const last = rooms.at(-1)?.below ?? 0;
    text.style.setProperty("--room", `${Math.max(last, ...between)}px`);
    text.style.setProperty("--above", `${rooms[0]?.above ?? 0}px`);
    text.style.setProperty("--below", `${last}px`);
  };

  const pathOf = ({ from, to, edge, left, right }, y) => {
    const bend = Math.min(8, (right - left) / 2);
    const turn = (to?.x ?? edge) > from.x ? bend : -bend;
    const start = `M${from.x},${from.tip} V${y + bend} Q${from.x},${y} ${from.x + turn},${y}`;
    if (to === null) return `${start} H${edge}`;
    return `${start} H${to.x - turn} Q${to.x},${y} ${to.x},${y + bend} V${to.tip}`;
  };

  const drawSegment = (svg, segment, floor) => {
    const { row, from, to, level, name, hasTip } = segment;
    const kind = ["correct", "wrong", "missed"].find((name) => row.classList.contains(name)) ?? "";
    const group = make(svg, "g", { class: `arc ${kind}` });
    group.dataset.head = row.dataset.head;
    group.dataset.tail = row.dataset.tail;
    const y = floor - GAP - (level - 1) * LIFT;
    make(group, "path", { d: pathOf(segment, y) });
    const { x, tip } = to ?? from;
    if (hasTip) make(group, "path", { class: "tip", d: `M${x},${tip} l-4,-7 h8 z` });
    // Where it starts, a leg may have crossed the hats of other entities.
    const start = hasTip && to === null ? null : from;
    if (start?.isOnHat) make(group, "circle", { cx: start.x, cy: start.tip, r: 2 });
    make(group, "text", { x: segment.middle, y: y + 3 }).textContent = name;
  };

  // Above an entity of a stack, a bracket of its own shows which one an arc belongs to.
  const drawHat = (svg, { mark, hat, boxes }) => {
    const group = make(svg, "g", { class: "hat" });
    group.style.setProperty("--hue", mark.style.getPropertyValue("--hue"));
    group.dataset.of = mark.id;
    for (const { left, right, top } of boxes) {
      const y = top - HAT * hat;
      make(group, "path", { d: `M${left + 1},${y + 3} V${y} H${right - 1} V${y + 3}` });
    }
  };

  // The highest entity or bracket on a line.
  const findTop = (ends, line) => {
    const boxes = ends.flatMap(({ boxes, hat }) => boxes.map((box) => ({ ...box, hat: hat ?? 0 })));
    const tops = boxes.filter((box) => box.line === line).map(({ top, hat }) => top - HAT * hat);
    return Math.min(...tops);
  };

  const drawEntity = ({ mark, row, label }) => {
    for (const piece of piecesOf(mark)) piece.style.setProperty("--row", row);
    const small = mark.querySelector(":scope > small");
    small.style.left = `${label.left}px`;
    small.style.top = `${label.bottom + spaceBelow(mark)}px`;
  };

  const draw = (article) => {
    const text = article.querySelector(".text");
    const svg = text.querySelector("svg");
    svg.replaceChildren();
    article.dataset.drawn = "";
    // Room above and below the lines moves nothing to the side: it is known from a first look.
    const height = parseFloat(getComputedStyle(text).getPropertyValue("--row-height"));
    makeRoom(text, []);
    makeRoom(text, findRooms(arrange(article, height), height));
    const { entities, shown, segments } = arrange(article, height);
    shown.forEach(drawEntity);
    const ends = entities.filter((entity) => entity.isEnd);
    for (const entity of ends.filter(({ isStacked }) => isStacked)) drawHat(svg, entity);
    // Labels of low arcs are drawn last: the feet of others may pass behind them.
    segments.sort((a, b) => b.level - a.level);
    for (const segment of segments) drawSegment(svg, segment, findTop(ends, segment.line));
  };

  // Highlight the entity under the pointer or in focus, and its relations.
  const light = (event) => {
    const mark = event.target.closest("mark");
    for (const svg of document.querySelectorAll("svg.dim")) svg.classList.remove("dim");
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!mark || event.type === "focusout") return;
    const id = mark.dataset.of ?? mark.id;
    const svg = mark.closest(".text").querySelector("svg");
    const own = [...svg.querySelectorAll(".arc")].filter(
      ({ dataset }) => dataset.head === id || dataset.tail === id,
    );
    const ends = new Set([id, ...own.flatMap(({ dataset }) => [dataset.head, dataset.tail])]);
    const hats = [...svg.querySelectorAll(".hat")].filter(({ dataset }) => ends.has(dataset.of));
    const pieces = piecesOf(document.getElementById(id));
    for (const lit of [...own, ...hats, ...pieces]) lit.classList.add("lit");
    svg.classList.toggle("dim", own.length > 0);
  };

  for (const name of ["mouseover", "focusin", "focusout"]) document.addEventListener(name, light);

  return { draw };
})();
