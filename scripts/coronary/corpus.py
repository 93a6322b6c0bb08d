"""Splits of the corpus: their proportions, what they hold out, and their JSON files."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from .sentence import Requirements, Sentence, mask_digits, mask_entities
from .words import CLAUSES, NEW_CLAUSES
from .writer import UnfitError, write_sentence

# The counts in the published corpus, per 2,136 entities. A few inverse orders are added for the two
# relations that have them in real reports.
TARGETS = {
    "Negation": 103,
    "BodyPart": 492,
    "Degree": 658,
    "Quantifier": 422,
    "Location": 461,
    "Negative_1_2": 16,
    "Negative_2_1": 390,
    "Modifier_1_2": 43,
    "Modifier_2_1": 1025,
    "Position_1_2": 389,
    "Percentage_1_2": 100,
    "Percentage_2_1": 256,
    "Quantifier_idle": 80,
}
TARGET_ENTITIES = 2136
NOVELTIES: tuple[tuple[str, ...], ...] = (("word",), ("shape",), ("word", "shape"))
CANDIDATES = 40
# Penalty for each time that a clause has been used before.
REPETITION = 0.005


class Corpus:
    """Corpus to which sentences are added one by one. Among several candidates, it keeps the one
    that best approaches the target proportions.

    random (Random): The random number generator.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counts: Counter[str] = Counter()
        self.shapes: Counter[int] = Counter()
        self.texts: set[str] = set()

    def add_split(self, size: int, train: Sequence[Sentence] = ()) -> list[Sentence]:
        """Write a split. If there are training sentences, every other sentence is unseen.

        size (int): The number of sentences.
        train (Sequence[Sentence]): The training sentences; empty to write the training split.
        RETURNS (list[Sentence]): The sentences.
        """
        words = mask_entities(train)
        return [
            self.add_sentence(self.make_requirements(position, bool(train)), words)
            for position in range(size)
        ]

    def add_sentence(self, requirements: Requirements, words: set[str]) -> Sentence:
        """Add the best of several candidates.

        requirements (Requirements): The requirements.
        words (set[str]): The masked entity texts of the training split; empty while writing it.
        RETURNS (Sentence): The sentence.
        """
        candidates = [self.write_candidate(requirements, words) for _ in range(CANDIDATES)]
        best = min(candidates, key=self.measure_imbalance)
        self.counts.update(best.list_labels())
        self.shapes.update(best.shapes)
        self.texts.add(mask_digits(best.text))
        return best

    def make_requirements(self, position: int, held_out: bool) -> Requirements:
        """Determine the requirements for the next sentence of a split.

        All candidates have the same size, otherwise the smallest would always win. All clauses are
        required in turn, otherwise those far from the proportions would never be chosen.

        position (int): The index of the sentence in its split.
        held_out (bool): Whether every other sentence is unseen.
        RETURNS (Requirements): The requirements.
        """
        unseen = held_out and position % 2 == 1
        novelty = NOVELTIES[position // 2 % 3] if unseen else ()
        clause = CLAUSES[position // 3 % len(CLAUSES)] if position % 3 == 0 else ""
        if "shape" in novelty:
            clause = NEW_CLAUSES[position // 2 % len(NEW_CLAUSES)]
        long = position % 7 == 0
        sizes = (11, 14) if long or clause else (6, 12)
        return Requirements(novelty, clause, long, self.random.randint(*sizes))

    def write_candidate(self, requirements: Requirements, words: set[str]) -> Sentence:
        """Write sentences until one meets the requirements and is not yet in the corpus.

        requirements (Requirements): The requirements.
        words (set[str]): The masked entity texts of the training split; empty while writing it.
        RETURNS (Sentence): The sentence.
        """
        while True:
            try:
                sentence = write_sentence(self.random, requirements)
            except UnfitError:
                continue
            sentence.unseen = bool(requirements.novelty)
            sentence.novelty = sentence.find_novelty(words) if words else []
            fresh = mask_digits(sentence.text) not in self.texts
            if fresh and requirements.are_met_by(sentence):
                return sentence

    def measure_imbalance(self, sentence: Sentence) -> float:
        """Measure the deviation of the counts from the targets after adding a sentence.

        sentence (Sentence): The sentence.
        RETURNS (float): The sum of squared deviations, each relative to its target, plus a small
            penalty for clauses that are already frequent.
        """
        counts = self.counts + Counter(sentence.list_labels())
        entities = sum(counts[name] for name in TARGETS if "_" not in name)
        scale = entities / TARGET_ENTITIES
        deviation = sum(
            (counts[name] - scale * target) ** 2 / target for name, target in TARGETS.items()
        )
        return deviation + REPETITION * sum(self.shapes[shape] for shape in sentence.shapes)


def generate(seed: int, size: int) -> dict[str, list[Sentence]]:
    """Write the corpus.

    seed (int): The random seed.
    size (int): The total number of sentences.
    RETURNS (dict[str, list[Sentence]]): The splits by name, 8:1:1, with the test split in two
        parts.
    """
    corpus = Corpus(Random(seed))
    held_out = size // 10
    train = corpus.add_split(size - 2 * held_out)
    dev, test = (corpus.add_split(held_out, train) for _ in range(2))
    seen = [sentence for sentence in test if not sentence.unseen]
    unseen = [sentence for sentence in test if sentence.unseen]
    return {"train": train, "dev": dev, "test_seen": seen, "test_unseen": unseen}


def serialize(sentences: Iterable[Sentence]) -> str:
    """Format a split as a JSON list with one sentence per line."""
    lines = (json.dumps(asdict(s), ensure_ascii=False, separators=(",", ":")) for s in sentences)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def read_split(path: Path) -> list[Sentence]:
    """Read the JSON file of a split."""
    return [Sentence(**fields) for fields in json.loads(path.read_text("utf-8"))]
