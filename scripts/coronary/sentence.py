"""Sentences with their annotations, and the requirements that they meet."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .words import ALL_CLAUSES, NEW_CLAUSES

DIGITS = str.maketrans("１２３４５６７８９０123456789", "0" * 19)
CHARACTERS = range(20, 151)
LONG = range(111, 151)


@dataclass
class Sentence:
    """Annotated sentence. Its fields are those of the JSON files, in the same order.

    text (str): The text.
    entities (list[tuple[int, int, str, str]]): Start, end, text and type of each entity.
    relations (list[tuple[int, int, str]]): Indices of two entities in text order, and the label.
    unseen (bool): Whether the sentence must contain something that the training split lacks.
    novelty (list[str]): What the training split lacks: "word", "shape", both or nothing.
    shapes (list[int]): The clauses, as indices into ALL_CLAUSES.
    """

    text: str = ""
    entities: list[tuple[int, int, str, str]] = field(default_factory=list)
    relations: list[tuple[int, int, str]] = field(default_factory=list)
    unseen: bool = False
    novelty: list[str] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)

    def add_entity(self, text: str, label: str) -> int:
        """Append an entity.

        text (str): The text of the entity.
        label (str): The entity type.
        RETURNS (int): The index of the entity.
        """
        start = len(self.text)
        self.text += text
        self.entities.append((start, len(self.text), text, label))
        return len(self.entities) - 1

    def add_relation(self, head: int, tail: int, name: str) -> None:
        """Add a relation. The direction in its label follows from the text order.

        head (int): The index of the head.
        tail (int): The index of the tail.
        name (str): The label without its direction.
        """
        direction = "1_2" if head < tail else "2_1"
        self.relations.append((min(head, tail), max(head, tail), f"{name}_{direction}"))

    def find_novelty(self, words: set[str]) -> list[str]:
        """List what the training split lacks.

        words (set[str]): The masked entity texts of the training split.
        RETURNS (list[str]): "word", "shape", both or nothing.
        """
        new_word = not mask_entities([self]) <= words
        new_shape = any(ALL_CLAUSES[shape] in NEW_CLAUSES for shape in self.shapes)
        return ["word"] * new_word + ["shape"] * new_shape

    def list_labels(self) -> list[str]:
        """List the labels of all entities and relations, and one more per unrelated quantifier."""
        related = {index for first, second, _ in self.relations for index in (first, second)}
        labels = [label for *_, label in self.entities]
        idle = [label for index, label in enumerate(labels) if index not in related]
        names = [name for *_, name in self.relations]
        return labels + names + ["Quantifier_idle"] * idle.count("Quantifier")


@dataclass(frozen=True)
class Requirements:
    """Requirements for the next sentence.

    novelty (tuple[str, ...]): What the training split must lack: "word", "shape", both or nothing.
    clause (str): A clause that the sentence must contain, or "".
    long (bool): Whether remarks are added before and after the findings.
    size (int): The number of entities, plus or minus one.
    """

    novelty: tuple[str, ...]
    clause: str
    long: bool
    size: int

    def are_met_by(self, sentence: Sentence) -> bool:
        """Check the length, the number of entities and the novelty of a sentence."""
        lengths = LONG if self.long else CHARACTERS
        return (
            len(sentence.text) in lengths
            and abs(len(sentence.entities) - self.size) <= 1
            and sentence.novelty == list(self.novelty)
        )


def mask_digits(text: str) -> str:
    """Replace all digits by 0, to compare texts without their numbers."""
    return text.translate(DIGITS)


def mask_entities(sentences: Iterable[Sentence]) -> set[str]:
    """Collect the texts of all entities, with masked digits."""
    return {mask_digits(text) for each in sentences for *_, text, _ in each.entities}
