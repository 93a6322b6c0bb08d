"""Corpora without relations, without texts, of one doc, or with labels that others lack: commands
run on them, or say in a sentence what is wrong.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app

from .pipelines import ANNOTATIONS, Annotation, make_example

# It trains.
pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[1] / "configs" / "coronary.cfg"
NEW: Annotation = ("血流三级。", [(0, 2, "Flow"), (2, 4, "Grade")], [(0, 1, "HasGrade")])
NLP = spacy.blank("zh")


def make_docs(*annotations: Annotation) -> list[Doc]:
    return [make_example(NLP, annotation).reference for annotation in annotations]


def without_relations(*, annotated: bool) -> list[Doc]:
    docs = make_docs(*((text, entities, []) for text, entities, _ in ANNOTATIONS))
    if not annotated:
        for doc in docs:
            doc.user_data.clear()
    return docs


CORPORA: dict[str, Callable[[], list[Doc]]] = {
    "full": lambda: make_docs(*ANNOTATIONS),
    "other labels": lambda: make_docs(NEW),
    "more labels": lambda: make_docs(*ANNOTATIONS, NEW),
    "one doc": lambda: make_docs(ANNOTATIONS[0]),
    "one doc without entities": lambda: make_docs(ANNOTATIONS[3]),
    "no relations": lambda: without_relations(annotated=True),
    "unannotated relations": lambda: without_relations(annotated=False),
    "no entities": lambda: make_docs(*((text, [], []) for text, _, _ in ANNOTATIONS)),
    "no docs": list,
    "an empty doc": lambda: [NLP.make_doc("")],
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_corpus(name: str) -> Path:
        path = tmp_path / f"{name}.spacy"
        DocBin(docs=CORPORA[name](), store_user_data=True).to_disk(path)
        return path

    return write_corpus


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def train_on(files: dict[str, Path], encoder: Path, output: Path, **overridden: Any) -> Path:
    overrides: dict[str, Any] = {
        **{f"paths.{name}": str(path) for name, path in files.items()},
        "paths.encoder": str(encoder),
        "training.max_steps": 2,
        "training.eval_frequency": 1,
        "components.str_encoder.model.get_spans.window": 64,
        "components.str_encoder.model.get_spans.stride": 48,
        **overridden,
    }
    train(CONFIG, output, overrides=overrides)
    return output / "model-last"


@pytest.mark.parametrize(
    ("name", "dev"), [*((name, "full") for name in CORPORA), *(("full", name) for name in CORPORA)]
)
def test_any_data_are_summarized(write: Callable[[str], Path], name: str, dev: str) -> None:
    result = run("debug-data", write(name), write(dev), "--lang", "zh", "--json")
    assert result.exit_code == 0
    splits = json.loads(result.stdout)["splits"]
    assert splits["train"]["docs"] == len(CORPORA[name]())
    assert splits["dev"]["docs"] == len(CORPORA[dev]())


def test_the_remedy_for_no_relations_depends_on_the_split(write: Callable[[str], Path]) -> None:
    alone = "To learn entities alone, remove str_rel from the pipeline."
    for name, dev, is_advised in (("no relations", "full", True), ("full", "no relations", False)):
        result = run("debug-data", write(name), write(dev), "--lang", "zh", "--json")
        advice = json.loads(result.stdout)["advice"]
        assert any("has no relations." in each for each in advice)
        assert any(alone in each for each in advice) is is_advised


NO_TEXTS = "has no texts, so nothing can be learned or scored"
NOT_SET = "is not set on any doc"


@pytest.mark.parametrize(
    ("name", "dev", "message"),
    [
        ("no relations", "full", "To learn entities alone, remove str_rel from the pipeline"),
        ("unannotated relations", "full", NOT_SET),
        ("full", "unannotated relations", NOT_SET),
        ("no entities", "full", "train has no entities, but str_ner is trained"),
        ("full", "no relations", "dev has no relations, but str_rel is trained"),
        ("full", "no entities", "dev has no entities, but str_ner is trained"),
        ("full", "one doc without entities", "dev has no entities, but str_ner is trained"),
        ("no docs", "full", NO_TEXTS),
        ("an empty doc", "full", NO_TEXTS),
        ("full", "no docs", NO_TEXTS),
        ("full", "an empty doc", NO_TEXTS),
    ],
)
def test_what_can_not_be_learned_is_a_sentence(
    write: Callable[[str], Path],
    encoder_path: Path,
    tmp_path: Path,
    name: str,
    dev: str,
    message: str,
) -> None:
    files = {"train": write(name), "dev": write(dev)}
    with pytest.raises(ValueError, match=message):
        train_on(files, encoder_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "dev", "printed"),
    [
        ("full", "one doc", "NER"),
        ("one doc", "full", "NER"),
        ("full", "no relations", "NER"),
        ("full", "other labels", "Flow"),
        ("full", "more labels", "HasGrade"),
        ("more labels", "full", "NER"),
        ("full", "no entities", None),
        ("full", "one doc without entities", None),
    ],
)
def test_what_can_be_learned_is_scored(
    write: Callable[[str], Path],
    encoder_path: Path,
    tmp_path: Path,
    name: str,
    dev: str,
    printed: str | None,
) -> None:
    files = {"train": write(name), "dev": write(dev)}
    unchecked: dict[str, Any] = {"initialize.before_init": None}
    model = train_on(files, encoder_path, tmp_path / "out", **unchecked)
    result = run("evaluate", model, files["dev"], "--details", "--samples", "10")
    if printed is None and result.exit_code:
        # There are neither gold entities nor, as it happens, predicted ones.
        assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
        assert "there are neither gold nor predicted entities" in result.stderr
    else:
        assert result.exit_code == 0
        assert (printed or "NER") in result.stdout


@pytest.mark.parametrize("name", ["no docs", "an empty doc"])
def test_without_texts_nothing_is_scored(
    write: Callable[[str], Path], encoder_path: Path, tmp_path: Path, name: str
) -> None:
    files = {"train": write("full"), "dev": write("full")}
    model = train_on(files, encoder_path, tmp_path / "out")
    result = run("evaluate", model, write(name))
    got = "1 empty doc" if CORPORA[name]() else "none"
    assert result.exit_code == 1
    assert f"{name}.spacy: there must be docs with a text, got {got}" in result.stderr
