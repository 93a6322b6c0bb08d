import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings
from spacy import registry
from spacy.language import Language
from spacy.util import load_model_from_config

from spacy_str_encoder.init_encoder import init_encoder

from .pipelines import (
    ANNOTATIONS,
    LAYERS,
    MakeNlp,
    build_trained,
    draw_tagger,
    make_examples,
)
from .reduced_project import copy_project, run_workflow

# Threads of several test runs on the same cores wait for each other at every small operation, here
# and in the processes that tests start.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

# No test depends on how fast the machine is (the first one even waits for Unicode tables), and the
# same examples are tried each time.
settings.register_profile(
    "untimed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# For `make quick`.
settings.register_profile("quick", settings.get_profile("untimed"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))


# Fixtures that train.
TRAINING = {"save_trained", "trained_project"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow that wait for a training."""
    for item in items:
        if TRAINING.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def encoder_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT without dropout, whose pieces are characters."""
    path = tmp_path_factory.mktemp("encoders") / "tiny"
    texts = [text for text, _, _ in ANNOTATIONS]
    init_encoder(texts, path, layers=LAYERS, width=32, heads=4, max_length=128, dropout=0.0, seed=1)
    return path


@pytest.fixture(scope="session")
def make_nlp(encoder_path: Path) -> Callable[..., Language]:
    """Builds a pipeline of the three components, not initialized."""

    @registry.callbacks("tests.draw_tagger.v1")
    def make_draw_tagger() -> Callable[[Language], None]:
        return draw_tagger

    def make(
        *,
        mask: str = "pair",
        focus_layers: int = 2,
        window: int = 64,
        stride: int = 48,
        ner: dict[str, Any] | None = None,
        **rel: Any,
    ) -> Language:
        nlp = spacy.blank("zh")
        spans = {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": window,
            "stride": stride,
        }
        model = {"name": str(encoder_path), "focus_layers": focus_layers, "get_spans": spans}
        nlp.add_pipe("str_encoder", config={"model": model})
        nlp.add_pipe("str_ner", config=ner or {})
        nlp.add_pipe("str_rel", config={"model": {"mask": mask}, **rel})
        nlp.config["initialize"]["after_init"] = {"@callbacks": "tests.draw_tagger.v1"}
        return nlp

    return make


@pytest.fixture
def make_with_encoder(make_nlp: MakeNlp) -> Callable[..., Language]:
    """Builds an initialized pipeline whose encoder has other settings."""

    def make(**settings: Any) -> Language:
        config = make_nlp().config
        config["components"]["str_encoder"]["model"].update(settings)
        nlp = load_model_from_config(config, auto_fill=True)
        nlp.initialize(lambda: make_examples(nlp))
        return nlp

    return make


@pytest.fixture
def nlp(make_nlp: Callable[..., Language]) -> Language:
    """An initialized, untrained pipeline."""
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what processes that run tests side by side make only once."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    return tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.mktemp("shared")


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder unless another process has made it, or is making it."""
    with FileLock(folder.with_suffix(".lock")):
        if not (done := folder.with_suffix(".done")).exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def save_trained(make_nlp: MakeNlp, shared: Path) -> Callable[[str], Path]:
    """Trains a pipeline once for each mask, and tells where it is saved."""

    def save(mask: str) -> Path:
        def train(folder: Path) -> None:
            build_trained(make_nlp, ANNOTATIONS, mask=mask).to_disk(folder)

        return make_once(shared / f"trained-{mask}", train)

    return save


@pytest.fixture(scope="session")
def trained_project(shared: Path) -> Path:
    """A small copy of the project after its workflow `train`, to copy from."""

    def make(folder: Path) -> None:
        copy_project(folder)
        run_workflow(folder, "train")

    return make_once(shared / "trained-project", make)


@pytest.fixture(params=["pair", "cls"])
def trained(request: pytest.FixtureRequest, save_trained: Callable[[str], Path]) -> Language:
    """A pipeline that was trained once; each test gets its own copy."""
    return spacy.load(save_trained(request.param))
