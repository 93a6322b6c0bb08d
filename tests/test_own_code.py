"""Functions and components that users write themselves."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from typer.testing import CliRunner

from spacy_str_encoder.archive import PartWriter
from spacy_str_encoder.archive.on_ray import portable
from spacy_str_encoder.cli import app
from spacy_str_encoder.loading import load_pipeline
from spacy_str_encoder.pairs.candidates import make_max_distance

from .pipelines import TEXT

CODE = """
import spacy
from spacy.language import Language
from spacy_str_encoder import all_pairs

@spacy.registry.misc("tests.{name}.v1")
def make_candidates():
    return all_pairs

@Language.component("tests_{name}")
def mark(doc):
    return doc
"""
ALL_PAIRS = '"spacy-str-encoder.all_pairs.v1"'


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A name of each test's own, since what is registered stays so."""
    return tmp_path.name


@pytest.fixture
def code(name: str, tmp_path: Path) -> Path:
    path = tmp_path / "functions.py"
    path.write_text(CODE.format(name=name), "utf-8")
    return path


@pytest.fixture
def pipeline(name: str, save_trained: Callable[[str], Path], tmp_path: Path) -> Path:
    """A pipeline whose candidate pairs come from the code."""
    folder = Path(shutil.copytree(save_trained("pair"), tmp_path / "pipeline"))
    config = (folder / "config.cfg").read_text("utf-8")
    assert ALL_PAIRS in config
    (folder / "config.cfg").write_text(config.replace(ALL_PAIRS, f'"tests.{name}.v1"'), "utf-8")
    return folder


def write_texts(folder: Path) -> Path:
    entities = [{"start": 0, "end": 3, "label": "BodyPart"}]
    srsly.write_jsonl(
        folder / "texts.jsonl", [{"text": TEXT, "entities": entities, "relations": []}]
    )
    return folder / "texts.jsonl"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, " ".join(result.output.split())


def test_without_the_code_the_error_says_what_is_missing(pipeline: Path, name: str) -> None:
    with pytest.raises(ValueError, match="give its file with --code") as caught:
        load_pipeline(str(pipeline))
    message = " ".join(str(caught.value).split())
    assert f"Could not find function 'tests.{name}.v1'" in message
    assert "make sure the code is available" in message and "newer" not in message


def test_a_component_of_a_users_own_is_not_blamed_on_a_version(pipeline: Path, name: str) -> None:
    path = pipeline / "config.cfg"
    config = path.read_text("utf-8").replace('factory = "str_rel"', f'factory = "tests_{name}"')
    path.write_text(config, "utf-8")
    with pytest.raises(ValueError, match=f"Can't find factory for 'tests_{name}'") as error:
        load_pipeline(str(pipeline))
    assert "give its file with --code" in str(error.value)
    assert "newer" not in str(error.value)


@pytest.mark.parametrize("command", ["annotate", "evaluate", "visualize"])
def test_a_command_runs_the_code(pipeline: Path, code: Path, command: str, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    output = tmp_path / ("out" if command == "annotate" else "out.html")
    arguments = [command, pipeline, texts, "--output", output]
    assert run(*arguments)[0] == 1
    exit_code, printed = run(*arguments, "--code", code)
    assert exit_code == 0, printed


def test_statistics_of_data_run_the_code(pipeline: Path, code: Path, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    arguments = ["debug-data", texts, "--config", pipeline / "config.cfg"]
    assert run(*arguments)[0] == 1
    exit_code, printed = run(*arguments, "--code", code)
    assert exit_code == 0, printed


@pytest.mark.slow
def test_worker_processes_run_the_code(pipeline: Path, code: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(f"{TEXT}\n" * 4, "utf-8")
    arguments = ["annotate", pipeline, tmp_path / "texts.txt", "--output", tmp_path / "out"]
    options = ["--code", code, "--n-process", 2, "--part-size", 2]
    exit_code, printed = run(*arguments, *options)
    assert exit_code == 0 and "4 texts annotated" in printed


def test_actors_find_the_code_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writer = PartWriter("model", Path("out"), "jsonl", batch_size=4, code=Path("functions.py"))
    assert portable(writer, gpus=0).code == tmp_path.resolve() / "functions.py"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ("1 / 0", "can't run this code: ZeroDivisionError")],
)
def test_code_that_can_not_be_run_is_an_error(
    pipeline: Path, content: str | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.py"
    if content:
        path.write_text(content, "utf-8")
    exit_code, printed = run("evaluate", pipeline, pipeline / "meta.json", "--code", path)
    assert exit_code == 1 and message in printed


@pytest.mark.parametrize(
    ("component", "attribute"),
    [("str_encoder", "set_extra_annotations"), ("str_ner", "scorer"), ("str_rel", "candidates")],
)
def test_a_function_that_is_set_in_python_is_not_lost_in_silence(
    nlp: Language, component: str, attribute: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.to_disk(tmp_path / "before")
        nlp.to_bytes()
    setattr(nlp.get_pipe(component), attribute, make_max_distance(tokens=3))
    for save in (lambda: nlp.to_disk(tmp_path / "after"), nlp.to_bytes):
        with pytest.warns(UserWarning, match=f"{component}: `{attribute}` was changed in Python"):
            save()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spacy.load(tmp_path / "after").to_bytes()
