"""Small pipelines: what they learn from, how they are trained, and what they found."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam, Optimizer, glorot_uniform_init

from spacy_str_encoder import Relation
from spacy_str_encoder.pairs.candidates import DocPairs

# Start and end token of the first entity, and of the second.
Pair = tuple[int, int, int, int]
Annotation = tuple[str, list[tuple[int, int, str]], list[tuple[int, int, str]]]
MakeNlp = Callable[..., Language]
Arrays = dict[str, NDArray[Any]]

LAYERS = 3
# Text, entities by character offsets, and relations by the index of head and tail.
ANNOTATIONS: list[Annotation] = [
    (
        "前降支近段轻度狭窄约30-40％，回旋支未见明显狭窄。",
        [
            (0, 3, "BodyPart"),
            (3, 5, "Location"),
            (5, 7, "Degree"),
            (10, 16, "Quantifier"),
            (17, 20, "BodyPart"),
            (20, 22, "Negation"),
            (22, 24, "Degree"),
        ],
        [
            (0, 1, "Position"),
            (2, 1, "Modifier"),
            (3, 1, "Percentage"),
            (5, 4, "Negative"),
            (6, 4, "Modifier"),
        ],
    ),
    (
        "约50%的狭窄位于右冠中段，血流TIMI 3级。",
        [
            (1, 4, "Quantifier"),
            (9, 11, "BodyPart"),
            (11, 13, "Location"),
            (16, 23, "Quantifier"),
        ],
        [(0, 2, "Percentage"), (1, 2, "Position"), (3, 1, "Percentage")],
    ),
    ("左主干无狭窄。", [(0, 3, "BodyPart"), (3, 4, "Negation")], [(1, 0, "Negative")]),
    ("患者一般情况可。", [], []),
]
ENGLISH: Annotation = (
    "Ada works at Acme.",
    [(0, 3, "PER"), (13, 17, "ORG")],
    [(0, 1, "works_for")],
)
# The same entities, and relations whose direction depends on the character between them.
DIRECTIONS: list[Annotation] = [
    (f"{first}{cue}{second}", [(0, 1, "X"), (2, 3, "X")], [relation])
    for first, second in ["AB", "CD"]
    for cue, relation in [(">", (0, 1, "beats")), ("<", (1, 0, "beats"))]
]
TEXT = ANNOTATIONS[0][0]
TEXTS = [text for text, _, _ in ANNOTATIONS]
COMPONENTS = ["str_encoder", "str_ner", "str_rel"]


def make_example(nlp: Language, annotation: Annotation) -> Example:
    """An example with gold entities and relations."""
    text, entities, relations = annotation
    reference = nlp.make_doc(text)
    spans = [reference.char_span(start, end, label=label) for start, end, label in entities]
    reference.set_ents(spans)
    reference._.relations = [Relation(spans[i], spans[j], label) for i, j, label in relations]
    return Example(nlp.make_doc(text), reference)


def with_entities(nlp: Language, annotation: Annotation) -> Doc:
    """A doc that has the gold entities, and was not processed yet."""
    text, entities, _ = annotation
    doc = nlp.make_doc(text)
    doc.set_ents([doc.char_span(start, end, label=label) for start, end, label in entities])
    return doc


def relate(nlp: Language, annotation: Annotation) -> Doc:
    """A doc with the gold entities, and the relations that are found between them."""
    with nlp.select_pipes(disable="str_ner"):
        return nlp(with_entities(nlp, annotation))


def pair_logits(nlp: Language, annotation: Annotation) -> dict[tuple[int, int], NDArray[Any]]:
    """The logits of each pair of gold entities, whether or not it is a candidate pair."""
    doc = nlp.get_pipe("str_encoder")(with_entities(nlp, annotation))
    pairs = list(combinations(range(len(doc.ents)), 2))
    logits = nlp.get_pipe("str_rel").model.predict([DocPairs(doc, doc.ents, numpy.array(pairs))])
    return dict(zip(pairs, logits, strict=True))


def make_pairs(doc: Doc, pairs: list[Pair]) -> DocPairs:
    """Pairs by the token offsets of the first entity and of the second."""
    spans = [doc[start:end] for pair in pairs for start, end in (pair[:2], pair[2:])]
    return DocPairs(doc, spans, numpy.arange(len(spans)).reshape(-1, 2))


def draw_tagger(nlp: Language) -> None:
    """Give the tagger random weights, as if it had learned: with zeros, which it starts with, it
    finds nothing and has no gradients for the encoder.
    """
    if not nlp.has_pipe("str_ner"):
        return
    output = nlp.get_pipe("str_ner").model.get_ref("output_layer").layers[0]
    output.set_param("W", glorot_uniform_init(output.ops, output.get_param("W").shape))


def make_examples(nlp: Language) -> list[Example]:
    """An example of each annotation above."""
    return [make_example(nlp, annotation) for annotation in ANNOTATIONS]


class Recorder:
    """Takes an optimizer's place, leaves the weights alone and keeps the gradients of each call."""

    def __init__(self) -> None:
        self.calls: dict[Any, list[NDArray[Any]]] = {}

    def __call__(
        self, key: Any, weights: Any, gradient: Any, *, lr_scale: float = 1.0
    ) -> tuple[Any, Any]:
        self.calls.setdefault(key, []).append(gradient.copy())
        gradient.fill(0)
        return weights, gradient

    def of_encoder(self, nlp: Language) -> dict[str, list[NDArray[Any]]]:
        """The gradients of each call for each of the encoder's parameters."""
        encoder = nlp.get_pipe("str_encoder").model
        names = [name for name, _ in encoder.transformer.named_parameters()]
        keys = {name: (encoder.shim.id, name) for name in names}
        return {name: self.calls[key] for name, key in keys.items() if key in self.calls}


def make_optimizer(learn_rate: float = 5e-3) -> Optimizer:
    # Without weight decay, which moves weights that have no gradient.
    return Adam(learn_rate, L2=0.0)


def train(nlp: Language, examples: list[Example], steps: int = 150, **options: Any) -> None:
    optimizer = make_optimizer()
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer, **options)


def build_trained(make_nlp: MakeNlp, annotations: list[Annotation], **config: Any) -> Language:
    fix_random_seed(0)
    nlp = make_nlp(**config)
    nlp.config["initialize"]["after_init"] = None
    examples = [make_example(nlp, annotation) for annotation in annotations]
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    return nlp


def finish_update(nlp: Language, sgd: Any) -> None:
    for _, component in nlp.pipeline:
        component.finish_update(sgd)


def update(nlp: Language, examples: list[Example], sgd: Any, stepping: str, **options: Any) -> None:
    """Update once, and make the step that is due."""
    if stepping == "at once":
        nlp.update(examples, sgd=sgd, **options)
        nlp(TEXT)
    else:
        nlp.update(examples, sgd=False, **options)
        finish_update(nlp, sgd)


def encoder_gradients(nlp: Language, *batches: list[Example], **options: Any) -> Arrays:
    """What the encoder's parameters get from the batches; each must be stepped once."""
    recorder = Recorder()
    for batch in batches:
        nlp.update(batch, sgd=False, **options)
    finish_update(nlp, recorder)
    return {name: gradient for name, (gradient,) in recorder.of_encoder(nlp).items()}


def assert_sum(actual: Arrays, *summands: Arrays) -> None:
    assert actual
    for name, gradient in actual.items():
        expected = sum(summand[name] for summand in summands)
        scale = numpy.abs(expected).max()
        numpy.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4 * scale + 1e-6)


def encoder_weights(nlp: Language) -> Arrays:
    state = nlp.get_pipe("str_encoder").model.transformer.state_dict()
    return {name: tensor.numpy().copy() for name, tensor in state.items()}


def moved_layers(before: Arrays, after: Arrays) -> list[int]:
    """The layers of the encoder whose weights changed."""
    name = "encoder.layer.{}.attention.self.value.weight"
    return [
        i
        for i in range(LAYERS)
        if not numpy.array_equal(before[name.format(i)], after[name.format(i)])
    ]


def head_weights(nlp: Language, name: str) -> bytes:
    return nlp.get_pipe(name).model.to_bytes()


def texts_only(nlp: Language, examples: list[Example], *, entities: bool = False) -> list[Example]:
    """The examples without their relations, and their entities unless asked for."""
    stripped = []
    for example in examples:
        reference = nlp.make_doc(example.text)
        if entities:
            spans = [(e.start_char, e.end_char, e.label_) for e in example.reference.ents]
            reference.set_ents([reference.char_span(i, j, label=label) for i, j, label in spans])
        stripped.append(Example(nlp.make_doc(example.text), reference))
    return stripped


def found(doc: Doc) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """Entities and relations as texts."""
    relations = [(r.head.text, r.tail.text, r.label) for r in doc._.relations]
    return [(ent.text, ent.label_) for ent in doc.ents], relations


def scores(doc: Doc) -> list[float]:
    return [ent._.score for ent in doc.ents] + [r.score for r in doc._.relations]


def assert_same(actual: Doc, expected: Doc) -> None:
    assert found(actual) == found(expected)
    assert scores(actual) == pytest.approx(scores(expected), abs=1e-5)


def assert_predicts_as(nlp: Language, expected: list[Doc]) -> None:
    for doc in expected:
        assert_same(nlp(doc.text), doc)
