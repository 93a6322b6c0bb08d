"""Model cards of any pipeline: what they say, what is left to say, and wrong input."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from click.testing import Result
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

from spacy_str_encoder import Relation, set_attributes
from spacy_str_encoder.cli import app
from spacy_str_encoder.loading import fingerprint

from .pipelines import MakeNlp
from .reduced_project import run as run_command
from .test_evaluate_command import assert_fails

FIGURES = {"p": 0.5, "r": 0.25, "f": 0.333}
PERFORMANCE = {
    **{f"ents_{name}": value for name, value in FIGURES.items()},
    "ents_per_type": {"lies_in|on": {"p": 1.0, "r": 1.0, "f": 1.0}},
    **{f"rels_{name}": 1.0 for name in FIGURES},
    "rels_per_type": {"On": {"p": 1.0, "r": 1.0, "f": 1.0}},
}
ABOUT = '''
name = "findings"
version = "1.2.0"
description = """
Finds fevers,
in English notes."""
license = "MIT"
author = "Ada"
email = "ada@example.org"
intended_use = "To show a card."
limits = """
**Not for clinical use.**

- It knows one word."""
training_data = "None."
'''


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pipeline of rules."""
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "Finding", "pattern": "fever"}])
    nlp.meta["performance"] = PERFORMANCE
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def about(tmp_path: Path) -> Path:
    (tmp_path / "about.toml").write_text(ABOUT, "utf-8")
    return tmp_path / "about.toml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["model-card", *map(str, arguments)])


def run_well(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def sections_of(page: str) -> dict[str, str]:
    _, *sections = page.split("\n## ")
    return {each.partition("\n")[0]: each.partition("\n")[2].strip() for each in sections}


def test_what_is_not_given_is_to_do(model: Path) -> None:
    result = run_well(model)
    page = result.stdout
    assert page.startswith("# en_pipeline\n\nTODO: one sentence")
    sections = sections_of(page)
    for heading in ("Intended use", "Limits", "Training data"):
        assert sections[heading].startswith("TODO: ")
    assert "| License | TODO: " in page and "| Author | TODO: " in page
    assert result.stderr == (
        "TODO in the card: description, license, author, intended_use, limits, training_data. "
        "Give them in a file: --about\n"
    )


def test_fields_of_the_authors(model: Path, about: Path, tmp_path: Path) -> None:
    result = run_well(model, "--about", about, "-o", tmp_path / "new" / "README.md")
    assert (result.stdout, result.stderr) == (f"Wrote {tmp_path / 'new' / 'README.md'}\n", "")
    page = (tmp_path / "new" / "README.md").read_text("utf-8")
    assert page.startswith("# en_findings\n\nFinds fevers, in English notes.\n\n|")
    assert "TODO" not in page
    for row in ("| Version | 1.2.0 |", "| License | MIT |", "| Contact | ada@example.org |"):
        assert row in page
    assert sections_of(page)["Limits"] == "**Not for clinical use.**\n\n- It knows one word."
    use = sections_of(page)["Use"]
    assert use.startswith("The pipeline needs the package `spacy_str_encoder`.")
    assert "pip install en_findings-1.2.0-py3-none-any.whl" in use
    assert 'spacy.load("en_findings")' in use


def test_the_language_is_not_part_of_the_name(model: Path, tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text('name = "en_findings"', "utf-8")
    run_well(model, "--about", tmp_path / "about.toml", "--package", tmp_path / "package")
    assert (tmp_path / "package" / "README.md").read_text("utf-8").startswith("# en_findings\n")
    # spacy.load of the wheel puts it before the name.
    assert srsly.read_json(tmp_path / "package" / "meta.json")["name"] == "findings"


def test_abbreviations_are_spelled_out_once(model: Path) -> None:
    page = run_well(model).stdout
    assert page.count("NER is named entity recognition, RC the classification of relations") == 1


def test_fields_of_the_meta_data_count_too(model: Path) -> None:
    meta = srsly.read_json(model / "meta.json") | {"license": "CC-BY", "author": "Eve"}
    srsly.write_json(model / "meta.json", meta)
    result = run_well(model)
    assert "| License | CC-BY |" in result.stdout and "| Author | Eve |" in result.stdout
    assert "license" not in result.stderr


def test_labels_components_and_scores_of_training(model: Path) -> None:
    sections = sections_of(run_well(model).stdout)
    assert "| entities | `Finding` |" in sections["Labels"]
    assert "| relations | – |" in sections["Labels"]
    assert "| `entity_ruler` | – | – |" in sections["Components"]
    rows = sections["Scores"].splitlines()
    assert "| NER | 50.0 | 25.0 | 33.3 |" in rows
    # A bar would end the cell.
    assert "| NER | `lies_in\\|on` | 100.0 | 100.0 | 100.0 |" in rows
    # The component that they were scores of is not there.
    assert not any(row.startswith("| RC") for row in rows)


@Language.component("relate", assigns=["doc._.relations"])
def relate(doc: Doc) -> Doc:
    return doc


@pytest.mark.parametrize(
    ("performance", "unscored"), [(PERFORMANCE, ""), ({"ents_p": 1.0}, "entities, relations")]
)
def test_missing_scores_are_to_do(performance: Any, unscored: str, model: Path) -> None:
    nlp = spacy.load(model)
    nlp.add_pipe("relate")
    nlp.meta["performance"] = performance
    nlp.to_disk(model)
    result = run_well(model)
    section = sections_of(result.stdout)["Scores"]
    assert ("| RC, predicted entities | 100.0 | 100.0 | 100.0 |" in section) == (not unscored)
    assert (f"TODO: scores of {unscored}. Run `spacy-str-encoder evaluate" in section) == bool(
        unscored
    )
    line = f"TODO in the card: scores of {unscored}. Give reports: --scores\n"
    assert (line in result.stderr) == bool(unscored)


def test_the_encoder_and_the_sizes(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp(spans_key="sc", ner={"spans_key": "sc"})
    defaults = {"Assertion": "present"}
    nlp.add_pipe("str_attr", config={"spans_key": "sc", "defaults": defaults})
    doc = nlp.make_doc("前降支")
    first, second = Span(doc, 0, 1, "Finding"), Span(doc, 0, 3, "Finding")
    doc.spans["sc"] = [first, second]
    set_attributes(first, {"Assertion": "negated"})
    doc._.relations = [Relation(first, second, "With")]
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    nlp.meta["performance"] = {f"spans_sc_{name}": value for name, value in FIGURES.items()}
    relations: Any = nlp.get_pipe("str_rel")
    relations.temperature, relations.threshold = 1.5, 0.625
    nlp.to_disk(tmp_path / "model")
    page = run_well(tmp_path / "model").stdout
    encoder = nlp.get_pipe("str_encoder").model.layers[0].shims[0]._model  # type: ignore[attr-defined]
    size = sum(each.numel() for each in encoder.parameters())
    assert f"| `str_encoder` | {size:,} | – |" in page
    # str_rel and str_attr run layers of the encoder, which are not theirs.
    numbers = [
        int(row.split("|")[2].replace(",", ""))
        for row in sections_of(page)["Components"].splitlines()[2:]
    ]
    calibrated = [row for row in page.splitlines() if "temperature" in row]
    assert [row.split(" | ")[2] for row in calibrated] == ["temperature 1.5, threshold 0.625 |"]
    assert calibrated[0].startswith("| `str_rel` | ")
    assert len(numbers) == 4 and all(0 < number < size for number in numbers[1:])
    assert f"{sum(numbers):,} parameters" in page
    # Its path is absolute: the name of its folder is enough.
    assert "| Encoder | `str_encoder`: tiny, bert, 3 layers of width 32, " in page
    assert str(tmp_path.parent) not in page
    for row in ("attribute Assertion | `negated`, `present`", "relations | `With`"):
        assert f"| {row} |" in page
    assert '| entities (`doc.spans["sc"]`) | `Finding` |' in page
    assert "| NER, span group sc | 50.0 | 25.0 | 33.3 |" in page


@pytest.fixture
def scores(model: Path, tmp_path: Path) -> Path:
    """A report of `evaluate`: one of two fevers is found, and a cough is not."""
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in ("a fever", "a Fever", "a cough")]
    for doc, label in zip(docs, ("Finding", "Finding", "Cough"), strict=True):
        doc.set_ents([Span(doc, 1, 2, label)])
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    arguments = ["evaluate", model, tmp_path / "gold.spacy", "-o", tmp_path / "handwritten.json"]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return tmp_path / "handwritten.json"


def test_scores_of_evaluate(model: Path, scores: Path, tmp_path: Path) -> None:
    other = tmp_path / "again.json"
    other.write_bytes(scores.read_bytes())
    rows = sections_of(run_well(model, "--scores", scores, "--scores", other).stdout)["Scores"]
    assert "Each cell has micro F1 / macro F1" in rows.replace("\n", " ")
    # Micro: 2 * 1 / (1 + 3). Macro: 2 * 1 / (1 + 2) and 0.
    assert (
        "| texts | number | NER |\n| --- | --- | --- |\n| handwritten | 3 | 50.0 / 33.3 |" in rows
    )
    assert "| again | 3 | 50.0 / 33.3 |" in rows


def test_what_changes_predictions_is_said(model: Path, scores: Path) -> None:
    report = srsly.read_json(scores)
    report["min_scores"]["entity"] = 0.25
    report["model"]["precision"] = {"str_encoder": "bfloat16", "other": "float32"}
    srsly.write_json(scores, report)
    page = run_well(model, "--scores", scores).stdout
    assert "| handwritten (minimum entity score 0.25, bfloat16) | 3 | 50.0 / 33.3 |" in page


def test_scores_of_another_pipeline_are_refused(model: Path, scores: Path) -> None:
    assert srsly.read_json(scores)["pipeline"] == fingerprint(spacy.load(model))
    meta = srsly.read_json(model / "meta.json")
    srsly.write_json(model / "meta.json", meta | {"version": "9.0"})
    result = run(model, "--scores", scores)
    assert_fails(result, "handwritten: the scores must be those of this pipeline (en_pipeline 9.0 ")
    assert "got those of en_pipeline 0.0.0 " in result.stderr
    assert "; run evaluate with this pipeline" in result.stderr


def test_attributes_are_scored_too(tmp_path: Path) -> None:
    @Language.component("negate", assigns=["span._.attributes"])
    def negate(doc: Doc) -> Doc:
        for entity in doc.ents:
            set_attributes(entity, {"Assertion": "negated"})
        return doc

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Finding", "pattern": "fever"}])  # type: ignore[attr-defined]
    nlp.add_pipe("negate")
    nlp.to_disk(tmp_path / "model")
    doc = nlp("no fever")
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "gold.spacy")
    paths = [str(tmp_path / name) for name in ("model", "gold.spacy", "scores.json")]
    CliRunner().invoke(app, ["evaluate", *paths[:2], "-o", paths[2]], catch_exceptions=False)
    page = run_well(paths[0], "--scores", paths[2]).stdout
    titles = "| texts | number | NER | Attributes, predicted entities | Attributes, gold entities |"
    assert titles in page
    assert "| scores | 1 | 100.0 / 100.0 | 100.0 / 100.0 | 100.0 / 100.0 |" in page


def test_a_copy_for_spacy_package(model: Path, about: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    package = tmp_path / "packages" / "model"
    # A second time, it is replaced.
    for _ in range(2):
        printed = run_well(model, "--about", about, "--package", package).stdout
        assert printed == f"Wrote {package}\n"
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before
    meta = json.loads((package / "meta.json").read_text("utf-8"))
    given = ("name", "version", "license", "author", "email", "description")
    assert [meta[name] for name in given] == [
        "findings",
        "1.2.0",
        "MIT",
        "Ada",
        "ada@example.org",
        "Finds fevers, in English notes.",
    ]
    assert meta["performance"] == PERFORMANCE
    page = (package / "README.md").read_text("utf-8")
    # `spacy huggingface-hub push` writes the front matter.
    assert page.startswith("# en_findings\n")
    assert [entity.text for entity in spacy.load(package)("no fever").ents] == ["fever"]
    # What spaCy makes of it.
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-m", "spacy", "package", str(package), str(tmp_path / "out")]
    run_command([*command, "--build", "none"], tmp_path)
    [inside] = (tmp_path / "out").glob("en_findings-1.2.0/en_findings/*/README.md")
    assert inside.read_text("utf-8") == page


# Wrong input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "about.toml: the file is not TOML"),
        ('licence = "MIT"', "about.toml: unknown field 'licence'; the fields are name, version,"),
        ("version = 1.0", "about.toml: 'version' must be a string, got 1.0"),
        (
            'version = "x"',
            "about.toml: 'version' must be a version such as 1.0.0",
        ),
        ('name = "a b/../c"', "about.toml: 'name' must have only letters from a to z, digits and"),
        ('name = "心脏"', "about.toml: 'name' must have only letters"),
        ('name = "heart_"', "about.toml: 'name' must have only letters"),
    ],
)
def test_wrong_fields_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text(text, "utf-8")
    assert_fails(run("no_such_model", "--about", tmp_path / "about.toml"), message)


@pytest.mark.parametrize("text", ["[]", "{}", '{"model": {"entities": 3}}', "no JSON"])
def test_files_that_are_no_scores_are_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(text, "utf-8")
    result = run("no_such_model", "--scores", tmp_path / "scores.json")
    assert_fails(result, "scores.json: the file must be a report of evaluate --output")


def test_files_that_are_not_there_are_named(model: Path, tmp_path: Path) -> None:
    for option in ("--about", "--scores"):
        assert_fails(run(model, option, tmp_path / "none"), f"{tmp_path / 'none'}: no such file")
    assert_fails(run("no_such_model"), "no_such_model", "E050")


def test_a_file_that_is_no_card_is_not_replaced(model: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Notes\n", "utf-8")
    message = "notes.md: exists already and is no model card; choose another file, or use --over"
    assert_fails(run(model, "-o", notes), message)
    assert notes.read_text("utf-8") == "# Notes\n"
    run_well(model, "-o", notes, "--overwrite")
    assert "## Labels" in notes.read_text("utf-8")
    # It is one now.
    run_well(model, "-o", notes)


def test_two_files_of_the_same_name_are_refused(model: Path, scores: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / scores.name
    other.write_bytes(scores.read_bytes())
    result = run(model, "--scores", scores, "--scores", other)
    assert_fails(result, f"{other}: there must be one file of each name")


def test_nothing_else_is_written_over(model: Path, about: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine", "utf-8")
    result = run(model, "--package", tmp_path / "notes")
    assert_fails(result, "notes: exists already and is no pipeline; choose another folder")
    assert (tmp_path / "notes" / "a.txt").read_text("utf-8") == "mine"
    assert_fails(run(model, "--package", model), "choose another output")
    assert_fails(run(model, "--package", model / "package"), "choose another output")
    assert_fails(run(model, "--about", about, "-o", about), "choose another output")
    assert_fails(run(model, "-o", tmp_path / "notes"), "since it is a folder")
    assert about.read_text("utf-8") == ABOUT
