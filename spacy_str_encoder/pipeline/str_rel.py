import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..arrays import IntArray
from ..doc.extensions import warn_of_foreign
from ..doc.plurals import count_noun
from ..doc.relation import Relation, has_relations, set_predicted
from ..layers.items import PairsInT
from ..pairs.candidates import Candidates, DocPairs, all_pairs, pairs_within
from ..pairs.classes import RelationClass, Triple, label_directions
from ..pairs.constraints import Constraint
from ..pairs.gold import (
    count_mistyped,
    count_relations,
    gold_classes,
    observe_triples,
    training_entities,
)
from ..pairs.task import RelationTask
from .item_batches import batch_by_items
from .labeled_pipe import LabeledPipe
from .new_labels import INIT_LABELS
from .own_constraints import require_functions, resolve_constraints
from .relation_checks import (
    require_constraints,
    require_labels,
    require_symmetric_labels,
    warn_of_lost,
    warn_of_mistyped,
)
from .span_groups import warn_of_other_entities

DEFAULT_CONFIG_STR = """
[str_rel]
spans_key = null
schema = null
symmetric = []
exclusive = true
threshold = null
temperature = 1.0
negative_rate = 1.0
seed = 0
candidates = {"@misc":"spacy-str-encoder.all_pairs.v1"}
constraints = {}
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

ATTRIBUTES = ["doc._.relations", "span._.relations"]
# Bounds the memory of prediction: the vectors of this many pairs take 12 MB with BERT-base.
BATCH_PAIRS = 4096


@Language.factory(
    "str_rel",
    requires=["doc.ents"],
    assigns=ATTRIBUTES,
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
    # With a narrower type, thinc would compare the blocks of a config with it.
    constraints: dict[str, Any],
    spans_key: str | None,
    schema: Literal["observed"] | None,
    symmetric: list[str],
    exclusive: bool,
    threshold: float | None,
    temperature: float,
    negative_rate: float,
    seed: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "RelationExtractor":
    """Construct a `str_rel` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[list[DocPairs], Floats2d]): The classifier, a `RelationClassifier`.
    candidates (Candidates): The function that proposes candidate pairs.
    constraints (dict[str, Constraint]): Functions that tell which relations of a doc can't all be
        kept, by name. Of the relations that are found, those with the highest total log odds are
        kept. Training does not use them.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None. In a span
        group, entities that differ only in type are different entities.
    schema (Literal["observed"] | None): With `observed`, a label is possible only between the types
        of head and tail that have it in the training data; pairs for which no label is possible are
        not candidate pairs. If None, any label is possible between any types, as in the paper.
    symmetric (list[str]): Labels without a direction. Their head is always the entity that comes
        first in the text, whatever the annotation says.
    exclusive (bool): Whether a pair has at most one relation, chosen by a softmax as in the paper.
        Otherwise each label has a sigmoid, a pair has all relations that reach the threshold, and
        the class "no relation" is not used.
    threshold (float | None): Minimum score of a predicted relation given its entities. If None,
        whatever is most probable is predicted: of an exclusive pair, its best class; of another
        one, all relations from 0.5 on.
    temperature (float): The number by which the log odds of scores are divided. It makes them more
        or less sure, and leaves what is most probable as it is.
    negative_rate (float): Share of the pairs without a relation to learn from, sampled at each
        update. The paper keeps 0.15.
    seed (int): Random seed of this sample.
    scorer (Callable | None): The scoring method.
    RETURNS (RelationExtractor): The component.
    """
    warn_of_foreign(ATTRIBUTES)
    return RelationExtractor(
        nlp.vocab,
        model,
        name,
        candidates=candidates,
        constraints=constraints,
        spans_key=spans_key,
        schema=schema,
        symmetric=symmetric,
        exclusive=exclusive,
        threshold=threshold,
        temperature=temperature,
        negative_rate=negative_rate,
        seed=seed,
        scorer=scorer,
        nlp=nlp,
    )


class RelationExtractor(LabeledPipe):
    """Pipeline component that predicts the relations of each candidate pair of entities.

    Source: Xue et al. 2019, arXiv 1908.07721.
    """

    _adjustable = ("threshold", "temperature", "constraints")

    def __init__(
        self,
        vocab: Vocab,
        model: Model[PairsInT, Floats2d],
        name: str = "str_rel",
        *,
        candidates: Candidates = all_pairs,
        constraints: Mapping[str, Constraint] | None = None,
        spans_key: str | None = None,
        schema: Literal["observed"] | None = None,
        symmetric: Sequence[str] = (),
        exclusive: bool = True,
        threshold: float | None = None,
        temperature: float = 1.0,
        negative_rate: float = 1.0,
        seed: int = 0,
        scorer: Callable[..., dict[str, Any]] | None = None,
        nlp: Language | None = None,
    ) -> None:
        """Initialize the component, see `make_str_rel`."""
        _require_share(name, "negative_rate", negative_rate)
        super().__init__(
            vocab,
            model,
            name,
            nlp=nlp,
            temperature=temperature,
            classes=[],
            spans_key=spans_key,
            # The possible triples; None if all are possible.
            schema=None,
            symmetric=list(symmetric),
            exclusive=exclusive,
        )
        self._threshold = _require_threshold(name, threshold)
        self._constraints = require_functions(name, constraints or {})
        self.candidates = candidates
        self.observes_schema = schema == "observed"
        self.negative_rate = negative_rate
        self.random = numpy.random.default_rng(seed)
        self.scorer = scorer
        self._note_functions("candidates", "scorer")

    @property
    def classes(self) -> list[RelationClass]:
        """RETURNS (list[tuple[str, str]]): Label and direction of each class of the model, without
        the first class, "no relation".
        """
        return [(label, direction) for label, direction in self.cfg["classes"]]

    @property
    def threshold(self) -> float | None:
        """RETURNS (float | None): The minimum score of a predicted relation given its entities;
        None if whatever is most probable is predicted. To set it also changes the config of the
        pipeline.
        """
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: float | None) -> None:
        self._adjust("threshold", _require_threshold(self.name, threshold))

    @property
    def constraints(self) -> dict[str, Constraint]:
        """RETURNS (dict[str, Constraint]): The functions that tell which relations of a doc can't
        all be kept, by name. To change them, set blocks as in a config, which are saved.
        """
        return dict(self._constraints)

    @constraints.setter
    def constraints(self, blocks: Mapping[str, Mapping[str, Any]]) -> None:
        constraints = resolve_constraints(self.name, blocks)
        self._check_constraints(constraints)
        self._constraints = constraints
        self._save_setting("constraints", deepcopy(dict(blocks)))

    def _check_constraints(self, constraints: Mapping[str, Constraint]) -> None:
        # Before training, no label is known.
        if self.labels:
            symmetric = self.cfg["symmetric"]
            require_constraints(self.name, constraints, self.labels, symmetric=symmetric)

    @property
    def task(self) -> RelationTask:
        """RETURNS (RelationTask): The candidate pairs, and their possible relations."""
        settings = ("spans_key", "symmetric", "exclusive")
        return RelationTask(
            classes=self.classes,
            candidates=self.candidates,
            constraints=self._constraints,
            triples=self.cfg["schema"],
            threshold=self.threshold,
            temperature=self.temperature,
            **{name: self.cfg[name] for name in settings},
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The relation labels."""
        return tuple(dict.fromkeys(label for label, _ in self.classes))

    @property
    def label_data(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): Directions by label, as `spacy init labels` saves them: `>` if
        the head comes first in the text, `<` if the tail comes first, or both.
        """
        return label_directions(self.classes)

    def add_label(self, label: str, directions: str = "><") -> int:
        """Add a relation label. A trained model keeps its weights for the other labels.

        A schema does not restrict new labels.

        label (str): The label.
        directions (str): `>` if the head comes first in the text, `<` if the tail comes first, or
            both. A symmetric label only has `>`.
        RETURNS (int): 1 if the label or a direction of it is new, 0 otherwise.
        RAISES (ValueError): If a direction is neither `>` nor `<`.
        """
        if set(directions) - set("><"):
            raise ValueError(
                f"{self.name}: the directions of the label '{label}' must be '>' (head first) and "
                f"'<' (tail first), got '{directions}'."
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
        """Predict the relations of docs.

        docs (Iterable[Doc]): The docs, with entities.
        RETURNS (list[list[Relation]]): The relations of each doc.
        RAISES (ValueError): If the docs have not been encoded.
        """
        task = self.task
        return [task.decide(*of_doc) for of_doc in self._classify_pairs(task, docs)]

    def expect_errors(self, docs: Iterable[Doc]) -> list[float]:
        """Compute the expected number of wrong and missed relations of docs, without any gold
        annotation. Relations of entities that the docs lack do not count.

        docs (Iterable[Doc]): The docs, with entities.
        RETURNS (list[float]): The expected number of each doc.
        RAISES (ValueError): If the docs have not been encoded.
        """
        task = self.task
        return [task.expect_errors(*of_doc) for of_doc in self._classify_pairs(task, docs)]

    def _classify_pairs(
        self, task: RelationTask, docs: Iterable[Doc]
    ) -> Iterator[tuple[DocPairs, NDArray[Any]]]:
        """YIELDS (tuple[DocPairs, NDArray]): The pairs of a doc, and the probabilities of their
        classes, *shape:* (pairs, classes).
        """
        proposed = [self._within_reach(task.get_pairs(doc)) for doc in docs]
        for batch in batch_by_items(proposed, items=BATCH_PAIRS):
            yield from zip(batch, self._classify_batch(task, batch), strict=True)

    def _within_reach(self, doc_pairs: DocPairs) -> DocPairs:
        """Exclude pairs that are too far apart for any window. With thousands of entities, these
        are nearly all pairs.
        """
        layer = self.model.get_ref("items2vectors")
        if "get_reach" not in layer.attrs:
            return doc_pairs
        reach = layer.attrs["get_reach"](layer, doc_pairs.doc)
        return doc_pairs if reach is None else pairs_within(doc_pairs, tokens=reach)

    def _classify_batch(self, task: RelationTask, batch: list[DocPairs]) -> list[NDArray[Any]]:
        if not any(len(doc_pairs) + doc_pairs.out_of_reach for doc_pairs in batch):
            return [numpy.zeros((0, 1 + len(task.classes))) for _ in batch]
        ops = self.model.ops
        logits = self.model.predict(batch)
        ends = numpy.cumsum(list(map(len, batch)))[:-1]
        reachable = numpy.split(ops.to_numpy(_is_reachable(logits)), ends)
        for doc_pairs, is_reachable in zip(batch, reachable, strict=True):
            self._report_unreachable(doc_pairs, int((~is_reachable).sum()))
        task.rule_out(logits, batch)
        return numpy.split(task.get_probabilities(ops, logits), ends)

    def _report_unreachable(self, doc_pairs: DocPairs, count: int) -> None:
        count += doc_pairs.out_of_reach
        if count:
            warnings.warn(
                f"{self.name}: in a doc of {count_noun(len(doc_pairs.doc), 'token')}, candidate "
                "pairs without a window of the encoder that holds the pieces of both entities "
                f"({count} of {len(doc_pairs) + doc_pairs.out_of_reach}) get no relation. If such "
                "pairs can have relations, use wider windows (get_spans).",
                stacklevel=2,
            )

    def set_annotations(self, docs: Iterable[Doc], scores: list[list[Relation]]) -> None:
        """Set `doc._.relations`.

        docs (Iterable[Doc]): The docs.
        scores (list[list[Relation]]): The output of `predict`.
        """
        warn_of_foreign(ATTRIBUTES)
        for doc, relations in zip(docs, scores, strict=True):
            set_predicted(doc, relations, self.cfg["spans_key"])

    def _begin_update(self, examples: Iterable[Example]) -> tuple[float, Callable[[], Any]]:
        # The pairs are those of the gold entities. They also include wrong entities that earlier
        # components predict, if these annotate in training (`training.annotating_components`).
        task = self.task
        doc_pairs, gold = self._draw_pairs(task, examples)
        # This runs even without pairs: the last listener of a stock `tok2vec` has to call back, or
        # the gradients of the other listeners are lost.
        logits, backprop = self.model.begin_update(doc_pairs)
        task.rule_out(logits, doc_pairs)
        loss, d_logits = task.get_loss(self.model.ops, logits, gold)
        # Docs without pairs count too.
        annotated = max(1, sum(has_relations(example.reference) for example in examples))
        return loss / annotated, lambda: backprop(d_logits / annotated)

    def _draw_pairs(
        self, task: RelationTask, examples: Iterable[Example]
    ) -> tuple[list[DocPairs], IntArray]:
        """RETURNS (tuple[list[DocPairs], IntArray]): The pairs to learn from, and the row and class
        of each gold relation between them.
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
        if self._remedy != INIT_LABELS:
            remedy = self._remedy.format(name=self.name)
        self._report_once(
            f"the relation {relation} occurs in training but was not known at initialization; it "
            f"is trained as no relation. {remedy}"
        )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, str] | None = None,
        learn_new_labels: bool = False,
    ) -> None:
        """Collect the labels, and prepare the model for training.

        get_examples (Callable[[], Iterable[Example]]): Function that returns the training examples.
        nlp (Language | None): The pipeline.
        labels (dict[str, str] | None): Directions by label, as `spacy init labels` saves them. If
            None, they are collected from the examples.
        learn_new_labels (bool): Whether to add labels if the component is sourced, and so not
            initialized, see `resume`.
        RAISES (ValueError): If there are no labels, the examples have relations beyond the given
            labels, or a symmetric label does not occur.
        """
        self._remedy = INIT_LABELS
        if nlp is not None:
            warn_of_other_entities(self.name, nlp, self.cfg["spans_key"])
        self._collect_labels(get_examples, labels)
        self.cfg["schema"] = self._observe_schema(get_examples())
        self._resize_model()
        self.model.initialize(X=_first_doc(get_examples()))

    def _collect_labels(
        self, get_examples: Callable[[], Iterable[Example]], labels: dict[str, str] | None
    ) -> None:
        task = replace(self.task, candidates=self._candidates_of_gold)
        counts, lost = count_relations(task, get_examples())
        labels = label_directions(counts) if labels is None else labels
        warn_of_lost(self.name, lost, counts.total())
        warn_of_mistyped(self.name, count_mistyped(task, get_examples()))
        for label, directions in labels.items():
            self.add_label(label, directions)
        require_labels(self.name, self.label_data, counts)
        require_symmetric_labels(self.name, self.cfg["symmetric"], self.labels)
        self._check_constraints(self._constraints)
        self._extend_schema(get_examples())

    def _check_config(self, config: dict[str, Any]) -> None:
        said = _trained_settings(config, observed=self.observes_schema)
        # Before training, nothing has been observed.
        observed = self.cfg["schema"] is not None if self.classes else self.observes_schema
        self._require_same(said, _trained_settings(self.cfg, observed=observed))
        self._check_constraints(self._constraints)

    def _observe_schema(self, examples: Iterable[Example]) -> list[Triple] | None:
        if not self.observes_schema:
            return None
        return observe_triples(example.reference for example in examples)

    def _extend_schema(self, examples: Iterable[Example]) -> None:
        known = self.cfg["schema"]
        if known is not None:
            observed = observe_triples(example.reference for example in examples)
            self.cfg["schema"] = [*known, *(each for each in observed if each not in known)]

    def _candidates_of_gold(self, doc: Doc, entities: Sequence[Span]) -> IntArray:
        try:
            return self.candidates(doc, entities)
        except ValueError as error:
            # In training, other components may add what the doc lacks here.
            self._report_once(
                "gold relations outside the candidate pairs are not counted at initialization, "
                f"since no other component has run yet: {error}"
            )
            return all_pairs(doc, entities)


def _trained_settings(cfg: dict[str, Any], *, observed: bool) -> dict[str, Any]:
    return {
        "spans_key": cfg["spans_key"],
        "symmetric": sorted(cfg["symmetric"]),
        "exclusive": cfg["exclusive"],
        "schema": "observed" if observed else None,
    }


def _require_threshold(name: str, threshold: Any) -> float | None:
    if threshold is None:
        return None
    _require_share(name, "threshold", threshold)
    return float(threshold)


def _require_share(name: str, setting: str, share: Any) -> None:
    # A config reads "nan" as a string.
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"{name}: {setting} must be from 0 to 1, got {share}.")


def _first_doc(examples: Iterable[Example]) -> PairsInT | None:
    """RETURNS (list[DocPairs] | None): A doc without pairs, to initialize the model with."""
    docs = (example.predicted for example in examples if len(example.predicted))
    doc = next(docs, None)
    return None if doc is None else [DocPairs(doc, [], all_pairs(doc, []))]


def _is_reachable(logits: Any) -> Any:
    # A pair that is in no window has a logit of -inf for every relation.
    return logits[:, -1] != -numpy.inf
