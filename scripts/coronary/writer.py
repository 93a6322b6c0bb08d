"""Writer of clauses and sentences: chooses words at random and annotates them while writing."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from .sentence import Requirements, Sentence
from .words import (
    ALL_CLAUSES,
    BRIDGED,
    CLAUSES,
    CLOSERS,
    CONCLUSIONS,
    JOINERS,
    NEW_JOINERS,
    NEW_NUMBER_STYLES,
    NEW_SEVERITIES,
    NEW_WORDS,
    NUMBER_STYLES,
    OPENERS,
    PUNCTUATION_STYLES,
    REMARKS,
    ROLES,
    SEVERITIES,
    VESSELS,
    WORDS,
    Severity,
    Vessel,
)

Choice = TypeVar("Choice")

# Plain text, and the slot after it with the number of its finding.
SLOT = re.compile(r"([^{]*)(?:\{([a-z]+)(\d?)\})?")
# Largest number of places in a list, and the share of lists whose vessels have stretches.
LISTS = {"vessels": (3, 0.0), "several": (3, 0.85), "list": (6, 0.7)}


class UnfitError(Exception):
    """Sentence that needs more vessels or stretches than are left."""


@dataclass
class Finding:
    """Places of a finding, and the words that relate to them.

    severity (Severity): The severity of its stenoses.
    vessels (list[int]): The entities that are vessels.
    places (list[int]): The stretches, and the vessels without stretches.
    words (list[tuple[int, str]]): Entities that relate to the places, and the name of the relation.
    """

    severity: Severity
    vessels: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    words: list[tuple[int, str]] = field(default_factory=list)

    def list_relations(self) -> list[tuple[int, int, str]]:
        """List head, tail and name; flow relates to vessels if there are any, not to places."""
        relations = []
        for index, name in self.words:
            flow = name == "Flow"
            for place in self.vessels if flow and self.vessels else self.places:
                relations.append((index, place, "Percentage" if flow else name))
        return relations


class Writer:
    """Writer of one sentence with its annotations.

    random (Random): The random number generator.
    new_words (bool): Whether held-out words may be used.
    """

    def __init__(self, random: Random, new_words: bool) -> None:
        self.random = random
        self.new_words = new_words
        self.sentence = Sentence()
        self.numbers = self.pick(NUMBER_STYLES, NEW_NUMBER_STYLES)
        self.punctuation = random.choice(PUNCTUATION_STYLES)
        self.abbreviated = random.random() < 0.25
        self.vessels = [vessel for vessel in VESSELS if vessel.names or new_words]
        random.shuffle(self.vessels)
        self.vessel = -1
        self.stretches: list[str] = []

    def pick(self, known: Sequence[Choice], new: Sequence[Choice] = ()) -> Choice:
        """Choose an option. If held-out options may be used, they are chosen half of the time.

        known (Sequence): The options of training sentences.
        new (Sequence): The held-out options.
        RETURNS: The choice.
        """
        held_out = self.new_words and new and (not known or self.random.random() < 0.5)
        return self.random.choice(new if held_out else known)

    def pick_word(self, slot: str) -> str:
        """Choose a word of the vocabulary."""
        return self.pick(WORDS[slot], NEW_WORDS.get(slot, ()))

    def write(self, text: str) -> None:
        """Append plain text."""
        self.sentence.text += text.translate(self.punctuation)

    def add_clause(self, template: str) -> None:
        """Fill the slots of a template, then relate the words of each finding to its places."""
        self.sentence.shapes.append(ALL_CLAUSES.index(template))
        findings: dict[str, Finding] = defaultdict(
            lambda: Finding(self.pick(SEVERITIES, NEW_SEVERITIES))
        )
        for plain, slot, number in SLOT.findall(template):
            self.write(plain)
            if slot:
                self.fill(slot, findings[number])
        for finding in findings.values():
            for relation in finding.list_relations():
                self.sentence.add_relation(*relation)

    def fill(self, slot: str, finding: Finding) -> None:
        """Append the text and the entities of a slot."""
        match slot:
            case "vessel" | "place" | "places" | "bridge":
                self.fill_vessel(slot, finding)
            case "vessels" | "several" | "list":
                self.fill_list(slot, finding)
            case "more":
                self.add_stretches(finding, 1)
            case "far" | "inside":
                self.add_stretch(finding, self.pick_word(slot))
            case "chamber":
                word = self.pick_word(slot)
                finding.places.append(self.sentence.add_entity(word, "BodyPart"))
            case _:
                self.add_word(slot, finding)

    def fill_vessel(self, slot: str, finding: Finding) -> None:
        """Append a vessel, with stretches unless the slot is for the vessel alone."""
        self.add_vessel(finding, BRIDGED if slot == "bridge" else None)
        if slot == "bridge":
            self.add_stretch(finding, "中段")
        elif slot == "place":
            self.add_stretches(finding, 1)
        elif slot == "places":
            self.add_stretches(finding, self.random.randint(2, 3))

    def fill_list(self, slot: str, finding: Finding) -> None:
        """Append coordinated places, with stretches or without, as their slot permits."""
        most, share = LISTS[slot]
        size = self.random.randint(2, most)
        # A share of 0 must take no random number, or all sentences after it would change.
        self.add_list(finding, size, with_stretches=share > 0 and self.random.random() < share)

    def add_word(self, slot: str, finding: Finding) -> None:
        """Append a word of the vocabulary, and keep its relation in the finding."""
        known = getattr(finding.severity, slot) if slot in ("grade", "percent") else ()
        word = self.pick(known) if known else self.pick_word(slot)
        plain, _, word = word.format(self.pick(finding.severity.timi)).rpartition("|")
        self.write(plain)
        if slot not in ROLES:
            self.write(word)
            return
        label, relation = ROLES[slot]
        style = self.numbers if label == "Quantifier" else {}
        index = self.sentence.add_entity(word.translate(style), label)
        if relation:
            finding.words.append((index, relation))

    def add_vessel(self, finding: Finding, wanted: Vessel | None = None) -> None:
        """Append a vessel that the sentence has not mentioned yet.

        finding (Finding): The finding of the vessel.
        wanted (Vessel | None): The vessel; the next one if None.
        """
        vessel = wanted or next(iter(self.vessels), None)
        if vessel not in self.vessels:
            raise UnfitError
        self.vessels.remove(vessel)
        name = self.pick(self.styled(vessel.names), self.styled(vessel.new_names))
        self.vessel = self.sentence.add_entity(name, "BodyPart")
        self.stretches = list(self.pick(vessel.courses, vessel.new_courses))
        finding.vessels.append(self.vessel)
        finding.places.append(self.vessel)

    def styled(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Keep only names in the style of the sentence, abbreviated or not, if there are any."""
        return tuple(name for name in names if name.isascii() == self.abbreviated) or names

    def add_stretches(self, finding: Finding, count: int, joiner: str = "及") -> None:
        """Append stretches of the last vessel, downstream of those already mentioned.

        finding (Finding): The finding of the stretches.
        count (int): The maximum number of stretches.
        joiner (str): The text before the last stretch.
        """
        room = len(self.stretches)
        if not room:
            raise UnfitError
        picked = sorted(self.random.sample(range(room), min(count, room)))
        for position in picked:
            if position != picked[0]:
                self.write(joiner if position == picked[-1] else "、")
            self.add_stretch(finding, self.stretches[position])
        self.stretches = self.stretches[picked[-1] + 1 :]

    def add_stretch(self, finding: Finding, text: str) -> None:
        """Append a stretch of the last vessel, which replaces it as place of the finding."""
        index = self.sentence.add_entity(text, "Location")
        self.sentence.add_relation(self.vessel, index, "Position")
        if self.vessel in finding.places:
            finding.places.remove(self.vessel)
        finding.places.append(index)

    def add_list(self, finding: Finding, size: int, with_stretches: bool) -> None:
        """Append coordinated places: either all vessels have stretches, or none.

        In a mixed list, it would be ambiguous to which vessels a stretch belongs.

        finding (Finding): The finding of the places.
        size (int): The number of places.
        with_stretches (bool): Whether the vessels have stretches.
        """
        joiner = self.pick(JOINERS, NEW_JOINERS)
        self.vessels[:size] = sorted(self.vessels[:size], key=VESSELS.index)
        while (left := size - len(finding.places)) > 0:
            count = min(left, self.random.randint(1, 3)) if with_stretches else 1
            if finding.places:
                self.write(joiner if count == left else "、")
            self.add_vessel(finding)
            if with_stretches:
                self.add_stretches(finding, count, "、")
            if count == left:
                break


def choose_clauses(random: Random, requirements: Requirements) -> list[str]:
    """Choose some findings, and optionally an opener and a closer.

    random (Random): The random number generator.
    requirements (Requirements): The requirements; only the clause and the length are read.
    RETURNS (list[str]): The templates, in text order.
    """
    clauses = random.sample(CLAUSES, random.randint(1, 3))
    if requirements.clause and requirements.clause not in clauses:
        clauses[0] = requirements.clause
        random.shuffle(clauses)
    long = requirements.long
    openers = random.sample(OPENERS, random.random() < 0.6) + [random.choice(REMARKS)] * long
    closers = random.sample(CLOSERS, random.random() < 0.5) + [random.choice(CONCLUSIONS)] * long
    return openers + clauses + closers


def write_sentence(random: Random, requirements: Requirements) -> Sentence:
    """Write a sentence. The number of characters and entities and the novelty are left to chance.

    random (Random): The random number generator.
    requirements (Requirements): The requirements.
    RETURNS (Sentence): The sentence.
    """
    writer = Writer(random, "word" in requirements.novelty)
    sentence = writer.sentence
    for clause in choose_clauses(random, requirements):
        if sentence.text and not sentence.text.endswith(("：", ":")):
            writer.write("。" if clause in CONCLUSIONS else random.choice("，，；；。"))
        writer.add_clause(clause)
    writer.write("。")
    sentence.relations.sort()
    return sentence
