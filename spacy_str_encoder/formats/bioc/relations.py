"""Relations of a BioC document."""

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from ..annotated_text import AnnotatedRelation, AnnotatedText
from ..mentions import index_concepts, relate_closest
from ..report import ConversionReport
from .infons import TYPE, get_infons, report_infons

TYPES = ("relation type", TYPE, "relation")
# Roles of two nodes that say no more than their order.
ROLES = (["Arg1", "Arg2"], ["", ""])


def parse_relations(
    document: Element,
    elements: Sequence[Element],
    annotated: AnnotatedText,
    report: ConversionReport,
) -> Iterator[AnnotatedRelation]:
    """Parse the relations of a document, its passages and its sentences.

    document (Element): The document.
    elements (Sequence[Element]): The annotations that are the entities of the text.
    annotated (AnnotatedText): The text, with its entities.
    report (ConversionReport): The report, to count losses and choices.
    YIELDS (AnnotatedRelation): The relations.
    """
    ids = {element.get("id", ""): [i] for i, element in enumerate(elements)}
    infons = [get_infons(element) for element in elements]
    concepts = index_concepts([each[key] for key in each if key != TYPE] for each in infons)
    # Infons that annotations have too, such as a score, do not name the ends of a relation.
    others = {*TYPES, *(key for each in infons for key in each)}
    for relation in document.iter("relation"):
        values = get_infons(relation)
        label = next((values[key] for key in TYPES if values.get(key)), None)
        named = _find_concepts({k: v for k, v in values.items() if k not in others}, concepts)
        heads, tails = _find_ends(relation, named, ids)
        case = " ".join([*values.values(), *(n.get("refid", "") for n in relation.iter("node"))])
        if label is None:
            report.lose("relations without a type", annotated.place, case)
        elif not (heads and tails):
            reason = "relations of other than two annotations, or concepts, of the text"
            report.lose(reason, annotated.place, case)
        else:
            _report_roles(relation, annotated.place, report)
            report_infons("relations", relation, (*TYPES, *named), annotated.place, report)
            yield relate_closest(annotated, heads, tails, label, report)


def _find_concepts(
    infons: Mapping[str, str], concepts: Mapping[str, list[int]]
) -> dict[str, list[int]]:
    """Find the mentions of the concepts that infons name, such as D003866 or Disease|D003866."""
    found = {}
    for key, value in infons.items():
        if mentions := concepts.get(value) or concepts.get(value.partition("|")[2]):
            found[key] = mentions
    return found


def _find_ends(
    relation: Element, named: Mapping[str, list[int]], ids: Mapping[str, list[int]]
) -> tuple[list[int], list[int]]:
    """Find the mentions of head and tail: of two concepts, or else of two nodes."""
    nodes = [ids.get(node.get("refid", ""), []) for node in relation.iter("node")]
    match [*named.values()] if len(named) == 2 else nodes:
        case [heads, tails]:
            return heads, tails
    return [], []


def _report_roles(relation: Element, place: str, report: ConversionReport) -> None:
    roles = [node.get("role", "") for node in relation.iter("node")]
    if len(roles) == 2 and roles not in ROLES:
        reason = "relations with roles other than Arg1 and Arg2, read from the first to the second"
        report.choose(reason, place, " ".join(roles))
