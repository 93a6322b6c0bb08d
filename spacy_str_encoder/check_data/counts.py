"""Counts of a corpus: what there is to learn from, or to score."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from spacy.tokens import Doc
from spacy.training import Example

from ..doc.entities import get_entities, get_gold_entities, name_place
from ..doc.misaligned import get_misaligned_relations
from ..doc.relation import get_relations
from ..doc.token_fit import TokenFit


@dataclass
class CorpusCounts:
    """Counts of a corpus.

    docs (int): Number of docs with a text.
    entities (Counter[str]): Entities by label.
    places (Counter[str]): Entities by the name of their place: `doc.ents`, or a span group.
    relations (Counter[str]): Relations by label.
    misaligned_relations (int): Relations of entities that do not align with tokens of the data.
    fit (TokenFit): Counts to tell whether the tokens suit the texts and entities.
    texts (Counter[int]): Docs by the hash of their text, without white space around words.
    """

    docs: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    misaligned_relations: int = 0
    fit: TokenFit = field(default_factory=TokenFit)
    texts: Counter[int] = field(default_factory=Counter)

    def add(self, example: Example, spans_key: str | None) -> None:
        """Count a doc. White space alone is not a text.

        example (Example): The doc.
        spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
        """
        doc = example.reference
        if text := " ".join(doc.text.split()):
            self.docs += 1
            self.texts[hash(text)] += 1
        gold = get_gold_entities(doc, spans_key)
        aligned = example.get_aligned_spans_y2x(gold, allow_overlap=spans_key is not None)
        lost = len(gold) - len(aligned)
        self.fit.add(doc, example.predicted, entities=len(gold), misaligned=lost)
        self.entities.update(entity.label_ for entity in gold)
        self.relations.update(relation.label for relation in get_relations(doc))
        self.misaligned_relations += len(get_misaligned_relations(doc))
        self._count_places(doc)

    def _count_places(self, doc: Doc) -> None:
        for key in (None, *doc.spans):
            self.places[name_place(key)] += len(get_entities(doc, key))


def count_corpus(examples: Iterable[Example], spans_key: str | None) -> CorpusCounts:
    """Count a corpus.

    examples (Iterable[Example]): The corpus.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (CorpusCounts): The counts.
    """
    counts = CorpusCounts()
    for example in examples:
        counts.add(example, spans_key)
    return counts
