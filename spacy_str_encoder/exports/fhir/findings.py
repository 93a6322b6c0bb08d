"""Findings of a doc: an Observation or a Condition for each central entity, and an Observation for
each value that has values or attributes itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from spacy.tokens import Doc, Span

from ...doc.records import Link
from ...doc.relation import Place, get_relations, place_of
from ..ids import hash_entity
from ..statements import Reading, Statement, count_scores, count_unknown, read_statements
from .amounts import make_value
from .values import Element, clean, derive, make_code, make_concept, refer

OBSERVATION, CONDITION, DOCUMENT = "Observation", "Condition", "DocumentReference"
# Neither an observation of the patient nor a condition.
ELSEWHERE = frozenset({"conditional", "other_subject", "planned"})
# A value with such a meaning is none that the patient has for sure.
DOUBTS = ELSEWHERE | {"absent", "uncertain"}
LEFT_OUT = "entities that are conditional, planned, or of somebody else"
OUTSIDE = "entities that are neither central nor a value of one that is written"
RELATIONS = "relations for which the resources have no place"
ATTRIBUTES = "attributes for which a Condition has no place"
DOUBTED = "body sites and severities that are absent, uncertain, or not told"
UNTOLD = "entities not said to exist, as all of their values are absent, uncertain, or not told"


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
        assumed = {place for place, each in found.items() if _is_assumed(each, reading)}
        self._untold = {place for place in assumed if _is_denied(found[place], found, reading)}
        self._statements = {
            place: replace(each, exists=None) if place in self._untold else each
            for place, each in found.items()
            if not each.meanings & ELSEWHERE
        }
        # What is a resource of its own, in the order of the resources, and what is written at all.
        self._resources: list[Place] = []
        self._written: set[Place] = set()
        self._doubted: set[Place] = set()
        self._unplaced = len(get_relations(doc))
        self.lost[LEFT_OUT] = len(found) - len(self._statements)
        self.lost.update(count_scores(doc, found.values()))
        self.lost.update(count_unknown(found.values(), reading))

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
        unwritten = self._statements.keys() - self._written
        self.lost[DOUBTED] = len(unwritten & self._doubted)
        self.lost[OUTSIDE] = len(unwritten - self._doubted)
        self.chosen[UNTOLD] += len(self._untold.intersection(self._resources))
        self.lost[RELATIONS] = self._unplaced

    def _add(self, places: Iterable[Place]) -> None:
        new = [each for each in dict.fromkeys(places) if each not in self._written]
        self._resources += new
        self._written.update(new)

    def _is_central(self, place: Place) -> bool:
        return place[2] in self._reading.central

    def _begin(self, kind: str, statement: Statement) -> Element:
        entity = statement.entity
        observed = self._reading.meanings.observed.get(entity.label_)
        return {
            "resourceType": kind,
            "id": hash_entity(self._document, place_of(entity)),
            "extension": derive(entity, self._document),
            "category": [self._describe(entity.label_)],
            "code": self._describe(observed) if observed else self._name(entity),
            "subject": refer("Patient", self._patient),
        }

    def _name(self, entity: Span) -> Element:
        return make_concept(entity, self._reading.meanings.systems, self.lost, self.chosen)

    def _describe(self, text: str) -> Element:
        return {"text": clean(text, self.chosen)}

    def _find_site(self, statement: Statement) -> list[Element]:
        """Find where something is observed: at the entity itself, if its type says what it is."""
        is_site = statement.entity.label_ in self._reading.meanings.observed
        return [self._name(statement.entity)] if is_site else []

    def _make_observation(self, statement: Statement) -> Element:
        links = [link for link in statement.links if self._can_be_value(link)]
        members = [link for link in links if self._is_member(link)]
        sites = self._find_site(statement)
        components = [
            {"code": self._describe(name), "valueCodeableConcept": self._describe(value)}
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
            **({"bodySite": sites[0]} if sites else {}),
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
            "code": self._describe(link.relation.label),
            **make_value(self._name(link.value)),
        }

    def _make_condition(self, statement: Statement) -> Element:
        meanings = self._reading.meanings
        sites = [*self._find_site(statement), *self._take(statement, meanings.body_sites)]
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
        places = [place_of(each.value) for each in statement.links if each.value.label_ in types]
        known = [self._statements[each] for each in places if each in self._statements]
        taken = [each for each in known if not _is_doubted(each)][:most]
        self._doubted.update(place_of(each.entity) for each in known if _is_doubted(each))
        self._written.update(place_of(each.entity) for each in taken)
        self._unplaced -= len(taken)
        self.lost[ATTRIBUTES] += sum(len(each.attributes) for each in taken)
        return [self._name(each.entity) for each in taken]


def _is_assumed(statement: Statement, reading: Reading) -> bool:
    """Check whether an entity, or what is observed of it, would be said to exist for want of a
    denial alone.
    """
    is_told = reading.attributes_tell or bool(statement.unknown or statement.meanings)
    is_observed = statement.entity.label_ in reading.meanings.observed
    return (is_observed or bool(statement.exists)) and not is_told


def _is_denied(statement: Statement, found: Mapping[Place, Statement], reading: Reading) -> bool:
    """Check whether all that is said of an entity are values that the patient may not have. What is
    said of another central entity tells nothing of this one."""
    values = [place_of(each.value) for each in statement.links]
    own = [found[each] for each in values if each[2] not in reading.central]
    return bool(own) and all(map(_is_doubted, own))


def _is_doubted(statement: Statement) -> bool:
    return bool(statement.meanings & DOUBTS or statement.unknown)


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
