import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..attributes.entities import DocEntities
from ..attributes.gold import count_attributes, training_entities
from ..attributes.task import AttributeData, AttributeTask
from ..doc.attributes import set_attributes
from ..doc.entities import get_entities
from ..doc.extensions import warn_of_foreign
from ..doc.plurals import count_noun
from ..doc.relation import Place, get_score, place_of
from ..layers.items import EntitiesInT
from .attribute_checks import (
    require_choices,
    require_known,
    warn_of_misaligned,
    warn_of_missing_values,
)
from .item_batches import batch_by_items
from .labeled_pipe import LabeledPipe
from .new_labels import INIT_LABELS
from .span_groups import warn_of_other_entities

DEFAULT_CONFIG_STR = """
[str_attr]
spans_key = null
temperature = 1.0
defaults = {}
scorer = {"@scorers":"spacy-str-encoder.attribute_scorer.v1"}

[str_attr.model]
@architectures = "spacy-str-encoder.AttributeClassifier.v1"
hidden_width = null

[str_attr.model.tok2vec]
@architectures = "spacy-str-encoder.FocusedListener.v1"
upstream = "*"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR, interpolate=False)

ATTRIBUTES = ["span._.attributes", "span._.attribute_scores"]
# Bounds the memory of prediction: the vectors of this many entities take 12 MB with BERT-base.
BATCH_ENTITIES = 4096
# Value and probability of each attribute, by name.
Found = dict[str, tuple[str, float]]


@Language.factory(
    "str_attr",
    requires=["doc.ents"],
    assigns=ATTRIBUTES,
    default_config=DEFAULT_CONFIG["str_attr"],
    default_score_weights={
        "attrs_f": 1.0,
        "attrs_p": 0.0,
        "attrs_r": 0.0,
        "attrs_per_type": None,
    },
)
def make_str_attr(
    nlp: Language,
    name: str,
    model: Model[EntitiesInT, Floats2d],
    spans_key: str | None,
    temperature: float,
    defaults: dict[str, str],
    scorer: Callable[..., dict[str, Any]] | None,
) -> "AttributeExtractor":
    """Construct a `str_attr` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[list[DocEntities], Floats2d]): The classifier, an `AttributeClassifier`.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    temperature (float): The number by which the log odds of scores are divided. It makes them more
        or less sure, and leaves the values as they are.
    defaults (dict[str, str]): The value of annotated entities without an attribute, by its name,
        such as `{"Assertion": "present"}`. It does not count in scores.
    scorer (Callable | None): The scoring method.
    RETURNS (AttributeExtractor): The component.
    """
    warn_of_foreign(ATTRIBUTES)
    return AttributeExtractor(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        temperature=temperature,
        defaults=defaults,
        scorer=scorer,
        nlp=nlp,
    )


class AttributeExtractor(LabeledPipe):
    """Pipeline component that predicts the attributes of each entity, such as whether a finding is
    present, negated or possible.

    The entity takes the place of the pair in Eq. 14 of Xue et al. 2019, arXiv 1908.07721.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[EntitiesInT, Floats2d],
        name: str = "str_attr",
        *,
        spans_key: str | None = None,
        temperature: float = 1.0,
        defaults: dict[str, str] | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
        nlp: Language | None = None,
    ) -> None:
        """Initialize the component, see `make_str_attr`."""
        super().__init__(
            vocab,
            model,
            name,
            nlp=nlp,
            temperature=temperature,
            values=[],
            types={},
            spans_key=spans_key,
            defaults=dict(defaults or {}),
        )
        self.scorer = scorer
        self._note_functions("scorer")

    @property
    def task(self) -> AttributeTask:
        """RETURNS (AttributeTask): The attributes of each entity type."""
        labels = [(name, value) for name, value in self.cfg["values"]]
        return AttributeTask(labels, self.cfg["types"], self.cfg["defaults"], self.temperature)

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The attributes and their values, such as
        `Assertion=negated`.
        """
        return tuple(f"{name}={value}" for name, value in self.cfg["values"])

    @property
    def label_data(self) -> dict[str, AttributeData]:
        """RETURNS (dict[str, AttributeData]): Values, default value and entity types of each
        attribute, as `spacy init labels` saves them.
        """
        return self.task.label_data

    def add_label(self, name: str, value: str, types: Iterable[str] = ()) -> int:
        """Add a value of an attribute. A trained model keeps its weights for the other values.

        name (str): The name of the attribute.
        value (str): The value.
        types (Iterable[str]): Entity types that have the attribute, besides those that have it
            already.
        RETURNS (int): 1 if the value is new, 0 otherwise.
        """
        known = self.cfg["types"].setdefault(name, [])
        known.extend(each for each in dict.fromkeys(types) if each not in known)
        if [name, value] in self.cfg["values"]:
            return 0
        self.cfg["values"].append([name, value])
        if self._is_initialized:
            self._resize_model()
        return 1

    @property
    def _is_initialized(self) -> bool:
        return self.model.get_ref("output_layer").layers[0].has_dim("nO") is True

    def _resize_model(self) -> None:
        self.model.attrs["resize_output"](self.model, len(self.cfg["values"]))

    def predict(self, docs: Iterable[Doc]) -> list[list[Found]]:
        """Predict the attributes of the entities of docs.

        docs (Iterable[Doc]): The docs, with entities.
        RETURNS (list[list[dict[str, tuple[str, float]]]]): Value and probability of each attribute
            by name, for each entity of each doc, in text order.
        RAISES (ValueError): If the docs have not been encoded.
        """
        task = self.task
        with_entities = [DocEntities(doc, get_entities(doc, self.cfg["spans_key"])) for doc in docs]
        batches = batch_by_items(with_entities, items=BATCH_ENTITIES)
        return [found for batch in batches for found in self._predict_batch(task, batch)]

    def expect_errors(self, docs: Iterable[Doc]) -> list[float]:
        """Compute the expected number of wrong attributes of docs, without any gold annotation.
        Those of wrong entities do not count, since they go with the entity.

        docs (Iterable[Doc]): The docs, with entities.
        RETURNS (list[float]): The expected number of each doc.
        RAISES (ValueError): If the docs have not been encoded.
        """
        docs = list(docs)
        return [
            sum(map(_expect_errors, get_entities(doc, self.cfg["spans_key"]), found))
            for doc, found in zip(docs, self.predict(docs), strict=True)
        ]

    def _predict_batch(
        self, task: AttributeTask, batch: Sequence[DocEntities]
    ) -> Iterator[list[Found]]:
        """YIELDS (list[dict[str, tuple[str, float]]]): The attributes of the entities of a doc."""
        # Other types have no attributes, so the model need not look at them.
        to_classify = [task.with_attributes(doc_entities) for doc_entities in batch]
        logits = self.model.predict(to_classify) if any(map(len, to_classify)) else None
        start = 0
        for doc_entities, classified in zip(batch, to_classify, strict=True):
            end = start + len(classified)
            found = {} if logits is None else self._decide(task, classified, logits[start:end])
            yield [found.get(place_of(entity), {}) for entity in doc_entities.entities]
            start = end

    def _decide(
        self, task: AttributeTask, doc_entities: DocEntities, logits: Floats2d
    ) -> dict[Place, Found]:
        found = task.decide(self.model.ops, doc_entities.entities, logits)
        if out_of_reach := found.count({}):
            warnings.warn(
                f"{self.name}: in a doc of {count_noun(len(doc_entities.doc), 'token')}, entities "
                f"that are longer than any window of the encoder ({out_of_reach} of "
                f"{len(doc_entities)}) get no attributes. If such entities have attributes, use "
                "wider windows (get_spans).",
                stacklevel=2,
            )
        return dict(zip(map(place_of, doc_entities.entities), found, strict=True))

    def set_annotations(self, docs: Iterable[Doc], scores: list[list[Found]]) -> None:
        """Set `span._.attributes` and `span._.attribute_scores` of each entity.

        docs (Iterable[Doc]): The docs.
        scores (list[list[dict[str, tuple[str, float]]]]): The output of `predict`.
        """
        warn_of_foreign(ATTRIBUTES)
        for doc, found in zip(docs, scores, strict=True):
            entities = get_entities(doc, self.cfg["spans_key"])
            for entity, attributes in zip(entities, found, strict=True):
                values = {name: value for name, (value, _) in attributes.items()}
                set_attributes(entity, values, {name: p for name, (_, p) in attributes.items()})

    def _begin_update(self, examples: Iterable[Example]) -> tuple[float, Callable[[], Any]]:
        # The entities are the gold ones alone: wrong ones have no attributes to learn.
        task, key = self.task, self.cfg["spans_key"]
        doc_entities, targets = zip(
            *(training_entities(task, eg, key, self._report_unknown) for eg in examples),
            strict=True,
        )
        # This runs even without entities: the last listener of a stock `tok2vec` has to call back,
        # or the gradients of the other listeners are lost.
        logits, backprop = self.model.begin_update(list(doc_entities))
        loss, d_logits = task.get_loss(self.model.ops, logits, numpy.concatenate(targets))
        annotated = max(1, sum(map(bool, map(len, doc_entities))))
        return loss / annotated, lambda: backprop(d_logits / annotated)

    def _report_unknown(self, name: str, value: str, entity_type: str) -> None:
        self._report_once(
            f"the attribute '{name}={value}' of a {entity_type} occurs in training but was not "
            f"known at initialization; it is not learned. {self._remedy.format(name=self.name)}"
        )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: dict[str, dict[str, Any]] | None = None,
        learn_new_labels: bool = False,
    ) -> None:
        """Collect the attributes, and prepare the model for training.

        get_examples (Callable[[], Iterable[Example]]): Function that returns the training examples.
        nlp (Language | None): The pipeline.
        labels (dict[str, dict[str, Any]] | None): Values, default value and entity types of each
            attribute, as `spacy init labels` saves them. If None, they are collected from the
            examples.
        learn_new_labels (bool): Whether to add labels if the component is sourced, and so not
            initialized, see `resume`.
        RAISES (ValueError): If there are no attributes, the examples have values beyond the given
            labels, an attribute has a single value, or a default value is for no attribute.
        """
        self._remedy = INIT_LABELS
        if nlp is not None:
            warn_of_other_entities(self.name, nlp, self.cfg["spans_key"])
        self._collect_labels(get_examples, labels)
        self._resize_model()
        with_tokens = (example.predicted for example in get_examples() if len(example.predicted))
        docs = [DocEntities(doc, []) for doc in islice(with_tokens, 1)]
        self.model.initialize(X=docs or None)

    def _collect_labels(
        self,
        get_examples: Callable[[], Iterable[Example]],
        labels: dict[str, dict[str, Any]] | None,
    ) -> None:
        counts = count_attributes(get_examples(), self.cfg["spans_key"])
        warn_of_misaligned(self.name, counts)
        if labels is None:
            for name, value in counts.labels:
                self.add_label(name, value, counts.types[name])
        for name, data in (labels or {}).items():
            for value in data["values"]:
                self.add_label(name, value, data["types"])
        require_known(self.name, self.task, labels or {}, counts)
        for name, value in self.cfg["defaults"].items():
            self.add_label(name, value)
        require_choices(self.name, self.task)
        warn_of_missing_values(self.name, self.task, counts)

    def _check_config(self, config: dict[str, Any]) -> None:
        names = ("spans_key", "defaults")
        self._require_same(*({name: cfg[name] for name in names} for cfg in (config, self.cfg)))


def _expect_errors(entity: Span, found: Found) -> float:
    score = get_score(entity)
    wrong = sum(1 - probability for _, probability in found.values())
    return wrong if score is None else score * wrong
