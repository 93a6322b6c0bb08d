"""Findings of a doc: an Observation or a Condition for each central entity, and an Observation for
each value that has values or attributes itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from spacy.tokens import Doc, Span

from ...doc.records import Link
from ...doc.relation import Place, get_relations, place_of
from ..graph.ids import hash_entity
from ..statements import Reading, Statement, count_scores, read_statements
from .values import Element, clean, derive, make_code, make_concept, make_value, refer

OBSERVATION, CONDITION, DOCUMENT = "Observation", "Condition", "DocumentReference"
# Neither an observation of the patient nor a condition.
ELSEWHERE = frozenset({"conditional", "other_subject", "planned"})
LEFT_OUT = "entities that are conditional, planned, or of somebody else"
OUTSIDE = "entities that are neither central nor a value of one that is written"
RELATIONS = "relations for which the resources have no place"
ATTRIBUTES = "attributes for which a Condition has no place"


class Findings:
    """The findings of a doc.

    lost (Counter[str]): The number of losses by reason.
    chosen (Counter[str]): The number of choices by reason.
    """

    def __init__(self, doc: Doc, reading: Reading, *, document: str, patient: str) -> None:
        """Read what a doc says.

        doc (Doc): The doc.
        reading (Reading): How it is read.
        document (str): The identifier of its DocumentReference.
        patient (str): The identifier of its Patient.
        """
        self.lost: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()
        self._reading, self._document, self._patient = reading, document, patient
        found = {place_of(each.entity): each for each in read_statements(doc, reading)}
        self._statements = {
            place: each for place, each in found.items() if not each.meanings & ELSEWHERE
        }
        # What is a resource of its own, in the order of the resources, and what is written at all.
        self._resources: list[Place] = []
        self._written: set[Place] = set()
        self._unplaced = len(get_relations(doc))
        self.lost[LEFT_OUT] = len(found) - len(self._statements)
        self.lost.update(count_scores(doc, found.values()))

    def make_resources(self) -> Iterator[Element]:
        """YIELDS (dict[str, Any]): The resources of central entities in text order, and then those
        of their values. At the end, `lost` counts what has no place in them.
        """
        self._add(each for each in self._statements if self._is_central(each))
        # The list grows during the loop.
        for place in self._resources:
            statement = self._statements[place]
            if place[2] in self._reading.meanings.conditions:
                yield self._make_condition(statement)
            else:
                yield self._make_observation(statement)
        self.lost[OUTSIDE] = len(self._statements.keys() - self._written)
        self.lost[RELATIONS] = self._unplaced

    def _add(self, places: Iterable[Place]) -> None:
        new = [each for each in dict.fromkeys(places) if each not in self._written]
        self._resources += new
        self._written.update(new)

    def _is_central(self, place: Place) -> bool:
        return place[2] in self._reading.central

    def _begin(self, kind: str, statement: Statement) -> Element:
        entity = statement.entity
        return {
            "resourceType": kind,
            "id": hash_entity(self._document, place_of(entity)),
            "extension": derive(entity, self._document),
            "category": [{"text": clean(entity.label_, self.chosen)}],
            "code": self._name(entity),
            "subject": refer("Patient", self._patient),
        }

    def _name(self, entity: Span) -> Element:
        return make_concept(entity, self._reading.meanings.systems, self.lost, self.chosen)

    def _make_observation(self, statement: Statement) -> Element:
        links = [link for link in statement.links if self._can_be_value(link)]
        members = [link for link in links if self._is_member(link)]
        components = [
            {"code": {"text": name}, "valueCodeableConcept": {"text": value}}
            for name, value in statement.attributes.items()
        ]
        components += [self._make_component(each) for each in links if not self._is_member(each)]
        self._unplaced -= len(links)
        return {
            **self._begin(OBSERVATION, statement),
            # Nobody has verified it.
            "status": "preliminary",
            "derivedFrom": [refer(DOCUMENT, self._document)],
            **_say_whether(statement),
            **({"hasMember": self._refer_to(members)} if members else {}),
            **({"component": components} if components else {}),
        }

    def _can_be_value(self, link: Link) -> bool:
        place = place_of(link.value)
        is_condition = place[2] in self._reading.meanings.conditions
        return place in self._statements and link.value != link.owner and not is_condition

    def _is_member(self, link: Link) -> bool:
        place = place_of(link.value)
        known = self._statements[place]
        return self._is_central(place) or bool(known.links or known.attributes or known.meanings)

    def _refer_to(self, links: list[Link]) -> list[Element]:
        self._add(place_of(link.value) for link in links)
        labels: dict[Place, list[str]] = {}
        for link in links:
            labels.setdefault(place_of(link.value), []).append(link.relation.label)
        return [
            {
                **refer(OBSERVATION, hash_entity(self._document, place)),
                # References have no other place for the label of the relation.
                "display": clean(", ".join(named), self.chosen),
            }
            for place, named in labels.items()
        ]

    def _make_component(self, link: Link) -> Element:
        self._written.add(place_of(link.value))
        return {
            "extension": derive(link.value, self._document),
            "code": {"text": clean(link.relation.label, self.chosen)},
            **make_value(self._name(link.value)),
        }

    def _make_condition(self, statement: Statement) -> Element:
        meanings = self._reading.meanings
        sites = self._take(statement, meanings.body_sites)
        severity = self._take(statement, meanings.severities, most=1)
        unplaced = [name for name in statement.attributes if not meanings.know(name)]
        self.lost[ATTRIBUTES] += len(unplaced)
        return {
            **self._begin(CONDITION, statement),
            **_verify(statement),
            **({"bodySite": sites} if sites else {}),
            **({"severity": severity[0]} if severity else {}),
            "evidence": [{"detail": [refer(DOCUMENT, self._document)]}],
        }

    def _take(
        self, statement: Statement, types: Collection[str], *, most: int | None = None
    ) -> list[Element]:
        values = [each.value for each in statement.links if each.value.label_ in types]
        taken = [each for each in values if place_of(each) in self._statements][:most]
        self._written.update(map(place_of, taken))
        self._unplaced -= len(taken)
        return [self._name(each) for each in taken]


def _say_whether(statement: Statement) -> Element:
    if "absent" in statement.meanings:
        return {"valueBoolean": False}
    if "uncertain" in statement.meanings:
        return {"dataAbsentReason": make_code("data-absent-reason", "unknown")}
    return {} if statement.exists is None else {"valueBoolean": True}


def _verify(statement: Statement) -> Element:
    if "absent" in statement.meanings:
        return {"verificationStatus": make_code("condition-ver-status", "refuted")}
    is_past = "past" in statement.meanings
    clinical = {"clinicalStatus": make_code("condition-clinical", "inactive")} if is_past else {}
    if statement.exists is None:
        return clinical
    status = "unconfirmed" if "uncertain" in statement.meanings else "confirmed"
    return {**clinical, "verificationStatus": make_code("condition-ver-status", status)}
