"""HTML of views: the text with its entities and their attributes, and a table of relations.

Everything from texts, labels or file names is escaped.
"""

from collections.abc import Sequence
from html import escape

from ..doc.plurals import count_noun
from .stacks import Stack, cut_stack, find_stacks
from .views import AttributeView, DocView, EntityView, RelationView

# The kinds are those of the entity and its attributes, for the filter.
START = (
    '<mark class="entity {kind}" id="{id}" tabindex="0" data-label="{label}" data-kinds="{kinds}" '
    'data-start="{start}" data-end="{end}"{title} style="--hue: {hue}">'
)
LABEL = '<small>{label}<i>{score}</i><span class="unseen">{kind}</span>{attributes}</small>'
ATTRIBUTE = ' <b class="attribute {kind}">{label}{score}{kind_text}</b>'
# A further piece of an entity that crosses another one.
REST = (
    '<mark class="entity {kind}" data-of="{id}" data-label="{label}" data-kinds="{kinds}" '
    'style="--hue: {hue}">'
)
STACK = '<span class="stack">{pieces}</span>'
DOC = """<article id="doc-{number}" aria-label="{name}" data-errors="{errors}">
<h2>{name}</h2>
<div class="text" lang="{lang}"><div class="entities">{text}</div>\
<svg aria-hidden="true"></svg></div>
{relations}
</article>"""
RELATIONS = """<details><summary>{summary}</summary>
<table><thead><tr><th scope="col">head</th><th scope="col">relation</th><th scope="col">tail</th>
<th scope="col">score</th>{kind}</tr></thead>
<tbody>
{rows}
</tbody></table></details>"""
NO_ENTITIES = '<p class="none">No entities</p>'
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
    errors = ""
    if _is_compared(view):
        gold = count_noun(view.gold, "gold annotation")
        errors = f", {count_noun(view.errors, 'error')} ({gold})"
    return DOC.format(
        number=number,
        name=f"Document {view.number or number}{errors}",
        errors=view.errors,
        lang=escape(lang),
        text=_render_text(view, number, hues),
        relations=_render_relations(view, number),
    )


def _render_text(view: DocView, number: int, hues: dict[str, int]) -> str:
    rendered, offset = [], 0
    for stack in find_stacks(view.entities):
        start = view.entities[stack.entities[0]].start
        rendered += [_plain(view, offset, start), _render_stack(view, stack, number, hues)]
        offset = stack.end
    return "".join([*rendered, _plain(view, offset, len(view.text))])


def _render_stack(view: DocView, stack: Stack, number: int, hues: dict[str, int]) -> str:
    """Nest the elements of the entities. The first element of each has its label."""
    is_alone = len(stack.entities) == 1
    fields = {i: _fields(view, i, number, hues, is_alone=is_alone) for i in stack.entities}
    rendered, started, labeled = [], set[int](), set[int]()
    for piece in cut_stack(view.entities, stack):
        for i in piece.closed:
            rendered.append(("" if i in labeled else LABEL.format(**fields[i])) + "</mark>")
            labeled.add(i)
        for i in piece.opened:
            rendered.append((REST if i in started else START).format(**fields[i]))
            started.add(i)
        rendered.append(_plain(view, piece.start, piece.end))
    pieces = "".join(rendered)
    return pieces if is_alone else STACK.format(pieces=pieces)


def _fields(
    view: DocView, index: int, number: int, hues: dict[str, int], *, is_alone: bool
) -> dict[str, object]:
    entity = view.entities[index]
    score, kind = _score(entity.score), "" if entity.kind == "found" else f", {entity.kind}"
    name = f"{view.text[entity.start : entity.end]}: {entity.label} {score}".rstrip() + kind
    name = escape("; ".join([name, *map(_describe, entity.attributes), *entity.codes]))
    return {
        "id": _id(number, index),
        "kind": entity.kind,
        "kinds": " ".join(dict.fromkeys([entity.kind, *(each.kind for each in entity.attributes)])),
        "attributes": "".join(map(_render_attribute, entity.attributes)),
        "hue": hues[entity.label],
        "label": escape(entity.label),
        "score": score,
        "start": entity.start,
        "end": entity.end,
        # The label of an entity that is alone stands beside its text; its codes do not.
        "title": "" if is_alone and not entity.codes else f' title="{name}"',
    }


def _render_attribute(attribute: AttributeView) -> str:
    label, score, kind = _parts(attribute)
    return ATTRIBUTE.format(
        kind=attribute.kind,
        label=escape(label),
        score=score and f" <i>{score}</i>",
        kind_text=kind and f" {kind}",
    )


def _describe(attribute: AttributeView) -> str:
    return " ".join(filter(None, _parts(attribute)))


def _parts(attribute: AttributeView) -> tuple[str, str, str]:
    kind = "" if attribute.kind == "found" else attribute.kind
    return f"{attribute.name}={attribute.value}", _score(attribute.score), kind


def _plain(view: DocView, start: int, end: int) -> str:
    return escape(view.text[start:end]).replace("\n", "<br>")


def _render_relations(view: DocView, number: int) -> str:
    if not view.relations:
        return "" if view.entities else NO_ENTITIES
    kind = '<th scope="col">kind</th>' if _is_compared(view) else ""
    rows = "\n".join(_row(view, relation, number) for relation in view.relations)
    summary = count_noun(len(view.relations), "relation")
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
