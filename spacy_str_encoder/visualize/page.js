"use strict";
(() => {
  const MARGIN = 600;

  // Articles far from the viewport are drawn when they come near.
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !("drawn" in target.dataset)) arcs.draw(target);
      }
    },
    { rootMargin: `${MARGIN}px` },
  );
  const isNear = (article) => {
    const { top, bottom } = article.getBoundingClientRect();
    return bottom > -MARGIN && top < window.innerHeight + MARGIN;
  };
  const articles = [...document.querySelectorAll("article")];

  const isPrinted = () => document.body.classList.contains("printed");

  const redraw = () => {
    watcher.disconnect();
    for (const article of articles) {
      delete article.dataset.drawn;
      if (!article.hidden && (isPrinted() || isNear(article))) arcs.draw(article);
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
    const hasKind = ({ className, dataset }) =>
      kinds.isWhole || (dataset.kinds ?? className).split(" ").some((kind) => kinds.chosen.has(kind));
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
    const documents = articles.length === 1 ? "document" : "documents";
    document.getElementById("shown").textContent = `${shown} of ${articles.length} ${documents}`;
    redraw();
  };

  document.addEventListener("change", filter);
  document.addEventListener("click", ({ target }) => {
    const choice = target.dataset.choose;
    if (!choice) return;
    const boxes = target.closest("fieldset").querySelectorAll("input");
    for (const box of boxes) box.checked = choice === "all";
    filter();
  });
  for (const name of ["beforeprint", "afterprint"]) {
    window.addEventListener(name, () => {
      document.body.classList.toggle("printed", name === "beforeprint");
      redraw();
    });
  }
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) redraw();
    width = contentRect.width;
  }).observe(document.querySelector("main"));
  filter();
})();
