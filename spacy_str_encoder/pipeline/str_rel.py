import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, pairwise
from typing import Any, Literal

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.entities import get_entities
from ..doc.relation import Relation, has_relations, set_relations
from ..layers.pairs import PairsInT
from ..pairs.candidates import Candidates, EntityPairs, all_pairs, pairs_within
from ..pairs.classes import RelationClass, label_directions
from ..pairs.gold import count_mistyped, count_relations, gold_classes, training_entities
from ..pairs.losses import sigmoid, sigmoid_loss, softmax_loss
from ..pairs.schema import Schema, allowed_pairs, make_schema, observe_triples, rule_out
from .finite_loss import require_finite
from .sealed_pipe import SealedPipe

DEFAULT_CONFIG_STR = """
[str_rel]
spans_key = null
schema = null
symmetric = []
exclusive = true
threshold = 0.5
negative_rate = 1.0
seed = 0
candidates = {"@misc":"spacy-str-encoder.all_pairs.v1"}
scorer = {"@scorers":"spacy-str-encoder.relation_scorer.v1"}

[str_rel.model]
@architectures = "spacy-str-encoder.RelationClassifier.v1"
mask = "pair"
hidden_width = null

[str_rel.model.tok2vec]
@architectures = "spacy-str-encoder.FocusedListener.v1"
upstream = "*"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR, interpolate=False)

# Bounds what docs need together in prediction: as many pairs have vectors of 12 MB with BERT-base.
BATCH_PAIRS = 4096


@Language.factory(
    "str_rel",
    requires=["doc.ents"],
    assigns=["doc._.relations", "span._.relations"],
    default_config=DEFAULT_CONFIG["str_rel"],
    default_score_weights={
        "rels_f": 1.0,
        "rels_p": 0.0,
        "rels_r": 0.0,
        "rels_per_type": None,
    },
)
def make_str_rel(
    nlp: Language,
    name: str,
    model: Model[PairsInT, Floats2d],
    candidates: Candidates,
    spans_key: str | None,
    schema: Literal["observed"] | None,
    symmetric: list[str],
    exclusive: bool,
    threshold: float,
    negative_rate: float,
    seed: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "RelationExtractor":
    """Construct a `str_rel` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[tuple[list[Doc], list[EntityPairs]], Floats2d]): A `RelationClassifier`.
    candidates (Candidates): Proposes the pairs of entities that are asked about.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None. Entities of
        a span group that differ in type only are two.
    schema (Literal["observed"] | None): `observed`: a relation is possible between types of head
        and tail that have it in the training data, and pairs for which none is are not asked
        about. None: any relation is possible between any types, as in the paper.
    symmetric (list[str]): The labels whose relations have no direction. The entity that comes
        first in the text is their head, whatever the annotation says.
    exclusive (bool): Whether a pair has one relation at most, found by a softmax as in the paper.
        Otherwise it has all that reach the threshold, found by a sigmoid each, and the class "no
        relation" is not used.
    threshold (float): The least probability of a relation that is found, if not exclusive. It is
        saved with the component; what is saved goes before the config.
    negative_rate (float): The share of the pairs without a relation that is learned from, drawn
        anew at each update. The paper keeps 0.15.
    seed (int): The seed of that draw.
    scorer (Callable | None): The scoring method.
    RETURNS (RelationExtractor): The component.
    """
    return RelationExtractor(
        nlp.vocab,
        model,
        name,
        candidates=candidates,
        spans_key=spans_key,
        schema=schema,
        symmetric=symmetric,
        exclusive=exclusive,
        threshold=threshold,
        negative_rate=negative_rate,
        seed=seed,
        scorer=scorer,
    )


class RelationExtractor(SealedPipe):
    """Finds the relation of each pair of entities, or that there is none.

    Source: Xue et al. 2019, arXiv 1908.07721.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[PairsInT, Floats2d],
        name: str = "str_rel",
        *,
        candidates: Candidates = all_pairs,
        spans_key: str | None = None,
        schema: Literal["observed"] | None = None,
        symmetric: Sequence[str] = (),
        exclusive: bool = True,
        threshold: float = 0.5,
        negative_rate: float = 1.0,
        seed: int = 0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize the component, see `make_str_rel`."""
        for option, share in {"negative_rate": negative_rate, "threshold": threshold}.items():
            # A config makes text of "nan".
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(f"{name}: {option} must be from 0 to 1, not {share}.")
        super().__init__(
            vocab,
            model,
            name,
            classes=[],
            spans_key=spans_key,
            # The triples that are possible; None if all are.
            schema=None,
            symmetric=list(symmetric),
            exclusive=exclusive,
            threshold=threshold,
        )
        self.candidates = candidates
        self.observes_schema = schema == "observed"
        self.negative_rate = negative_rate
        self.random = numpy.random.default_rng(seed)
        self.scorer = scorer
        self._reported: set[str] = set()

    @property
    def classes(self) -> list[RelationClass]:
        """RETURNS (list[tuple[str, str]]): The label and direction of each class of the model but
        the first, which is "no relation".
        """
        return [(label, direction) for label, direction in self.cfg["classes"]]

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The relation labels."""
        return tuple(dict.fromkeys(label for label, _ in self.classes))

    @property
    def label_data(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): What `spacy init labels` saves: the directions of each label,
        `>` where the head comes first in the text, `<` where the tail does, or both.
        """
        return label_directions(self.classes)

    def add_label(self, label: str, directions: str = "><") -> int:
        """Add a relation label. A trained model keeps what it knows about the others.

        A schema does not restrict a label that it has not seen.

        label (str): The label.
        directions (str): `>` if heads come first in the text, `<` if tails do, or both. A
            symmetric label has `>` alone.
        RETURNS (int): 1, or 0 if it was there already.
        RAISES (ValueError): If a direction is neither.
        """
        if unknown := set(directions) - set("><"):
            raise ValueError(
                f"{self.name}: the directions of the label '{label}' are made of '>' (head first) "
                f"and '<' (tail first), not of '{''.join(sorted(unknown))}'."
            )
        if label in self.cfg["symmetric"]:
            directions = ">"
        new = [(label, d) for d in directions if (label, d) not in self.classes]
        self.vocab.strings.add(label)
        self.cfg["classes"].extend(new)
        if new and self._is_initialized:
            self._resize_model()
        return int(bool(new))

    @property
    def _is_initialized(self) -> bool:
        return self.model.get_ref("output_layer").layers[0].has_dim("nO") is True

    def _resize_model(self) -> None:
        self.model.attrs["resize_output"](self.model, 1 + len(self.classes))

    def predict(self, docs: Iterable[Doc]) -> list[list[Relation]]:
        """Find the relations of docs.

        docs (Iterable[Doc]): The docs, with entities.
        RETURNS (list[list[Relation]]): The relations of each doc.
        RAISES (ValueError): If the docs were not encoded before.
        """
        docs = list(docs)
        schema = self._make_schema()
        asked = [self._ask(doc, get_entities(doc, self.cfg["spans_key"]), schema) for doc in docs]
        counts = [len(pairs) for _, pairs in asked]
        asked = [self._within_reach(doc, *each) for doc, each in zip(docs, asked, strict=True)]
        decided = [
            self._predict_batch(docs[batch], asked[batch], counts[batch], schema)
            for batch in _batches_of_pairs(asked)
        ]
        return list(chain.from_iterable(decided))

    def _make_schema(self) -> Schema | None:
        if self.cfg["schema"] is None:
            return None
        return make_schema(self.cfg["schema"], self.classes, symmetric=self.cfg["symmetric"])

    def _ask(self, doc: Doc, entities: list[Span], schema: Schema | None) -> EntityPairs:
        pairs = self.candidates(doc, entities)
        return entities, pairs if schema is None else allowed_pairs(schema, entities, pairs)

    def _within_reach(self, doc: Doc, entities: list[Span], pairs: IntArray) -> EntityPairs:
        """Leave out pairs that are farther apart than the model can see: of thousands of entities,
        those are nearly all.
        """
        layer = self.model.get_ref("pairs2vectors")
        reach = layer.attrs["get_reach"](layer, doc) if "get_reach" in layer.attrs else None
        return entities, pairs if reach is None else pairs_within(entities, pairs, tokens=reach)

    def _predict_batch(
        self,
        docs: list[Doc],
        asked: list[EntityPairs],
        counts: list[int],
        schema: Schema | None,
    ) -> list[list[Relation]]:
        if not any(counts):
            return [[] for _ in docs]
        ops = self.model.ops
        logits = self.model.predict((docs, asked))
        ends = numpy.cumsum([len(pairs) for _, pairs in asked])[:-1]
        reached = [part.sum() for part in numpy.split(ops.to_numpy(_is_reachable(logits)), ends)]
        self._report_unreachable(docs, counts, reached)
        if schema is not None:
            rule_out(logits, schema, asked)
        probabilities = ops.softmax(logits) if self.cfg["exclusive"] else sigmoid(ops, logits)
        parts = numpy.split(ops.to_numpy(probabilities), ends)
        return [self._decide(*doc, part) for doc, part in zip(asked, parts, strict=True)]

    def _decide(
        self, entities: list[Span], pairs: IntArray, probabilities: NDArray[Any]
    ) -> list[Relation]:
        classes, relations = self.classes, []
        for row, column in zip(*self._found(probabilities), strict=True):
            label, direction = classes[column - 1]
            head, tail = pairs[row] if direction == ">" else pairs[row, ::-1]
            score = float(probabilities[row, column])
            relations.append(Relation(entities[head], entities[tail], label, score))
        return relations

    def _found(self, probabilities: NDArray[Any]) -> tuple[IntArray, IntArray]:
        """Rows and classes of the relations."""
        if self.cfg["exclusive"]:
            best = probabilities.argmax(axis=1)
            rows = numpy.flatnonzero(best)
            return rows, best[rows]
        relations = probabilities[:, 1:]
        # What is ruled out has a probability of 0, and is not found whatever the threshold is.
        rows, columns = numpy.nonzero((relations >= self.cfg["threshold"]) & (relations > 0))
        return rows, columns + 1

    def _report_unreachable(self, docs: list[Doc], counts: list[int], reached: list[int]) -> None:
        for doc, count, seen in zip(docs, counts, reached, strict=True):
            if seen < count:
                warnings.warn(
                    f"{self.name}: in a doc of {len(doc)} tokens, {count - seen} of {count} pairs "
                    "of entities have no window of the encoder that holds the pieces of both; "
                    "they get no relation. Where the entities are far apart, wider windows "
                    "(get_spans) help.",
                    stacklevel=2,
                )

    def set_annotations(self, docs: Iterable[Doc], scores: list[list[Relation]]) -> None:
        """Set `doc._.relations`.

        docs (Iterable[Doc]): The docs.
        scores (list[list[Relation]]): The output of `predict`.
        """
        for doc, relations in zip(docs, scores, strict=True):
            set_relations(doc, relations)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch. Docs whose relations nobody annotated have no loss.

        The pairs are those of the gold entities, and of entities that components before this one
        have found wrongly, if these annotate in training (`training.annotating_components`).

        examples (Iterable[Example]): The batch.
        drop (float): The dropout rate.
        sgd (Optimizer | None): The optimizer.
        losses (dict[str, float] | None): To add the loss to, under the name of the component.
        RETURNS (dict[str, float]): The losses.
        RAISES (ValueError): If the loss is not finite.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "RelationExtractor.update")
        docs = [example.predicted for example in examples]
        if not any(map(len, docs)):
            return losses
        schema = self._make_schema()
        asked, gold = self._draw_pairs(examples, schema)
        set_dropout_rate(self.model, drop)
        # Even if there are no pairs: what listens to a stock `tok2vec` and comes last has to call
        # back, or what it sends to the others before is lost.
        logits, backprop = self.model.begin_update((docs, asked))
        if schema is not None:
            rule_out(logits, schema, asked)
        annotated = sum(has_relations(example.reference) for example in examples)
        loss, d_logits = self._get_loss(gold, logits, n_docs=max(1, annotated))
        require_finite(loss, self.name, examples)
        backprop(d_logits)
        if sgd is not None and sgd is not False:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def _get_loss(self, gold: IntArray, scores: Floats2d, *, n_docs: int) -> tuple[float, Floats2d]:
        """Compute the negative log likelihood of the gold relations: the sum over the pairs of a
        doc, as that of `str_ner` is over its tokens, and the mean over docs. If a pair can have
        several relations, each class has a likelihood of its own.

        gold (IntArray): Row and class of each gold relation. *Shape:* (relations, 2).
        scores (Floats2d): The logits of each pair. *Shape:* (pairs, classes).
        n_docs (int): The number of annotated docs, those without pairs included.
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
        """
        compute = softmax_loss if self.cfg["exclusive"] else sigmoid_loss
        loss, d_scores = compute(self.model.ops, scores, gold)
        return loss / n_docs, d_scores / n_docs

    def _draw_pairs(
        self, examples: Iterable[Example], schema: Schema | None
    ) -> tuple[list[EntityPairs], IntArray]:
        """The pairs to learn from, and row and class of the gold relations between them."""
        asked, gold, count = [], [numpy.zeros((0, 2), dtype="int64")], 0
        for example in examples:
            entities = training_entities(example, self.cfg["spans_key"])
            entities, pairs = self._ask(example.predicted, entities, schema)
            rows, classes = self._gold_classes(example, (entities, pairs), schema).T
            is_drawn = self.random.random(len(pairs)) < self.negative_rate
            is_drawn[rows] = True
            asked.append((entities, pairs[is_drawn]))
            rows = count + numpy.cumsum(is_drawn)[rows] - 1
            gold.append(numpy.stack([rows, classes], axis=1))
            count += is_drawn.sum()
        return asked, numpy.concatenate(gold)

    def _gold_classes(
        self, example: Example, asked: EntityPairs, schema: Schema | None
    ) -> IntArray:
        return gold_classes(
            example,
            asked,
            self.classes,
            schema=schema,
            exclusive=self.cfg["exclusive"],
            spans_key=self.cfg["spans_key"],
            symmetric=self.cfg["symmetric"],
            report_unknown=self._report_unknown,
        )

    def _report_unknown(self, relation: str, remedy: str) -> None:
        self._report_once(
            f"the relation {relation} occurs in training but was not known at initialization; it "
            f"counts as no relation. {remedy}"
        )

    def _report_once(self, message: str) -> None:
        if message not in self._reported:
            self._reported.add(message)
            warnings.warn(f"{self.name}: {message}", stacklevel=2)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, str] | None = None,
    ) -> None:
        """Learn the labels, and prepare the model for training.

        get_examples (Callable[[], Iterable[Example]]): Returns the training examples.
        nlp (Language | None): The pipeline.
        labels (dict[str, str] | None): The labels and their directions, as `spacy init labels`
            saves them. Without, they are collected from the examples.
        RAISES (ValueError): If there are no relations, the examples have others than given, or a
            symmetric label does not occur.
        """
        counts, lost = count_relations(
            get_examples(),
            candidates=self._candidates_of_gold,
            exclusive=self.cfg["exclusive"],
            spans_key=self.cfg["spans_key"],
            symmetric=self.cfg["symmetric"],
        )
        labels = label_directions(counts) if labels is None else labels
        self._require_labels(labels, counts)
        self._report_lost(lost, counts.total())
        self._report_mistyped(count_mistyped(get_examples(), spans_key=self.cfg["spans_key"]))
        for label, directions in labels.items():
            self.add_label(label, directions)
        self._require_symmetric_labels()
        self.cfg["schema"] = self._observe_schema(get_examples())
        self._resize_model()
        self.model.initialize(X=_first_doc(get_examples()))

    def _observe_schema(self, examples: Iterable[Example]) -> list[list[str]] | None:
        if not self.observes_schema:
            return None
        return observe_triples(example.reference for example in examples)

    def _candidates_of_gold(self, doc: Doc, entities: Sequence[Span]) -> IntArray:
        try:
            return self.candidates(doc, entities)
        except ValueError as error:
            # What the doc lacks it may have in training, when other components have run on it.
            self._report_once(
                "gold relations that are not among the candidate pairs are not counted at "
                f"initialization, since no other component has run yet: {error}"
            )
            return all_pairs(doc, entities)

    def _require_labels(self, labels: dict[str, str], counts: Counter[RelationClass]) -> None:
        if not labels:
            raise ValueError(
                f"{self.name}: the training data has no relations, and no labels were given. Were "
                "they set (doc._.relations), and was the DocBin saved with store_user_data=True?"
            )
        if unknown := [name for name in counts if name[1] not in labels.get(name[0], "")]:
            listed = ", ".join(f"'{label}' {way} ({counts[label, way]}x)" for label, way in unknown)
            raise ValueError(
                f"{self.name}: the training data has relations that the given label data lacks: "
                f"{listed}. Run `spacy init labels` again."
            )

    def _require_symmetric_labels(self) -> None:
        if unknown := [label for label in self.cfg["symmetric"] if label not in self.labels]:
            raise ValueError(
                f"{self.name}: the training data has no relations of the symmetric labels "
                f"{_listed(unknown)}. Its labels are {_listed(self.labels)}."
            )

    def _report_lost(self, lost: Counter[str], total: int) -> None:
        for reason, count in lost.items():
            warnings.warn(
                f"{self.name}: {count} of {total} gold relations {reason}; they are not learned.",
                stacklevel=3,
            )

    def _report_mistyped(self, count: int) -> None:
        if count:
            warnings.warn(
                f"{self.name}: {count} gold relations have spans of other types than the entities "
                "in their places; no relation that is found will count as one of them. Make them "
                "of the entities in doc.ents.",
                stacklevel=3,
            )

    def rehearse(self, *args: Any, **kwargs: Any) -> None:
        """Not supported."""
        raise NotImplementedError(f"The component '{self.name}' does not support rehearsal.")


def _first_doc(examples: Iterable[Example]) -> PairsInT | None:
    """A doc to prepare the model with. It needs no pairs."""
    docs = (example.predicted for example in examples if len(example.predicted))
    doc = next(docs, None)
    return None if doc is None else ([doc], [([], all_pairs(doc, []))])


def _batches_of_pairs(asked: list[EntityPairs]) -> list[slice]:
    """Cut docs into batches of about `BATCH_PAIRS` pairs, or of a single doc."""
    before = numpy.cumsum([0, *(len(pairs) for _, pairs in asked)])[:-1]
    starts = numpy.flatnonzero(numpy.diff(before // BATCH_PAIRS, prepend=-1))
    return [slice(*bounds) for bounds in pairwise([*starts, len(asked)])]


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels)


def _is_reachable(logits: Any) -> Any:
    # A pair that no window holds has logits of -inf for every relation.
    return logits[:, -1] != -numpy.inf
