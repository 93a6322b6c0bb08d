"""Frequency baseline: the most frequent label of each string, and the most frequent relation of
each pair of types. It shows how difficult a corpus is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations

from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.entities import put_gold_entities
from spacy_str_encoder.evaluation import Outcomes, collect_outcomes
from spacy_str_encoder.pairs.classes import RelationClass, relation_class

TypePair = tuple[str, str]


class FrequencyBaseline:
    """Baseline that predicts the most frequent annotations of the training docs."""

    def __init__(self, docs: Iterable[Doc]) -> None:
        """Count entities and relations.

        docs (Iterable[Doc]): Training docs.
        """
        labels: dict[str, Counter[str]] = defaultdict(Counter)
        relations: dict[TypePair, Counter[RelationClass]] = defaultdict(Counter)
        for doc in docs:
            for entity in doc.ents:
                labels[entity.text][entity.label_] += 1
            for relation in doc._.relations:
                first, second = sorted((relation.head, relation.tail))
                relations[first.label_, second.label_][relation_class(relation)] += 1
        self.labels = {text: counts.most_common(1)[0][0] for text, counts in labels.items()}
        # Most pairs of any two types have no relation. Counting these would predict no relations.
        self.relations = {pair: counts.most_common(1)[0][0] for pair, counts in relations.items()}
        self.longest = max(map(len, self.labels), default=0)

    def set_entities(self, doc: Doc) -> None:
        """Label the longest known strings, from left to right.

        doc (Doc): The doc.
        """
        spans, start = [], 0
        while start < len(doc):
            span = self._longest_from(doc, start)
            if span is not None:
                spans.append(span)
            start = span.end if span is not None else start + 1
        doc.set_ents(spans)

    def _longest_from(self, doc: Doc, start: int) -> Span | None:
        for end in range(min(len(doc), start + self.longest), start, -1):
            label = self.labels.get(doc[start:end].text)
            if label is not None:
                return Span(doc, start, end, label=label)
        return None

    def set_relations(self, doc: Doc) -> None:
        """Give each pair of entities the most frequent relation of their types.

        doc (Doc): The doc, with entities.
        """
        relations = []
        for first, second in combinations(doc.ents, 2):
            if (first.label_, second.label_) in self.relations:
                label, direction = self.relations[first.label_, second.label_]
                head, tail = (first, second) if direction == ">" else (second, first)
                relations.append(Relation(head, tail, label))
        doc._.relations = relations

    def find_outcomes(self, docs: list[Doc]) -> Outcomes:
        """Run the baseline with predicted and with gold entities.

        docs (list[Doc]): Gold docs.
        RETURNS (Outcomes): The outcomes, as in `spacy_str_encoder.evaluation.find_outcomes`.
        """
        predicted = [Example(_without_annotation(doc), doc) for doc in docs]
        for example in predicted:
            self.set_entities(example.predicted)
        gold = [put_gold_entities(Example(_without_annotation(doc), doc)) for doc in docs]
        for example in [*predicted, *gold]:
            self.set_relations(example.predicted)
        return collect_outcomes(predicted, gold)


def _without_annotation(doc: Doc) -> Doc:
    words = [token.text for token in doc]
    return Doc(doc.vocab, words=words, spaces=[bool(token.whitespace_) for token in doc])
