from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from spacy_transformers.layers import TransformerListener
from thinc.api import Config, Model, get_array_module
from thinc.types import Floats2d

from ..doc.entities import get_gold_entities, has_gold_entities, name_place
from ..doc.extensions import warn_of_foreign
from ..doc.flat import best_without_overlaps
from ..doc.relation import set_score
from ..doc.temperatures import scale_odds
from ..layers.crf import find_beginnings, find_entities, write_entities
from ..layers.listening import read_states
from ..layers.windows import is_visible
from .entity_checks import (
    count_gold,
    require_known_labels,
    require_spans,
    warn_of_language,
    warn_of_unlearned,
)
from .labeled_pipe import LabeledPipe
from .new_labels import INIT_LABELS

DEFAULT_CONFIG_STR = """
[str_ner]
spans_key = null
temperature = 1.0
scorer = {"@scorers":"spacy-str-encoder.entity_scorer.v1"}

[str_ner.model]
@architectures = "spacy-str-encoder.CRFTagger.v1"

[str_ner.model.tok2vec]
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
upstream = "*"

[str_ner.model.tok2vec.pooling]
@layers = "reduce_mean.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR, interpolate=False)

ATTRIBUTES = ["span._.score"]
# Finite, since the CRF adds it up.
NEVER = -1e6
# Start and end token, index of the label, and probability.
Entity = tuple[int, int, int, float]


@Language.factory(
    "str_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", *ATTRIBUTES],
    default_config=DEFAULT_CONFIG["str_ner"],
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_str_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], list[Floats2d]],
    spans_key: str | None,
    temperature: float,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "CRFEntityRecognizer":
    """Construct a `str_ner` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    model (Model[list[Doc], list[Floats2d]]): The tagger, a `CRFTagger`.
    spans_key (str | None): The span group for entities that may overlap. `doc.ents` then holds a
        choice of them without overlaps. If None, entities can't overlap: the paper's CRF.
    temperature (float): The number by which the log odds of scores are divided. It makes them more
        or less sure, and leaves the entities as they are.
    scorer (Callable | None): The scoring method.
    RETURNS (CRFEntityRecognizer): The component.
    """
    warn_of_foreign(ATTRIBUTES)
    return CRFEntityRecognizer(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        temperature=temperature,
        scorer=scorer,
        nlp=nlp,
    )


class CRFEntityRecognizer(LabeledPipe):
    """Pipeline component that predicts entities with a linear-chain CRF over BILUO tags. For
    entities that may overlap, each label has its own tags.

    Source: Xue et al. 2019, arXiv 1908.07721, Eqs. 9 to 12; overlapping entities are beyond it.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "str_ner",
        *,
        spans_key: str | None = None,
        temperature: float = 1.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
        nlp: Language | None = None,
    ) -> None:
        """Initialize the component, see `make_str_ner`."""
        super().__init__(
            vocab,
            model,
            name,
            nlp=nlp,
            temperature=temperature,
            labels=[],
            spans_key=spans_key,
        )
        self.scorer = scorer
        self._note_functions("scorer")

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The entity labels."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """RETURNS (list[str]): The labels, as `spacy init labels` saves them."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add an entity label. A trained model keeps its weights for the other labels.

        label (str): The label.
        RETURNS (int): 1 if the label is new, 0 otherwise.
        """
        if label in self.labels:
            return 0
        self.vocab.strings.add(label)
        self.cfg["labels"].append(label)
        if self._is_initialized:
            self._resize_model()
        return 1

    @property
    def _is_initialized(self) -> bool:
        return self.model.get_ref("output_layer").layers[0].has_dim("nO") is True

    def _resize_model(self) -> None:
        nested = self.cfg["spans_key"] is not None
        self.model.attrs["resize_output"](self.model, self.cfg["labels"], nested=nested)

    def predict(self, docs: Iterable[Doc]) -> list[list[Entity]]:
        """Predict the entities of docs, and their probabilities.

        docs (Iterable[Doc]): The docs.
        RETURNS (list[list[tuple[int, int, int, float]]]): Start and end token, index of the label
            and probability of the entities of each doc.
        RAISES (ValueError): If the docs have not been encoded.
        """
        docs = list(docs)
        emissions = self._score_tags(docs)
        found = iter(_entities_of_docs(self.model.get_ref("crf"), emissions) if emissions else ())
        return [next(found) if len(doc) else [] for doc in docs]

    def expect_errors(self, docs: Iterable[Doc]) -> list[float]:
        """Compute the expected number of wrong and missed entities of docs, without any gold
        annotation: a predicted entity is wrong with 1 - its score. Since an entity begins once, as
        many are missed as begin at each token, less the predicted one there. The temperature
        counts: scaled odds of "no other entity begins here", too, are those of a decision.

        docs (Iterable[Doc]): The docs.
        RETURNS (list[float]): The expected number of each doc.
        RAISES (ValueError): If the docs have not been encoded.
        """
        docs = list(docs)
        emissions, crf = self._score_tags(docs), self.model.get_ref("crf")
        if not emissions:
            return [0.0 for _ in docs]
        found = zip(_entities_of_docs(crf, emissions), find_beginnings(crf, emissions), strict=True)
        return [self._expect_errors(*next(found)) if len(doc) else 0.0 for doc in docs]

    def _expect_errors(self, entities: list[Entity], beginnings: NDArray[Any]) -> float:
        others = beginnings.copy()
        for start, _, label, probability in entities:
            others[start, label] -= probability
        others = others.sum(axis=1)
        # What is impossible stays so at any temperature.
        missed = scale_odds(others[others > 0], self.temperature)
        right = scale_odds(numpy.array([each for *_, each in entities]), self.temperature)
        return float((1 - right).sum() + missed.sum())

    def _score_tags(self, docs: list[Doc]) -> list[Floats2d]:
        """RETURNS (list[Floats2d]): The emissions of each doc that has tokens."""
        self._require_states(docs)
        with_tokens = [doc for doc in docs if len(doc)]
        emissions = self.model.predict(with_tokens) if with_tokens else []
        for doc, doc_emissions in zip(with_tokens, emissions, strict=True):
            _forbid_invisible_borders(doc, doc_emissions)
        return emissions

    def _require_states(self, docs: list[Doc]) -> None:
        # The stock listener would continue with zeros.
        for node in self.model.walk():
            if isinstance(node, TransformerListener):
                for doc in docs:
                    read_states(node, doc)

    def set_annotations(self, docs: Iterable[Doc], scores: list[list[Entity]]) -> None:
        """Set `doc.ents`, the span group, if there is one, and the score of each entity. Entities
        that are already in `doc.ents` are kept; the span group is replaced.

        docs (Iterable[Doc]): The docs.
        scores (list[list[tuple[int, int, int, float]]]): The output of `predict`.
        """
        warn_of_foreign(ATTRIBUTES)
        key = self.cfg["spans_key"]
        for doc, entities in zip(docs, scores, strict=True):
            if key is not None:
                doc.spans[key] = self._make_spans(doc, sorted(entities))
            taken = {token.i for entity in doc.ents for token in entity}
            free = [entity for entity in entities if taken.isdisjoint(range(*entity[:2]))]
            if key is not None:
                places = [(start, end, probability) for start, end, _, probability in free]
                free = [free[i] for i in best_without_overlaps(places)]
            doc.set_ents([*doc.ents, *self._make_spans(doc, free)])

    def _make_spans(self, doc: Doc, entities: list[Entity]) -> list[Span]:
        probabilities = numpy.array([probability for *_, probability in entities])
        scores = scale_odds(probabilities, self.temperature).tolist()
        spans = []
        for (start, end, label, _), score in zip(entities, scores, strict=True):
            span = Span(doc, start, end, label=self.labels[label])
            set_score(span, score)
            spans.append(span)
        return spans

    def _begin_update(self, examples: Iterable[Example]) -> tuple[float, Callable[[], Any]]:
        emissions, backprop = self.model.begin_update([eg.predicted for eg in examples])
        loss, d_emissions = self.get_loss(examples, emissions)
        return loss, lambda: backprop(d_emissions)

    def get_loss(
        self, examples: Iterable[Example], scores: list[Floats2d]
    ) -> tuple[float, list[Floats2d]]:
        """Compute the negative log likelihood of the gold tags, averaged over annotated docs.

        This also accumulates the gradients of the CRF's own parameters.

        examples (Iterable[Example]): The batch.
        scores (list[Floats2d]): The emissions of each doc. *Shape:* (tokens, tags) each.
        RETURNS (tuple[float, list[Floats2d]]): The loss, and its gradient with respect to the
            emissions.
        """
        ops = self.model.ops
        tags = [self._gold_tags(example) for example in examples]
        annotated = [i for i, doc_tags in enumerate(tags) if doc_tags is not None]
        d_scores = [ops.alloc2f(*doc_scores.shape) for doc_scores in scores]
        if not annotated:
            return 0.0, d_scores
        likelihoods, backprop = self.model.get_ref("crf").begin_update(
            ([scores[i] for i in annotated], [tags[i] for i in annotated])
        )
        d_likelihoods = ops.alloc1f(len(annotated)) - 1 / len(annotated)
        for i, d_doc in zip(annotated, backprop(d_likelihoods)[0], strict=True):
            d_scores[i] = d_doc
        return -float(likelihoods.mean()), d_scores

    def _gold_tags(self, example: Example) -> Any | None:
        key, doc = self.cfg["spans_key"], example.predicted
        if len(doc) == 0 or not has_gold_entities(example.reference, key):
            return None
        gold = get_gold_entities(example.reference, key)
        entities = example.get_aligned_spans_y2x(gold, allow_overlap=key is not None)
        self._report_unknown({entity.label_ for entity in entities} - {*self.labels})
        # Tokens of misaligned entities and unannotated tokens are trained as O.
        index = {label: i for i, label in enumerate(self.labels)}
        rows = [(e.start, e.end, index[e.label_]) for e in entities if e.label_ in index]
        return write_entities(self.model.get_ref("crf"), rows, len(doc))

    def _report_unknown(self, labels: set[str]) -> None:
        for label in sorted(labels):
            self._report_once(
                f"the entity label '{label}' occurs in training but was not known at "
                "initialization; its entities are trained as O. "
                f"{self._remedy.format(name=self.name)}"
            )

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
        learn_new_labels: bool = False,
    ) -> None:
        """Collect the labels, and prepare the model for training.

        get_examples (Callable[[], Iterable[Example]]): Function that returns the training examples.
        nlp (Language | None): The pipeline.
        labels (list[str] | None): The labels, as `spacy init labels` saves them. If None, they are
            collected from the examples.
        learn_new_labels (bool): Whether to add labels if the component is sourced, and so not
            initialized, see `resume`.
        RAISES (ValueError): If there are no labels, or the examples have labels beyond the given
            ones.
        """
        self._remedy = INIT_LABELS
        self._collect_labels(get_examples, labels)
        self._resize_model()
        with_tokens = (example.predicted for example in get_examples() if len(example.predicted))
        self.model.initialize(X=list(islice(with_tokens, 1)) or None)

    def _check_config(self, config: dict[str, Any]) -> None:
        self._require_same({"spans_key": config["spans_key"]}, {"spans_key": self.cfg["spans_key"]})

    def _collect_labels(
        self, get_examples: Callable[[], Iterable[Example]], labels: list[str] | None
    ) -> None:
        key = self.cfg["spans_key"]
        counts = count_gold(get_examples(), key)
        require_spans(self.name, counts, key)
        if labels is None:
            labels = list(counts.labels)
        require_known_labels(self.name, {*labels, *self.labels}, counts)
        if not labels and not self.labels:
            raise ValueError(
                f"{self.name}: the training data has no entities, and no labels were given. Set "
                f"{name_place(key)} in the training data, or pass a label file."
            )
        warn_of_language(self.name, counts, self.vocab.lang)
        warn_of_unlearned(self.name, counts, key)
        for label in labels:
            self.add_label(label)


def _forbid_invisible_borders(doc: Doc, emissions: Floats2d) -> None:
    """Rule out entities that begin or end with tokens that nobody sees: white space, byte order
    marks.

    doc (Doc): The doc.
    emissions (Floats2d): The emissions of the doc, changed in place. *Shape:* (tokens, tags).
    """
    # A vocabulary that came with a DocBin may lack the flags of its words.
    invisible = numpy.flatnonzero([not is_visible(token.text) for token in doc])
    rows = get_array_module(emissions).asarray(invisible)
    for first in (1, 3, 4):  # B, L and U of the first label
        emissions[rows, first::4] = NEVER


def _entities_of_docs(crf: Model, emissions: list[Floats2d]) -> list[list[Entity]]:
    found: list[list[Entity]] = [[] for _ in emissions]
    rows, probabilities = find_entities(crf, emissions)
    for (i, *entity), probability in zip(rows.tolist(), probabilities.tolist(), strict=True):
        found[i].append((*entity, probability))
    return found
