import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any, Literal

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.relation import Relation, has_relations, set_relations
from ..layers.pairs import PairsInT
from ..pairs.candidates import Candidates, DocPairs, all_pairs, pairs_within
from ..pairs.classes import RelationClass, Triple, label_directions
from ..pairs.gold import (
    count_mistyped,
    count_relations,
    gold_classes,
    observe_triples,
    training_entities,
)
from ..pairs.task import RelationTask
from .finite_loss import require_finite
from .relation_checks import (
    require_labels,
    require_symmetric_labels,
    warn_of_lost,
    warn_of_mistyped,
)
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
    model (Model[list[DocPairs], Floats2d]): A `RelationClassifier`.
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
    def task(self) -> RelationTask:
        """RETURNS (RelationTask): The candidate pairs, and the relations that they may have."""
        settings = ("spans_key", "symmetric", "exclusive", "threshold")
        return RelationTask(
            classes=self.classes,
            candidates=self.candidates,
            triples=self.cfg["schema"],
            **{name: self.cfg[name] for name in settings},
        )

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
        task = self.task
        proposed = [self._within_reach(task.get_pairs(doc)) for doc in docs]
        batches = _batch_by_pairs(proposed)
        return list(chain.from_iterable(self._predict_batch(task, batch) for batch in batches))

    def _within_reach(self, doc_pairs: DocPairs) -> DocPairs:
        """Leave out pairs that are farther apart than the model can see: of thousands of entities,
        those are nearly all.
        """
        layer = self.model.get_ref("pairs2vectors")
        if "get_reach" not in layer.attrs:
            return doc_pairs
        reach = layer.attrs["get_reach"](layer, doc_pairs.doc)
        return doc_pairs if reach is None else pairs_within(doc_pairs, tokens=reach)

    def _predict_batch(self, task: RelationTask, batch: list[DocPairs]) -> list[list[Relation]]:
        if not any(len(doc_pairs) + doc_pairs.out_of_reach for doc_pairs in batch):
            return [[] for _ in batch]
        ops = self.model.ops
        logits = self.model.predict(batch)
        ends = numpy.cumsum(list(map(len, batch)))[:-1]
        reachable = numpy.split(ops.to_numpy(_is_reachable(logits)), ends)
        for doc_pairs, is_reachable in zip(batch, reachable, strict=True):
            self._report_unreachable(doc_pairs, int((~is_reachable).sum()))
        task.rule_out(logits, batch)
        probabilities = numpy.split(task.get_probabilities(ops, logits), ends)
        return list(map(task.decide, batch, probabilities))

    def _report_unreachable(self, doc_pairs: DocPairs, count: int) -> None:
        count += doc_pairs.out_of_reach
        if count:
            warnings.warn(
                f"{self.name}: in a doc of {len(doc_pairs.doc)} tokens, {count} of "
                f"{len(doc_pairs) + doc_pairs.out_of_reach} candidate pairs have no window of the "
                "encoder that holds the pieces of both entities; they get no relation. Where the "
                "entities are far apart, wider windows (get_spans) help.",
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
        task = self.task
        doc_pairs, gold = self._draw_pairs(task, examples)
        set_dropout_rate(self.model, drop)
        # Even if there are no pairs: what listens to a stock `tok2vec` and comes last has to call
        # back, or what it sends to the others before is lost.
        logits, backprop = self.model.begin_update(doc_pairs)
        task.rule_out(logits, doc_pairs)
        loss, d_logits = task.get_loss(self.model.ops, logits, gold)
        # The mean over annotated docs, as that of `str_ner`; those without pairs count.
        annotated = max(1, sum(has_relations(example.reference) for example in examples))
        loss, d_logits = loss / annotated, d_logits / annotated
        require_finite(loss, self.name, examples)
        backprop(d_logits)
        if sgd is not None and sgd is not False:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def _draw_pairs(
        self, task: RelationTask, examples: Iterable[Example]
    ) -> tuple[list[DocPairs], IntArray]:
        """RETURNS (tuple[list[DocPairs], IntArray]): The pairs to learn from, and row and class of
        the gold relations between them.
        """
        drawn, gold, count = [], [numpy.zeros((0, 2), dtype="int64")], 0
        for example in examples:
            doc_pairs = task.propose(example.predicted, training_entities(task, example))
            report = self._report_unknown
            rows, classes = gold_classes(task, example, doc_pairs, report_unknown=report).T
            is_drawn = self.random.random(len(doc_pairs)) < self.negative_rate
            is_drawn[rows] = True
            drawn.append(replace(doc_pairs, pairs=doc_pairs.pairs[is_drawn]))
            rows = count + numpy.cumsum(is_drawn)[rows] - 1
            gold.append(numpy.stack([rows, classes], axis=1))
            count += is_drawn.sum()
        return drawn, numpy.concatenate(gold)

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
        task = replace(self.task, candidates=self._candidates_of_gold)
        counts, lost = count_relations(task, get_examples())
        labels = label_directions(counts) if labels is None else labels
        require_labels(self.name, labels, counts)
        warn_of_lost(self.name, lost, counts.total())
        warn_of_mistyped(self.name, count_mistyped(task, get_examples()))
        for label, directions in labels.items():
            self.add_label(label, directions)
        require_symmetric_labels(self.name, self.cfg["symmetric"], self.labels)
        self.cfg["schema"] = self._observe_schema(get_examples())
        self._resize_model()
        self.model.initialize(X=_first_doc(get_examples()))

    def _observe_schema(self, examples: Iterable[Example]) -> list[Triple] | None:
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

    def rehearse(self, *args: Any, **kwargs: Any) -> None:
        """Not supported."""
        raise NotImplementedError(f"The component '{self.name}' does not support rehearsal.")


def _first_doc(examples: Iterable[Example]) -> PairsInT | None:
    """RETURNS (list[DocPairs] | None): A doc to prepare the model with. It needs no pairs."""
    docs = (example.predicted for example in examples if len(example.predicted))
    doc = next(docs, None)
    return None if doc is None else [DocPairs(doc, [], all_pairs(doc, []))]


def _batch_by_pairs(docs: list[DocPairs]) -> list[list[DocPairs]]:
    """Cut docs into batches of about `BATCH_PAIRS` pairs, or of a single doc."""
    before = numpy.cumsum([0, *map(len, docs)])[:-1]
    starts = numpy.flatnonzero(numpy.diff(before // BATCH_PAIRS, prepend=-1))
    return [docs[start:end] for start, end in pairwise([*starts, len(docs)])]


def _is_reachable(logits: Any) -> Any:
    # A pair that no window holds has logits of -inf for every relation.
    return logits[:, -1] != -numpy.inf
