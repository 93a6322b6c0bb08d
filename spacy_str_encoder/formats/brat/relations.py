"""Lines of relations."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..annotated_text import AnnotatedRelation, AnnotationError
from ..report import ConversionReport
from .lines import Line

ARGUMENTS = re.compile(r"(\S+) (\S+?):(\S+) (\S+?):(\S+) *")
OF_EVENTS = "relations of events"
UNCONNECTED = "relations of relations, or of entities that were left out"


def parse_relation(
    line: Line,
    ids: Collection[str],
    places: Mapping[str, int],
    report: ConversionReport,
    *,
    events: Collection[str],
) -> Iterator[AnnotatedRelation]:
    """Parse the line of a relation.

    line (Line): A line whose id begins with R.
    ids (Collection[str]): The ids of all lines.
    places (Mapping[str, int]): The index of the entity by the id of the entity, or of the event
        that it triggers.
    report (ConversionReport): The report, to count losses and choices.
    events (Collection[str]): The ids of the events that are read.
    YIELDS (AnnotatedRelation): The relation, unless it is lost.
    RAISES (AnnotationError): If the line is malformed, or an id is unknown.
    """
    match = ARGUMENTS.fullmatch(line.content)
    if match is None:
        form = "a label and two arguments, such as Treats Arg1:T1 Arg2:T2"
        raise AnnotationError(f"{line.place}: must have {form}, got {line.content!r}")
    label, first_role, first, second_role, second = match.groups()
    check_ids((first, second), ids, line)
    if missing := {first, second} - places.keys():
        are_unread = all(each[0] == "E" and each not in events for each in missing)
        reason = OF_EVENTS if are_unread else UNCONNECTED
        report.lose(reason, line.place, line.content)
        return
    if (first_role, second_role) == ("Arg2", "Arg1"):
        first, second = second, first
    elif (first_role, second_role) != ("Arg1", "Arg2"):
        reason = "relations with roles other than Arg1 and Arg2, read from the first to the second"
        report.choose(reason, line.place, line.content)
    yield AnnotatedRelation(places[first], places[second], label)


def check_ids(given: Iterable[str], ids: Collection[str], line: Line) -> None:
    """Check that a line refers to lines that exist.

    given (Iterable[str]): The ids in the line.
    ids (Collection[str]): The ids of all lines.
    line (Line): The line.
    RAISES (AnnotationError): If an id is unknown.
    """
    for each in given:
        if each not in ids:
            raise AnnotationError(f"{line.place}: the file has no line with the id {each}")
