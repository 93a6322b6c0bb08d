"""Training that is stopped, by Ctrl-C, `kill -9` or a loss that is no number."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from spacy import registry
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import fix_random_seed
from thinc.api import Config

from spacy_str_encoder.corpus import create_corpus
from spacy_str_encoder.loading import load_pipeline

from .pipelines import MakeNlp, encoder_weights, head_weights, make_examples, make_optimizer

# It trains.
pytestmark = pytest.mark.slow

HEADS = ["str_ner", "str_rel"]
CHANGES = {"os.remove", "os.rmdir", "os.mkdir"}
Weights = list[bytes]


@pytest.fixture
def config(make_nlp: MakeNlp, tmp_path: Path) -> Config:
    """What evaluates, and saves, at steps 0, 2 and 4."""
    nlp = make_nlp()
    docs = [example.reference for example in make_examples(nlp)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    reader = {"@readers": "spacy-str-encoder.Corpus.v1", "path": str(tmp_path / "train.spacy")}
    training = {"max_steps": 4, "eval_frequency": 2, "logger": {"@loggers": "tests.quiet.v1"}}
    return nlp.config.merge({"corpora": {"train": reader, "dev": reader}, "training": training})


@registry.loggers("tests.quiet.v1")
def make_quiet_logger() -> Callable[..., Any]:
    return lambda *args: (lambda info: None, lambda: None)


def weights(nlp: Language) -> Weights:
    encoder = [weight.tobytes() for weight in encoder_weights(nlp).values()]
    return [*encoder, *(head_weights(nlp, name) for name in HEADS)]


def watch_checkpoints(config: Config, output: Path) -> list[Weights]:
    """Train without a break, and look at what is saved."""
    checkpoints: list[Weights] = []
    output.mkdir()

    @registry.callbacks("tests.watch.v1")
    def make_watch() -> Callable[[Language], Language]:
        def watch(nlp: Language) -> Language:
            checkpoints.append(weights(nlp))
            return nlp

        return watch

    callback = {"before_to_disk": {"@callbacks": "tests.watch.v1"}}
    nlp = init_nlp(config.merge({"training": callback}))
    fix_random_seed(0)
    train(nlp, output)
    return checkpoints


def exit_at(change: int) -> Callable[[str, tuple[Any, ...]], None]:
    """What ends the process before it makes, removes or opens one more file or folder to write, as
    `kill -9` does: nothing is cleaned up."""
    changes = iter(range(10**6))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        is_writing = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if (is_writing or event in CHANGES) and next(changes) == change:
            os._exit(9)

    return hook


def train_until(change: int, nlp: Language, output: Path) -> bool:
    """Whether a process is killed while it trains."""
    output.mkdir()
    child = os.fork()
    if not child:
        fix_random_seed(0)
        sys.addaudithook(exit_at(change))
        train(nlp, output)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def load_weights(output: Path) -> Weights | None:
    """Those of the best pipeline; if it can't be loaded, those of the last one."""
    for name in ("model-best", "model-last"):
        try:
            return weights(load_pipeline(str(output / name)))
        except ValueError:
            continue
    return None


@pytest.mark.slow
def test_a_killed_training_leaves_the_best_pipeline(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = watch_checkpoints(config, tmp_path / "unbroken")
    assert checkpoints[0] != checkpoints[1] != checkpoints[2]
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    nlp = init_nlp(config)
    found = []
    # A few dozens of several hundreds.
    for change in range(0, 10**6, 11):
        output = tmp_path / str(change)
        if not train_until(change, nlp, output):
            break
        left = load_weights(output)
        found.append(-1 if left is None else checkpoints.index(left))
    # Before the first pipeline is saved there is none; then each is there until the next one is.
    assert found == sorted(found) and set(found) == {-1, 0, 1, 2}


def test_ctrl_c_leaves_the_best_pipeline(config: Config, tmp_path: Path) -> None:
    checkpoints = watch_checkpoints(config, tmp_path / "unbroken")

    @registry.callbacks("tests.ctrl_c.v1")
    def make_callback() -> Callable[[Language, dict[str, Any]], None]:
        def stop(nlp: Language, step: dict[str, Any]) -> None:
            if step["step"] == 3:
                raise KeyboardInterrupt

        return stop

    callback = {"before_update": {"@callbacks": "tests.ctrl_c.v1"}}
    nlp = init_nlp(config.merge({"training": callback}))
    fix_random_seed(0)
    with pytest.raises(KeyboardInterrupt):
        train(nlp, tmp_path)
    assert weights(load_pipeline(str(tmp_path / "model-best"))) == checkpoints[1]


@pytest.mark.parametrize("head", HEADS)
def test_a_loss_that_is_no_number_names_the_batch(
    config: Config, tmp_path: Path, head: str
) -> None:
    nlp = init_nlp(config)
    examples = list(create_corpus(tmp_path / "train.spacy")(nlp))
    output = nlp.get_pipe(head).model.get_ref("output_layer").layers[0]
    output.set_param("b", output.get_param("b") * numpy.nan)
    with pytest.raises(ValueError, match=f"^{head}: the loss of a batch is nan") as caught:
        nlp.update(examples[1:3], sgd=make_optimizer())
    path = tmp_path / "train.spacy"
    assert str(caught.value).endswith(f"The batch: doc 2 of {path}, doc 3 of {path}.")
