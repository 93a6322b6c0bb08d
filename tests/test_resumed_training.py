"""`spacy-str-encoder train`: runs that are stopped and resumed end as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from click.testing import Result
from spacy import registry
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.files.whole import put_back, replaced_whole
from spacy_str_encoder.training.randomness import with_own_random
from spacy_str_encoder.training.state import STATE, read_state

from .pipelines import MakeNlp, make_examples
from .test_interrupted_training import exit_at

# Before which update a run ends, and how. It is not in the config, which must not change.
STOP: dict[str, Any] = {}
LAST_STEP = 6
PIPELINES = ("model-best", "model-last")
VARIANTS = {
    "plain": {},
    "no averages": {"training.optimizer.use_averages": False},
    "accumulated": {"training.accumulate_gradient": 2},
    "some negative pairs": {"components.str_rel.negative_rate": 0.4},
    "stops early": {"training.patience": 3, "training.max_steps": 0},
    "annotating": {"training.annotating_components": ["str_encoder", "str_ner"]},
    "endless data": {"training.max_epochs": -1, "corpora.train": {"@readers": "tests.endless.v1"}},
    "attributes": {"nlp.pipeline": ["str_encoder", "str_ner", "str_rel", "str_attr"]},
}


@registry.callbacks("tests.stop.v1")
def make_stop() -> Callable[[Language, dict[str, Any]], None]:
    def stop(nlp: Language, step: dict[str, Any]) -> None:
        # What else draws from Python's random numbers must not change the order of batches.
        random.random()
        if step["step"] == STOP.get("before"):
            signal.raise_signal(STOP["signal"])

    return stop


@registry.readers("tests.endless.v1")
def make_endless() -> Callable[[Language], Iterator[Any]]:
    def read(nlp: Language) -> Iterator[Any]:
        while True:
            examples = make_examples(nlp)
            random.shuffle(examples)
            yield from examples

    return read


@pytest.fixture
def config(make_nlp: MakeNlp, tmp_path: Path) -> Path:
    """A config with dropout everywhere. It evaluates after updates 0, 2, 4 and 6."""
    nlp = make_nlp(negative_rate=0.9)
    nlp.add_pipe("str_attr", config={"defaults": {"Assertion": "present"}})
    docs = [example.reference for example in make_examples(nlp)]
    for number, entity in enumerate(docs[0].ents):
        entity._.attributes = {"Assertion": "negated"} if number % 2 else {}
    write_corpus(tmp_path, docs)
    changes = {
        "nlp.pipeline": ["str_encoder", "str_ner", "str_rel"],
        "components.str_encoder.model.transformer_config": {"hidden_dropout_prob": 0.1},
        "training.dropout": 0.2,
        "training.max_steps": LAST_STEP,
        "training.eval_frequency": 2,
        "training.batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": 3},
        "training.before_update": {"@callbacks": "tests.stop.v1"},
        "training.score_weights": {"ents_f": 0.5, "rels_f": 0.5},
        "training.logger": {"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": None},
        "training.optimizer.learn_rate": {
            "@schedules": "warmup_linear.v1",
            "warmup_steps": 2,
            "total_steps": 10,
            "initial_rate": 5e-3,
        },
        "corpora.train": read_from(tmp_path),
        "corpora.dev": read_from(tmp_path),
    }
    return write(nlp.config, tmp_path / "config.cfg", changes)


@pytest.fixture(autouse=True)
def stop_nothing() -> Iterator[None]:
    # Where tests run in the background, Ctrl-C is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    STOP.clear()


def read_from(folder: Path) -> dict[str, str]:
    return {"@readers": "spacy-str-encoder.Corpus.v1", "path": str(folder / "train.spacy")}


def write_corpus(folder: Path, docs: list[Any]) -> None:
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "train.spacy")


def write(config: Config, path: Path, changes: dict[str, Any]) -> Path:
    for name, value in changes.items():
        *sections, last = name.split(".")
        block: Any = config
        for section in sections:
            block = block[section]
        block[last] = value
    config.to_disk(path)
    return path


def run(config: Path, output: Path, *options: str) -> Result:
    arguments = ["train", str(config), "--output", str(output), *options]
    return CliRunner().invoke(app, arguments)


def finish(config: Path, output: Path, *options: str) -> str:
    result = run(config, output, *options)
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.output


def stop_before(
    step: int, config: Path, output: Path, *options: str, by: signal.Signals = signal.SIGINT
) -> Result:
    """Stop a run, as Ctrl-C does if nothing else is said."""
    STOP.update(before=step, signal=by)
    result = run(config, output, *options)
    STOP.clear()
    return result


def read_pipelines(output: Path) -> dict[str, bytes]:
    """The contents of all files of both pipelines."""
    paths = [path for name in PIPELINES for path in (output / name).rglob("*")]
    return {str(path.relative_to(output)): path.read_bytes() for path in paths if path.is_file()}


def assert_same(output: Path, other: Path) -> None:
    files, others = read_pipelines(output), read_pipelines(other)
    assert {*files} == {*others} and "model-best/str_rel/model" in files
    assert [name for name in files if files[name] != others[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_resumed_run_ends_as_an_unbroken_one(config: Path, tmp_path: Path, variant: str) -> None:
    write(load_config(config), config, VARIANTS[variant])
    finish(config, tmp_path / "unbroken")
    stop_before(2, config, tmp_path / "stopped")
    stop_before(3, config, tmp_path / "stopped", "--resume")
    finish(config, tmp_path / "stopped", "--resume")
    assert_same(tmp_path / "unbroken", tmp_path / "stopped")


@pytest.mark.slow
def test_a_run_that_is_killed_anywhere_ends_as_an_unbroken_one(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    write(load_config(config), config, {"training.max_steps": 2})
    finish(config, tmp_path / "unbroken")
    output, kills = tmp_path / "killed", 0
    # Later and later: each run gets further before it is killed, the first ones before any state.
    for change in range(7, 10**6, 13):
        if not run_until(change, config, output):
            break
        kills += 1
        state = read_state(output)
        saved = [output / name for name in PIPELINES if (output / name).exists()]
        assert saved or not (state and state.evaluations)
        for folder in saved:
            # Components refuse a folder with files of two evaluations.
            spacy.load(folder)
    assert kills > 5
    assert_same(tmp_path / "unbroken", output)
    left = {path.name for path in output.iterdir()}
    assert left - {".lock"} == {*PIPELINES, STATE}


@pytest.mark.slow
@pytest.mark.parametrize("averages", [True, False])
def test_the_weights_are_those_of_spacy(config: Path, tmp_path: Path, averages: bool) -> None:
    # Without what draws from Python's random numbers between batches.
    changes = {"training.before_update": None, "training.optimizer.use_averages": averages}
    write(load_config(config), config, changes)
    spacy_train(config, tmp_path / "spacy")
    finish(config, tmp_path / "own")
    assert_same(tmp_path / "spacy", tmp_path / "own")


def test_a_pipeline_is_not_overwritten_by_chance(config: Path, tmp_path: Path) -> None:
    (tmp_path / "output" / "model-best").mkdir(parents=True)
    result = run(config, tmp_path / "output")
    assert result.exit_code == 1
    assert "must hold no pipeline, got model-best" in result.stderr
    assert "--resume" in result.stderr and "--overwrite" in result.stderr
    assert result.stderr.count("\n") == 1
    # It may be one of `spacy train`.
    result = run(config, tmp_path / "output", "--resume")
    assert result.exit_code == 1
    assert f"got model-best without {STATE}" in result.stderr


def test_a_finished_run_stays_as_it_is(config: Path, tmp_path: Path) -> None:
    write(load_config(config), config, {"training.max_steps": 1})
    output = tmp_path / "output"
    # --resume in an empty folder simply starts.
    finish(config, output, "--resume")
    before = {path: path.stat().st_mtime_ns for path in output.rglob("model-*/**/*")}
    assert "this run is finished" in finish(config, output, "--resume")
    assert before == {path: path.stat().st_mtime_ns for path in output.rglob("model-*/**/*")}
    # Its weights and optimizer are not kept.
    assert (output / STATE).stat().st_size < 50_000
    assert "Saved the pipeline" in finish(config, output, "--overwrite")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_what_is_kept(config: Path, tmp_path: Path, by: signal.Signals) -> None:
    result = stop_before(0, config, tmp_path / "output", by=by)
    assert result.exit_code == 130
    assert "Nothing was saved yet: repeat the command with --resume" in result.stderr
    result = stop_before(3, config, tmp_path / "output", "--resume", by=by)
    assert result.exit_code == 130
    assert "updates 2 (model-last) and " in result.stderr
    assert "To continue after update 2, repeat the command with --resume." in result.stderr
    spacy.load(tmp_path / "output" / "model-last")


def test_nothing_is_lost_before_the_first_evaluation(config: Path, tmp_path: Path) -> None:
    stop_before(0, config, tmp_path / "output")
    stop_before(0, config, tmp_path / "output")
    finish(config, tmp_path / "output", "--resume", "--training.max_steps", "1")


def test_another_run_is_not_resumed(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    stop_before(1, config, output)
    assert "training.dropout was 0.2, and is 0.1;" in refuse(
        config, output, "--training.dropout", "0.1"
    )
    message = refuse(config, output, "--training.max_steps", "9")
    assert "training.max_steps was 6, and is 9; a run can't be made longer" in message
    code = tmp_path / "code.py"
    code.write_text("")
    assert "but the code changed" in refuse(config, output, "--code", str(code))
    # What is printed changes no weights.
    finish(config, output, "--resume", "--training.logger.progress_bar", "eval")


def test_other_data_are_not_trained_on(config: Path, tmp_path: Path, make_nlp: MakeNlp) -> None:
    output = tmp_path / "output"
    stop_before(1, config, output)
    docs = [example.reference for example in make_examples(make_nlp())]
    docs[1]._.relations = docs[1]._.relations[:-1]
    write_corpus(tmp_path, docs)
    assert "but the training data changed; undo" in refuse(config, output)
    # As `spacy project run` does after its inputs changed.
    printed = finish(config, output, "--resume", "--overwrite", "--training.max_steps", "1")
    assert "Training again" in printed and "was 6, and is 1" in printed


def test_another_version_is_not_resumed(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "output"
    stop_before(1, config, output)
    with monkeypatch.context() as patch:
        patch.setattr("spacy_str_encoder.training.fingerprint.version", lambda name: "9.8")
        message = refuse(config, output)
        assert "the version of spacy_str_encoder was 0.1.0, and is 9.8" in message
    monkeypatch.setattr("spacy_str_encoder.training.state.SCHEMA", 2)
    assert "the state must have format 2, got 1" in refuse(config, output)


def test_without_a_seed_no_run_is_resumed(config: Path, tmp_path: Path) -> None:
    write(load_config(config), config, {"training.seed": None})
    stop_before(1, config, tmp_path / "output")
    assert "training.seed must be a number" in refuse(config, tmp_path / "output")


def test_a_damaged_state_is_named(config: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    stop_before(1, config, output)
    (output / STATE).write_bytes((output / STATE).read_bytes()[:1000])
    assert f"{STATE}: the file is damaged" in refuse(config, output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gpu-id", "0"], "there is no GPU 0"),
        (["--resum"], "No such option '--resum'"),
        (["--total_steps", "9"], "whole name, such as --training.optimizer.learn_rate.total_steps"),
        (["--code", "nowhere.py"], "nowhere.py: no such file"),
        (["--nlp.lang", "cn"], "got 'cn'. Did you mean zh?"),
        (["--corpora.train.path", "nowhere"], "Can't find the corpus nowhere"),
    ],
)
def test_wrong_options_take_one_line(
    config: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = run(config, tmp_path / "output", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("Error") == 1


def test_a_run_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "config.cfg").write_text('[nlp]\nlang = "klingon"\n', "utf-8")
    assert run(tmp_path / "config.cfg", tmp_path / "new" / "out").exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["config.cfg"]
    result = run(tmp_path / "config.cfg", tmp_path / "config.cfg")
    expected = "config.cfg: the output must be a folder, but is a file"
    assert " ".join(result.output.split()) == f"Error: {tmp_path}/{expected}"


HASHED = """
import spacy
from spacy.training import Example
from spacy_str_encoder.training.fingerprint import _hash_examples
nlp = spacy.blank("zh")
doc = nlp("患者反复胸痛三天，无发热。")
doc.set_ents([doc.char_span(2, 4, "Degree"), doc.char_span(4, 6, "Symptom")])
doc.spans["sc"] = [*doc.ents]
doc.user_data["str_relations"] = [(2, 4, "Degree", 4, 6, "Symptom", "Modifier")]
print(_hash_examples([Example(nlp.make_doc(doc.text), doc)]))
"""


@pytest.mark.slow
def test_the_same_data_are_known_in_another_process() -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1


def test_batches_own_their_random_numbers() -> None:
    def draw() -> Iterator[float]:
        while True:
            yield random.random()

    random.seed(1)
    expected = [random.random() for _ in range(3)]
    random.seed(1)
    numbers = with_own_random(draw())
    drawn = []
    for _ in range(3):
        drawn.append(next(numbers))
        random.random()
    assert drawn == expected


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ("old", "new"):
        with replaced_whole(folder) as unfinished:
            unfinished.mkdir()
            (unfinished / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), replaced_whole(folder) as unfinished:
        unfinished.mkdir()
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "new"]


def test_an_interrupted_replacement_is_undone(tmp_path: Path) -> None:
    (tmp_path / ".folder.earlier" / "old").mkdir(parents=True)
    put_back(tmp_path / "folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "old"]


def refuse(config: Path, output: Path, *options: str) -> str:
    """The message of a run that is not resumed, and leaves everything as it is."""
    before = (output / STATE).read_bytes()
    result = run(config, output, "--resume", *options)
    assert result.exit_code == 1, result.output
    assert (output / STATE).read_bytes() == before
    return " ".join(result.stderr.split())


def run_until(change: int, config: Path, output: Path) -> bool:
    """Whether a process is killed while it trains."""
    child = os.fork()
    if not child:
        sys.addaudithook(exit_at(change))
        code = run(config, output, "--resume").exit_code
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9
