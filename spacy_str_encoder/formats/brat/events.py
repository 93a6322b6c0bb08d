"""Events, read as relations from their trigger to their arguments."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..annotated_text import AnnotatedRelation, AnnotationError
from ..report import ConversionReport
from .lines import Line
from .relations import check_ids

EVENTS = "events"
EVENT = re.compile(r"(\S+?):(T\S+)((?: +\S+?:\S+)*) *")
NUMBERED = re.compile(r"(.+?)\d+")


@dataclass(frozen=True)
class Event:
    """Trigger and arguments of an event.

    line (Line): The line that it was read from.
    trigger (str): The id of its trigger.
    arguments (list[tuple[str, str]]): The role and the id of each argument.
    """

    line: Line
    trigger: str
    arguments: list[tuple[str, str]]


def parse_events(
    lines: Iterable[Line], ids: Collection[str], labels: Mapping[str, str], report: ConversionReport
) -> dict[str, Event]:
    """Parse all events of a document.

    lines (Iterable[Line]): The lines of the document.
    ids (Collection[str]): The ids of all lines.
    labels (Mapping[str, str]): The types of entities by their id.
    report (ConversionReport): The report, to count choices.
    RETURNS (dict[str, Event]): The events by their id.
    RAISES (AnnotationError): If a line is malformed, or an id is unknown.
    """
    events = {}
    for line in lines:
        if line.id[0] == "E":
            label, events[line.id] = _parse_event(line, ids)
            trigger = events[line.id].trigger
            if labels.get(trigger, label) != label:
                reason = "events whose type is not that of their trigger, which is kept"
                report.choose(reason, line.place, f"{label}, not {labels[trigger]}")
    return events


def _parse_event(line: Line, ids: Collection[str]) -> tuple[str, Event]:
    match = EVENT.fullmatch(line.content)
    if match is None:
        form = "a type with a trigger and roles with arguments, such as Treat:T1 Theme:T2"
        raise AnnotationError(f"{line.place}: must have {form}, got {line.content!r}")
    parts = [part.partition(":") for part in match[3].split()]
    arguments = [(role, argument) for role, _, argument in parts]
    check_ids([match[2], *(argument for _, argument in arguments)], ids, line)
    return match[1], Event(line, match[2], arguments)


def relate(
    event: Event, places: Mapping[str, int], report: ConversionReport
) -> Iterator[AnnotatedRelation]:
    """Convert the arguments of an event to relations.

    event (Event): The event.
    places (Mapping[str, int]): The index of the entity by the id of the entity, or of the event
        that it triggers.
    report (ConversionReport): The report, to count losses and choices.
    YIELDS (AnnotatedRelation): A relation from the trigger to each argument.
    """
    roles = {role for role, _ in event.arguments}
    report.choose("events read as relations", event.line.place, event.line.content)
    for role, argument in event.arguments:
        if {event.trigger, argument} <= places.keys():
            label = _without_number(role, roles, event.line, report)
            yield AnnotatedRelation(places[event.trigger], places[argument], label)
        else:
            reason = "relations of events whose trigger or argument was left out"
            report.lose(reason, event.line.place, f"{role}:{argument}")


def _without_number(role: str, roles: Collection[str], line: Line, report: ConversionReport) -> str:
    # brat numbers the second and further arguments with the same role.
    match = NUMBERED.fullmatch(role)
    if match is None or match[1] not in roles:
        return role
    report.choose("numbered roles of events, read without the number", line.place, role)
    return match[1]
