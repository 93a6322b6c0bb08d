"""HTML of views: the text with its entities, rendered by displaCy, and a table of relations.

Everything from texts, labels or file names is escaped.
"""

from collections.abc import Sequence
from html import escape

from spacy.displacy import EntityRenderer

from .views import DocView, EntityView, RelationView

# displaCy fills in this template. `_span` escapes the values that displaCy does not escape.
ENTITY = (
    '<mark class="entity {kind}" id="{id}" tabindex="0" data-label="{label}" '
    'style="--hue: {hue}">{text}<small>{label}<i>{score}</i>'
    '<span class="unseen">{kind}</span></small></mark>'
)
DOC = """<article id="doc-{number}" aria-label="{name}" data-errors="{errors}">
<h2>{name}</h2>
<div class="text" lang="{lang}">{layers}<svg aria-hidden="true"></svg></div>
{relations}
</article>"""
RELATIONS = """<details><summary>{summary}</summary>
<table><thead><tr><th scope="col">head</th><th scope="col">relation</th><th scope="col">tail</th>
<th scope="col">score</th>{kind}</tr></thead>
<tbody>
{rows}
</tbody></table></details>"""
ROW = """<tr class="relation {kind}" data-head="{head_id}" data-tail="{tail_id}" \
data-label="{label}" data-score="{score}"><td>{head}</td><td>{label}</td><td>{tail}</td>\
<td>{score}</td>{kind_cell}</tr>"""
# A full turn divided by the golden ratio: consecutive hues are far apart.
GOLDEN_ANGLE = 137.5


def hues_of_labels(views: Sequence[DocView]) -> dict[str, int]:
    """Choose a color for each entity type.

    views (Sequence[DocView]): All docs of a page.
    RETURNS (dict[str, int]): The hue of each type, in degrees.
    """
    labels = sorted({entity.label for view in views for entity in view.entities})
    return {label: round(i * GOLDEN_ANGLE + 210) % 360 for i, label in enumerate(labels)}


def render_doc(view: DocView, number: int, hues: dict[str, int], *, lang: str = "") -> str:
    """Render a doc as HTML.

    view (DocView): The doc.
    number (int): The number of the doc on the page.
    hues (dict[str, int]): The hue of each entity type.
    lang (str): The language code of the text; empty if unknown.
    RETURNS (str): The HTML.
    """
    spans = [_span(view, i, number, hues) for i in range(len(view.entities))]
    renderer = EntityRenderer({"template": ENTITY})
    layers = [renderer.render_ents(view.text, layer, None) for layer in _layers(spans)]
    errors = f", {_count(view.errors, 'error')}" if _is_compared(view) else ""
    return DOC.format(
        number=number,
        name=f"Document {view.number or number}{errors}",
        errors=view.errors,
        lang=escape(lang),
        layers="".join(layers),
        relations=_render_relations(view, number),
    )


def _span(view: DocView, index: int, number: int, hues: dict[str, int]) -> dict[str, object]:
    entity = view.entities[index]
    label = escape(entity.label)
    params = {
        "id": _id(number, index),
        "kind": entity.kind,
        "hue": hues[entity.label],
        "label": label,
        "score": _score(entity.score),
    }
    return {"start": entity.start, "end": entity.end, "label": label, "params": params}


def _layers(spans: list[dict[str, object]]) -> list[list[dict[str, object]]]:
    """Distribute spans over as few copies of the text as possible, so that none overlap in a copy:
    displaCy can't mark overlapping spans."""
    layers: list[list[dict[str, object]]] = [[]]
    for span in spans:
        for layer in layers:
            if not layer or layer[-1]["end"] <= span["start"]:  # type: ignore[operator]
                layer.append(span)
                break
        else:
            layers.append([span])
    return layers


def _render_relations(view: DocView, number: int) -> str:
    if not view.relations:
        return ""
    kind = '<th scope="col">kind</th>' if _is_compared(view) else ""
    rows = "\n".join(_row(view, relation, number) for relation in view.relations)
    summary = _count(len(view.relations), "relation")
    return RELATIONS.format(summary=summary, kind=kind, rows=rows)


def _row(view: DocView, relation: RelationView, number: int) -> str:
    head, tail = view.entities[relation.head], view.entities[relation.tail]
    return ROW.format(
        kind=relation.kind,
        head_id=_id(number, relation.head),
        tail_id=_id(number, relation.tail),
        head=_text(view, head),
        label=escape(relation.label),
        tail=_text(view, tail),
        score=_score(relation.score),
        kind_cell=f"<td>{relation.kind}</td>" if _is_compared(view) else "",
    )


def _is_compared(view: DocView) -> bool:
    return any(kind != "found" for kind in view.kinds)


def _text(view: DocView, entity: EntityView) -> str:
    return escape(view.text[entity.start : entity.end])


def _id(number: int, index: int) -> str:
    return f"doc-{number}-entity-{index}"


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
