"""Relations of a BioC document.

Old files write them as annotations without a location.
"""

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
    old = [each for each in document.iter("annotation") if not has_location(each)]
    for relation in (*document.iter("relation"), *old):
        values = get_infons(relation)
        label = next((values[key] for key in TYPES if values.get(key)), None)
        mentions = {**ids, **concepts} if relation in old else concepts
        named = _find_concepts({k: v for k, v in values.items() if k not in others}, mentions)
        heads, tails = _find_ends(relation, named, ids)
        case = _describe(relation, values)
        if label is None or not (heads and tails):
            report.lose(_name_problem(relation, label), annotated.place, case)
            continue
        if relation in old:
            reason = "annotations without a location, read as relations"
            report.choose(reason, annotated.place, case)
        _report_roles(relation, annotated.place, report)
        report_infons("relations", relation, (*TYPES, *named), annotated.place, report)
        yield relate_closest(annotated, heads, tails, label, report)


def has_location(annotation: Element) -> bool:
    """Check whether an annotation is a place in the text.

    annotation (Element): The annotation.
    RETURNS (bool): Whether it has a location.
    """
    return annotation.find("location") is not None


def _describe(relation: Element, infons: Mapping[str, str]) -> str:
    if relation.tag == "annotation":
        values = [f"{key}={value}" for key, value in infons.items()]
        return " ".join([repr(relation.get("id")), *values, relation.findtext("text", "")]).strip()
    return " ".join([*infons.values(), *(n.get("refid", "") for n in relation.iter("node"))])


def _name_problem(relation: Element, label: str | None) -> str:
    if relation.tag == "annotation":
        return "annotations without a location"
    if label is None:
        return "relations without a type"
    return "relations of other than two annotations, or concepts, of the text"


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
