from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from hypothesis import HealthCheck, settings
from spacy.language import Language
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.init_encoder import init_encoder

Annotation = tuple[str, list[tuple[int, int, str]], list[tuple[int, int, str]]]

# Threads of several test runs on the same cores wait for each other at every small operation.
torch.set_num_threads(1)

# No test depends on how fast the machine is (the first one even waits for Unicode tables), and the
# same examples are tried each time.
settings.register_profile(
    "untimed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

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


@pytest.fixture(scope="session")
def encoder_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT without dropout, whose pieces are characters."""
    path = tmp_path_factory.mktemp("encoders") / "tiny"
    texts = [text for text, _, _ in ANNOTATIONS]
    init_encoder(texts, path, layers=LAYERS, width=32, heads=4, max_length=128, dropout=0.0, seed=1)
    return path


@pytest.fixture
def make_nlp(encoder_path: Path) -> Callable[..., Language]:
    """Builds a pipeline of the three components, not initialized."""

    def make(
        *, mask: str = "pair", focus_layers: int = 2, window: int = 64, stride: int = 48, **rel: Any
    ) -> Language:
        nlp = spacy.blank("zh")
        spans = {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": window,
            "stride": stride,
        }
        model = {"name": str(encoder_path), "focus_layers": focus_layers, "get_spans": spans}
        nlp.add_pipe("str_encoder", config={"model": model})
        nlp.add_pipe("str_ner")
        nlp.add_pipe("str_rel", config={"model": {"mask": mask}, **rel})
        return nlp

    return make


def make_example(nlp: Language, annotation: Annotation) -> Example:
    """An example with gold entities and relations."""
    text, entities, relations = annotation
    reference = nlp.make_doc(text)
    spans = [reference.char_span(start, end, label=label) for start, end, label in entities]
    reference.set_ents(spans)
    reference._.relations = [Relation(spans[i], spans[j], label) for i, j, label in relations]
    return Example(nlp.make_doc(text), reference)


def make_examples(nlp: Language) -> list[Example]:
    """An example of each annotation above."""
    return [make_example(nlp, annotation) for annotation in ANNOTATIONS]


@pytest.fixture
def nlp(make_nlp: Callable[..., Language]) -> Language:
    """An initialized, untrained pipeline."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp
