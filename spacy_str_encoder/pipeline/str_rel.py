import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain, pairwise
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Alignment, Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..candidates import IntArray, all_pairs, get_entities, pair_offsets
from ..layers.focused_pairs import PairsInT
from ..relation import Relation, get_relations, has_relations, set_relations

DEFAULT_CONFIG_STR = """
[str_rel]
spans_key = null
negative_rate = 1.0
seed = 0
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

# A label and its direction: ">" if the head comes first in the text, "<" if the tail does.
RelationClass = tuple[str, str]
SpanKey = tuple[int, int]
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
    spans_key: str | None,
    negative_rate: float,
    seed: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "RelationExtractor":
    """Construct a `str_rel` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[tuple[list[Doc], list[IntArray]], Floats2d]): A `RelationClassifier`.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
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
        spans_key=spans_key,
        negative_rate=negative_rate,
        seed=seed,
        scorer=scorer,
    )


class RelationExtractor(TrainablePipe):
    """Finds the relation of each pair of entities, or that there is none.

    Source: Xue et al. 2019, arXiv 1908.07721.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[PairsInT, Floats2d],
        name: str = "str_rel",
        *,
        spans_key: str | None = None,
        negative_rate: float = 1.0,
        seed: int = 0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize the component, see `make_str_rel`."""
        if not 0 <= negative_rate <= 1:
            raise ValueError(f"{name}: negative_rate must be from 0 to 1, not {negative_rate}.")
        super().__init__(vocab, model, name, classes=[], spans_key=spans_key)
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
        return {
            label: "".join(direction for name, direction in self.classes if name == label)
            for label in self.labels
        }

    def add_label(self, label: str, directions: str = "><") -> int:
        """Add a relation label. A trained model keeps what it knows about the others.

        label (str): The label.
        directions (str): `>` if heads come first in the text, `<` if tails do, or both.
        RETURNS (int): 1, or 0 if it was there already.
        RAISES (ValueError): If a direction is neither.
        """
        if unknown := set(directions) - set("><"):
            raise ValueError(
                f"{self.name}: the directions of the label '{label}' are made of '>' (head first) "
                f"and '<' (tail first), not of '{''.join(sorted(unknown))}'."
            )
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
        entities = [get_entities(doc, self.cfg["spans_key"]) for doc in docs]
        pairs = list(map(all_pairs, docs, entities))
        decided = [
            self._predict_batch(docs[batch], entities[batch], pairs[batch])
            for batch in _batches_of_pairs(pairs)
        ]
        return list(chain.from_iterable(decided))

    def _predict_batch(
        self, docs: list[Doc], entities: list[list[Span]], pairs: list[IntArray]
    ) -> list[list[Relation]]:
        if not any(map(len, pairs)):
            return [[] for _ in docs]
        logits = self.model.predict((docs, list(map(pair_offsets, entities, pairs))))
        reachable = self.model.ops.to_numpy(_is_reachable(logits))
        probabilities = self.model.ops.to_numpy(self.model.ops.softmax(logits))
        ends = numpy.cumsum([len(doc_pairs) for doc_pairs in pairs])[:-1]
        self._report_unreachable(docs, numpy.split(reachable, ends))
        parts = numpy.split(probabilities, ends)
        return list(map(self._decide, entities, pairs, parts))

    def _decide(
        self, entities: list[Span], pairs: IntArray, probabilities: NDArray[Any]
    ) -> list[Relation]:
        classes, best = self.classes, probabilities.argmax(axis=1)
        relations = []
        for row in numpy.flatnonzero(best):
            label, direction = classes[best[row] - 1]
            head, tail = pairs[row] if direction == ">" else pairs[row, ::-1]
            score = float(probabilities[row, best[row]])
            relations.append(Relation(entities[head], entities[tail], label, score))
        return relations

    def _report_unreachable(self, docs: list[Doc], reachable: list[NDArray[Any]]) -> None:
        for doc, pairs in zip(docs, reachable, strict=True):
            missed = int((~pairs).sum())
            if missed:
                warnings.warn(
                    f"{self.name}: in a doc of {len(doc)} tokens, {missed} of {len(pairs)} pairs "
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

        The pairs are those of the predicted entities if a component before this one has set any
        (list it under `training.annotating_components`), else those of the gold entities.

        examples (Iterable[Example]): The batch.
        drop (float): The dropout rate.
        sgd (Optimizer | None): The optimizer.
        losses (dict[str, float] | None): To add the loss to, under the name of the component.
        RETURNS (dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "RelationExtractor.update")
        docs = [example.predicted for example in examples]
        pairs, targets = self._draw_pairs(examples)
        if not len(targets):
            return losses
        set_dropout_rate(self.model, drop)
        logits, backprop = self.model.begin_update((docs, pairs))
        annotated = sum(has_relations(example.reference) for example in examples)
        loss, d_logits = self._get_loss(targets, logits, n_docs=annotated)
        backprop(d_logits)
        if sgd is not None and sgd is not False:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def _get_loss(
        self, targets: NDArray[Any], scores: Floats2d, *, n_docs: int
    ) -> tuple[float, Floats2d]:
        """Compute the negative log likelihood of the gold relations: the sum over the pairs of a
        doc, as that of `str_ner` is over its tokens, and the mean over docs.

        targets (NDArray): The gold class of each pair. *Shape:* (pairs,).
        scores (Floats2d): The logits of each pair. *Shape:* (pairs, classes).
        n_docs (int): The number of annotated docs, those without pairs included.
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient.
        """
        ops = self.model.ops
        reachable = _is_reachable(scores)
        probabilities = ops.softmax(scores)
        rows = ops.xp.arange(len(scores))
        gold = probabilities[rows, ops.asarray(targets)]
        loss = -float(ops.xp.log(gold[reachable] + 1e-30).sum()) / n_docs
        probabilities[rows, ops.asarray(targets)] -= 1
        probabilities[~reachable] = 0
        return loss, probabilities / n_docs

    def _draw_pairs(self, examples: Iterable[Example]) -> tuple[list[IntArray], IntArray]:
        """The pairs to learn from, and their classes."""
        offsets, targets = [], []
        for example in examples:
            pairs = self._training_pairs(example)
            classes = self._gold_classes(example, pairs)
            drawn = (classes > 0) | (self.random.random(len(classes)) < self.negative_rate)
            offsets.append(pairs[drawn])
            targets.append(classes[drawn])
        return offsets, numpy.concatenate([*targets, numpy.zeros(0, dtype="int64")])

    def _training_pairs(self, example: Example) -> IntArray:
        # shape: (pairs, 4)
        entities = self._training_entities(example) if has_relations(example.reference) else []
        return pair_offsets(entities, all_pairs(example.predicted, entities))

    def _training_entities(self, example: Example) -> list[Span]:
        key = self.cfg["spans_key"]
        predicted = example.predicted
        is_set = predicted.has_annotation("ENT_IOB") if key is None else key in predicted.spans
        if is_set:
            return get_entities(predicted, key)
        gold = get_entities(example.reference, key)
        return example.get_aligned_spans_y2x(gold, allow_overlap=key is not None)

    def _gold_classes(self, example: Example, pairs: IntArray) -> IntArray:
        index = {name: i for i, name in enumerate(self.classes, start=1)}
        classes = numpy.zeros(len(pairs), dtype="int64")
        for (first, second), names in _gold_relations(example).items():
            rows = (pairs == (*first, *second)).all(axis=1)
            for name in names if rows.any() else []:
                if name not in index:
                    self._report_unknown(*name)
                elif not classes[rows].any():
                    classes[rows] = index[name]
        return classes

    def _report_unknown(self, label: str, direction: str) -> None:
        if f"{label}{direction}" not in self._reported:
            self._reported.add(f"{label}{direction}")
            order = "the head" if direction == ">" else "the tail"
            warnings.warn(
                f"{self.name}: the relation '{label}' with {order} first occurs in training but "
                "was not known at initialization; it is trained as no relation. Add it to the "
                "label file.",
                stacklevel=2,
            )

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
        RAISES (ValueError): If there are no relations, or the examples have others than given.
        """
        counts, lost = _count_relations(get_examples(), self.cfg["spans_key"])
        if labels is None:
            labels = _directions(counts)
        elif unknown := [name for name in counts if name[1] not in labels.get(name[0], "")]:
            listed = ", ".join(f"'{label}' {way} ({counts[label, way]}x)" for label, way in unknown)
            raise ValueError(
                f"{self.name}: the training data has relations that the given label data lacks: "
                f"{listed}. Run `spacy init labels` again."
            )
        if not labels:
            raise ValueError(
                f"{self.name}: the training data has no relations, and no labels were given. Were "
                "they set (doc._.relations), and was the DocBin saved with store_user_data=True?"
            )
        self._report_lost(lost, counts.total())
        for label, directions in labels.items():
            self.add_label(label, directions)
        self._resize_model()
        self.model.initialize()

    def _report_lost(self, lost: Counter[str], total: int) -> None:
        for reason, count in lost.items():
            warnings.warn(
                f"{self.name}: {count} of {total} gold relations {reason}; they are not learned.",
                stacklevel=3,
            )

    def rehearse(self, *args: Any, **kwargs: Any) -> None:
        """Not supported."""
        raise NotImplementedError(f"The component '{self.name}' does not support rehearsal.")


def _batches_of_pairs(pairs: list[IntArray]) -> list[slice]:
    """Cut docs into batches of about `BATCH_PAIRS` pairs, or of a single doc."""
    before = numpy.cumsum([0, *map(len, pairs)])[:-1]
    starts = numpy.flatnonzero(numpy.diff(before // BATCH_PAIRS, prepend=-1))
    return [slice(*bounds) for bounds in pairwise([*starts, len(pairs)])]


def _key(span: Span) -> SpanKey:
    return span.start, span.end


def _is_reachable(logits: Any) -> Any:
    # A pair that no window holds has logits of -inf for every relation.
    return logits[:, -1] != -numpy.inf


def _gold_relations(example: Example) -> dict[tuple[SpanKey, SpanKey], list[RelationClass]]:
    """The gold relations of each pair of spans of the predicted doc, the pair in text order."""
    gold: dict[tuple[SpanKey, SpanKey], list[RelationClass]] = {}
    alignment = example.alignment
    for relation in get_relations(example.reference):
        head, tail = _align(alignment, relation.head), _align(alignment, relation.tail)
        if head is not None and tail is not None:
            pair = (head, tail) if _class(relation)[1] == ">" else (tail, head)
            gold.setdefault(pair, []).append(_class(relation))
    return gold


def _align(alignment: Alignment, span: Span) -> SpanKey | None:
    """Where the predicted doc has a span of the reference; None if its tokens begin or end
    elsewhere.
    """
    tokens = alignment.y2x[span.start : span.end]
    if not len(tokens):
        return None
    start, end = int(tokens[0]), int(tokens[-1]) + 1
    back = alignment.x2y[start:end]
    same = len(back) and (back[0], back[-1] + 1) == (span.start, span.end)
    return (start, end) if same else None


def _class(relation: Relation) -> RelationClass:
    head, tail = relation.head, relation.tail
    in_order = (head.start, head.end, head.label_) <= (tail.start, tail.end, tail.label_)
    return relation.label, ">" if in_order else "<"


def _directions(counts: Counter[RelationClass]) -> dict[str, str]:
    directions: dict[str, str] = {}
    for label, direction in counts:
        directions[label] = directions.get(label, "") + direction
    return directions


def _count_relations(
    examples: Iterable[Example], spans_key: str | None
) -> tuple[Counter[RelationClass], Counter[str]]:
    """Count the gold relations by class, and those that can't be learned by the reason."""
    counts: Counter[RelationClass] = Counter()
    lost: Counter[str] = Counter()
    for example in examples:
        relations = get_relations(example.reference)
        counts.update(_class(relation) for relation in relations)
        entities = {_key(span) for span in get_entities(example.reference, spans_key)}
        gold = _gold_relations(example)
        lost["do not align with the tokens of the pipeline"] += len(relations) - sum(
            len(classes) for classes in gold.values()
        )
        lost["share their pair of entities with another one"] += sum(
            len(classes) - 1 for classes in gold.values()
        )
        lost["connect an entity with itself"] += sum(
            _key(relation.head) == _key(relation.tail) for relation in relations
        )
        lost["connect spans that are not among the entities"] += sum(
            not {_key(relation.head), _key(relation.tail)} <= entities for relation in relations
        )
    return counts, +lost
