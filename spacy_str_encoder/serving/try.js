"use strict";
(() => {
  // A full turn divided by the golden ratio: consecutive hues are far apart.
  const GOLDEN_ANGLE = 137.5;
  // What no line may start with.
  const CLOSING = /^[\p{Pe}\p{Pf}.,;:!?%、。，．；：！？…]{1,2}/u;
  const find = (selector) => document.querySelector(selector);
  const [article, form, text, threshold] = ["article", "#form", "#text", "#threshold"].map(find);
  let language = (navigator.language ?? "").startsWith("zh") ? "zh" : "en";
  let request = null;

  // Strings become text, never HTML.
  const create = (name, className, ...children) => {
    const node = document.createElement(name);
    node.className = className;
    node.append(...children);
    return node;
  };
  const show = (score) => (score === null ? "" : score.toFixed(2));

  // Entities that overlap, directly or through others. An entity follows those that hold it.
  const findStacks = (entities) => {
    const stacks = [];
    const order = [...entities.keys()].sort(
      (a, b) => entities[a].start - entities[b].start || entities[b].end - entities[a].end,
    );
    for (const index of order) {
      const { start, end } = entities[index];
      if (!stacks.length || stacks.at(-1).end <= start) stacks.push({ start, end, members: [] });
      stacks.at(-1).end = Math.max(stacks.at(-1).end, end);
      stacks.at(-1).members.push(index);
    }
    return stacks;
  };

  const makeLabel = ({ label, score, attributes = {}, attribute_scores: scores = {} }) => {
    const small = create("small", "", label, create("i", "", show(score)));
    for (const [name, value] of Object.entries(attributes)) {
      const shown = create("b", "attribute found", `${name}=${value} `, create("i", "", show(scores[name])));
      shown.dataset.exact = scores[name];
      small.append(" ", shown);
    }
    return small;
  };

  // One of the elements of an entity: the first has its label, and further ones belong to it.
  const makeMark = (entity, index, hue, isFirst, content) => {
    const mark = create("mark", "entity found", content);
    mark.style.setProperty("--hue", hue);
    mark.dataset.exact = entity.score ?? 1;
    if (!isFirst) {
      mark.dataset.of = `entity-${index}`;
      return mark;
    }
    mark.id = `entity-${index}`;
    Object.assign(mark.dataset, { label: entity.label, start: entity.start, end: entity.end });
    mark.append(makeLabel(entity));
    return mark;
  };

  // The text of a stack, cut where an entity starts or ends.
  const renderStack = ({ members }, entities, characters, hues) => {
    const borders = members.flatMap((index) => [entities[index].start, entities[index].end]);
    const cuts = [...new Set(borders)].sort((a, b) => a - b);
    const pieces = cuts.slice(1).map((end, i) => {
      const start = cuts[i];
      const inside = members.filter(
        (index) => entities[index].start <= start && end <= entities[index].end,
      );
      return inside.reduceRight((content, index) => {
        const entity = entities[index];
        return makeMark(entity, index, hues.get(entity.label), entity.start === start, content);
      }, characters.slice(start, end).join(""));
    });
    if (members.length === 1) return pieces[0];
    const stack = create("span", "stack", ...pieces);
    for (const mark of stack.querySelectorAll("mark[id]")) {
      // Its label is away from its text.
      const { start, end } = mark.dataset;
      const label = mark.querySelector(":scope > small").textContent;
      mark.title = `${characters.slice(start, end).join("")}: ${label}`;
    }
    return stack;
  };

  const renderText = ({ text, entities }) => {
    // Offsets count characters, and a string of JavaScript counts halves of some of them.
    const characters = [...text];
    const labels = [...new Set(entities.map(({ label }) => label))].sort();
    const hues = new Map(labels.map((label, i) => [label, Math.round(i * GOLDEN_ANGLE + 210) % 360]));
    const nodes = [];
    const stacks = findStacks(entities);
    let offset = 0;
    stacks.forEach((stack, i) => {
      nodes.push(characters.slice(offset, stack.start).join(""));
      const node = renderStack(stack, entities, characters, hues);
      const rest = characters.slice(stack.end, Math.min(stack.end + 2, stacks[i + 1]?.start ?? Infinity));
      const [closing] = rest.join("").match(CLOSING) ?? [""];
      nodes.push(closing ? create("span", "closed", node, closing) : node);
      offset = stack.end + closing.length;
    });
    find(".entities").replaceChildren(...nodes, characters.slice(offset).join(""));
    return (index) => characters.slice(entities[index].start, entities[index].end).join("");
  };

  const renderRelations = (relations, textOf) => {
    const rows = relations.map(({ head, tail, label, score }) => {
      const cells = [textOf(head), label, textOf(tail), show(score)];
      const row = create("tr", "relation found", ...cells.map((cell) => create("td", "", cell)));
      const ends = { head: `entity-${head}`, tail: `entity-${tail}` };
      Object.assign(row.dataset, { ...ends, label, score: show(score), exact: score });
      return row;
    });
    find("#relations tbody").replaceChildren(...rows);
    find("#relations").hidden = !rows.length;
  };

  const renderRecord = ({ text, label, score, values }, key) => {
    const name = key === null ? `${text} (${label}) ` : `${key}: ${text} `;
    const item = create("li", "", name, create("span", "score", show(score)));
    item.dataset.exact = score ?? 1;
    const inner = Object.entries(values).flatMap(([key, each]) =>
      each.map((value) => renderRecord(value, key)),
    );
    if (inner.length) item.append(create("ul", "", ...inner));
    return item;
  };

  const renderRecords = (records) => {
    const items = (records ?? []).map((record) => renderRecord(record, null));
    find("#records ul").replaceChildren(...items);
    find("#records").hidden = !items.length;
  };

  // Hide what is below the threshold, and relations of entities that are.
  const filter = () => {
    const least = Number(threshold.value);
    find("#least").textContent = least.toFixed(2);
    const isLow = ({ dataset }) => Number(dataset.exact) < least;
    for (const mark of article.querySelectorAll("mark")) mark.classList.toggle("off", isLow(mark));
    for (const part of article.querySelectorAll(".attribute, li")) part.hidden = isLow(part);
    const isOff = (id) => document.getElementById(id).classList.contains("off");
    for (const row of article.querySelectorAll("tr.relation")) {
      row.hidden = isLow(row) || isOff(row.dataset.head) || isOff(row.dataset.tail);
    }
    const count = (selector) => article.querySelectorAll(selector).length;
    find("#shown").textContent = words[language].counts(
      count("mark[id]:not(.off)"),
      count("tr.relation:not([hidden])"),
    );
    arcs.draw(article);
  };

  const showResult = (result) => {
    find("#result").hidden = false;
    const textOf = renderText(result);
    renderRelations(result.relations, textOf);
    renderRecords(result.records);
    filter();
  };

  // In the language of the page: what the service says is English, and for programs.
  const showError = (word) => {
    const sentence = create("span", "", words[language][word]);
    sentence.dataset.word = word;
    find("#error").replaceChildren(sentence);
    find("#shown").textContent = "";
  };

  const send = async (token, signal) => {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const body = JSON.stringify({ texts: [text.value] });
    const response = await fetch("annotate", { method: "POST", headers, body, signal });
    return { status: response.status, content: await response.json() };
  };

  const showAnswer = ({ status, content }, token) => {
    const [result] = content.results ?? [];
    if (result && !("error" in result)) {
      showResult(result);
      return;
    }
    if (status === 401) {
      find("#access").hidden = false;
      find("#token").focus();
    }
    const word = status === 401 && token ? "wrong" : status;
    showError(word in words[language] ? word : "failed");
  };

  const annotate = async () => {
    request?.abort();
    const { signal } = (request = new AbortController());
    find("#error").replaceChildren();
    find("#result").hidden = true;
    if (!text.value.trim()) {
      showError("empty");
      text.focus();
      return;
    }
    find("#shown").textContent = words[language].waiting;
    const token = find("#token").value.trim();
    try {
      const answer = await send(token, signal);
      if (!signal.aborted) showAnswer(answer, token);
    } catch {
      if (!signal.aborted) showError("unreachable");
    }
  };

  const translate = () => {
    document.documentElement.lang = language;
    for (const node of document.querySelectorAll("[data-word]")) {
      node.textContent = words[language][node.dataset.word];
    }
    find("#language").textContent = words[language].other;
    find("#language").lang = language === "en" ? "zh" : "en";
    document.title = words[language].title;
    if (!find("#result").hidden) filter();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    annotate();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  threshold.addEventListener("input", filter);
  find("#language").addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    translate();
  });
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width && !find("#result").hidden) arcs.draw(article);
    width = contentRect.width;
  }).observe(find("main"));
  translate();
})();
