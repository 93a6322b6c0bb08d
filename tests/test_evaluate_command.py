"""The command `evaluate`: what it writes and prints, and what it says to wrong input."""

import io
import json
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner, Result

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.evaluation import (
    Outcomes,
    collect_outcomes,
    evaluate,
    find_outcomes,
    lay_out,
    make_report,
)
from spacy_str_encoder.evaluation.outcomes import EntityOutcome, RelationOutcome
from spacy_str_encoder.loading import fingerprint

from .pipelines import ANNOTATIONS, make_example, make_examples, train

# It trains.
pytestmark = pytest.mark.slow


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    """A pipeline that has learned a little."""
    train(nlp, make_examples(nlp), steps=20)
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def other_model(nlp: Language, model: Path, tmp_path: Path) -> Path:
    """The same one, trained for longer."""
    train(nlp, make_examples(nlp), steps=20)
    nlp.to_disk(tmp_path / "other")
    return tmp_path / "other"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_docs(tmp_path / "gold.spacy", make_gold_docs(spacy.blank("zh")))


def test_no_output_is_written_over_the_data_or_another_one(model: Path, data: Path) -> None:
    before = data.read_bytes()
    for options, message in (
        (["-o", data], "choose another output"),
        (["--plot", data], "a plot must end in .pdf, .png, .svg"),
        (["-o", "same.png", "--plot", "same.png"], "choose another output"),
    ):
        result = run(model, data, *options)
        assert result.exit_code == 1
        assert message in result.stderr
    assert data.read_bytes() == before


def test_entities_that_are_right_by_whole_tokens_alone_are_mentioned() -> None:
    vocab = spacy.blank("en").vocab
    gold = Doc(vocab, words=["in", "Galveston."], ents=["O", "B-Loc"])
    found = Doc(vocab, words=["in", "Galveston", "."], spaces=[True, False, False])
    found.set_ents([Span(found, 1, 2, "Loc")])
    gold._.relations = found._.relations = []
    outcomes = collect_outcomes([Example(found, gold)], [])
    report = make_report(outcomes)
    entities = report["model"]["entities"]
    assert entities is not None
    assert entities["strict"]["micro"]["correct"] == 1
    assert any("1 counted as correct" in note for note in report["model"]["notes"])


def make_gold_docs(nlp: Language) -> list[Doc]:
    # Half of the relations are not those that were learned.
    text, entities, relations = ANNOTATIONS[0]
    other = (text, entities, [(head, tail, "Position") for head, tail, _ in relations])
    return [make_example(nlp, annotation).reference for annotation in (*ANNOTATIONS, other)]


def write_docs(path: Path, docs: list[Doc]) -> Path:
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["evaluate", *map(str, arguments)])


def run_well(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def test_the_json_is_the_report_of_the_library(model: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "scores.json"
    run_well(model, data, "-o", output, "--samples", 50, "--seed", 7)
    nlp = spacy.load(model)
    report = evaluate(nlp, make_gold_docs(nlp), samples=50, seed=7)
    assert_same(read(output), {**report, "pipeline": fingerprint(nlp)})


def test_the_json_of_a_comparison_is_the_report_of_the_library(
    model: Path, other_model: Path, data: Path, tmp_path: Path
) -> None:
    run_well(model, data, "--compare", other_model, "-o", tmp_path / "scores.json")
    pipelines = [*map(spacy.load, (model, other_model))]
    outcomes = [find_outcomes(nlp, make_gold_docs(nlp)) for nlp in pipelines]
    report = make_report(*outcomes)
    assert_same(read(tmp_path / "scores.json"), {**report, "pipeline": fingerprint(pipelines[0])})


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def assert_same(actual: Any, expected: Any) -> None:
    """Files have 10 digits of a number."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key, value in expected.items():
            assert_same(actual[key], value)
    elif isinstance(expected, list):
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    else:
        assert actual == (pytest.approx(expected) if isinstance(expected, float) else expected)


def test_a_model_compared_with_itself_does_not_differ(
    model: Path, data: Path, tmp_path: Path
) -> None:
    run_well(model, data, "--compare", model, "-o", tmp_path / "scores.json", "--samples", 20)
    comparison = read(tmp_path / "scores.json")["comparison"]
    assert set(comparison) == {"entities", "relations", "relations_gold_entities"}
    for views in comparison.values():
        for difference in views.values():
            assert (difference["difference"], difference["p_value"]) == (0, 1)


def test_pipelines_are_compared_in_what_both_do(model: Path, data: Path, tmp_path: Path) -> None:
    ruler, output = write_ruler(tmp_path / "ruler"), tmp_path / "scores.json"
    for first, second in ((model, ruler), (ruler, model)):
        printed = run_well(first, data, "--compare", second, "-o", output).stdout
        assert list(read(output)["comparison"]) == ["entities"]
        assert "RC, predicted entities: not scored" in printed


def test_a_label_that_is_symmetric_in_one_pipeline_is_so_in_both(
    model: Path, data: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(model)
    symmetric = ["Position", "Modifier", "Negative", "Percentage"]
    nlp.get_pipe("str_rel").cfg["symmetric"] = symmetric
    nlp.get_pipe_config("str_rel")["symmetric"] = symmetric
    nlp.to_disk(tmp_path / "symmetric")
    run_well(model, data, "--compare", tmp_path / "symmetric", "-o", tmp_path / "scores.json")
    report = read(tmp_path / "scores.json")
    classes = report["model"]["relations_gold_entities"]["confusion"]["classes"]
    assert classes == report["other"]["relations_gold_entities"]["confusion"]["classes"]
    assert "Position" in classes and not any(" >" in str(name) for name in classes)


def test_tables_fit_80_columns_and_details_are_asked_for(model: Path, data: Path) -> None:
    short = run_well(model, data).stdout
    long = run_well(model, data, "--details").stdout
    assert short in long
    assert max(map(len, long.splitlines())) <= 80
    for words in ("RC, gold entities", "boundaries only", "Position", "5 docs"):
        assert words in short
    for words in ("confusions", "by distance", "by entity types", "calibration"):
        assert words not in short
        assert words in long


def test_perfect_scores_fit_80_columns_too() -> None:
    head, tail = (0, 1, "X"), (2, 3, "X")
    entities = [EntityOutcome({head, tail}, [head, tail], [1.0, 1.0], True)]
    related = RelationOutcome(
        {(head, tail, "A"): 1}, [(head, tail, "A")], [1.0], True, set(), set()
    )
    outcomes = Outcomes(frozenset(), 1, entities, [related], [related])
    console = Console(width=80, record=True, file=io.StringIO())
    for block in lay_out(make_report(outcomes, outcomes)):
        console.print(block)
    rows = [line for line in console.export_text().splitlines() if "RC, predicted en" in line]
    # Those of both models and the comparison, the docs that differ, and the title of the labels.
    assert [row.count("100.0") for row in rows] == [6, 6, 2, 0, 0]


def test_the_main_table_has_the_scores(model: Path, data: Path, tmp_path: Path) -> None:
    output = run_well(model, data, "-o", tmp_path / "scores.json").stdout
    scores = read(tmp_path / "scores.json")["model"]["relations_gold_entities"]
    micro, interval = scores["strict"]["micro"], scores["strict"]["interval"]["f"]
    row = next(line for line in output.splitlines() if line.strip().startswith("RC, gold"))
    numbers = [float(number) for number in re.findall(r"[\d.]+", row)]
    shares = [micro["p"], micro["r"], micro["f"], *interval, scores["strict"]["macro_f"],
              scores["calibration"]["ece"]]  # fmt: skip
    assert numbers == pytest.approx([100 * share for share in shares], abs=0.051)


def test_labels_are_no_markup(model: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    doc = nlp.make_doc("左主干")
    doc.set_ents([Span(doc, 0, 1, "[red]X"), Span(doc, 2, 3, "[/]")])
    doc._.relations = [Relation(*doc.ents, "[bold]Y")]
    output = run_well(model, write_docs(tmp_path / "odd.spacy", [doc]), "--details").stdout
    for label in ("[red]X", "[/]", "[bold]Y", "[bold]Y >"):
        assert label in output


def test_a_folder_of_files_is_read_as_one(model: Path, data: Path, tmp_path: Path) -> None:
    docs, folder = make_gold_docs(spacy.blank("zh")), tmp_path / "parts"
    folder.mkdir()
    write_docs(folder / "a.spacy", docs[:2])
    write_docs(folder / "b.spacy", docs[2:])
    outputs = [tmp_path / "file.json", tmp_path / "folder.json"]
    for path, output in zip((data, folder), outputs, strict=True):
        run_well(model, path, "-o", output)
    assert read(outputs[0]) == read(outputs[1])


def test_other_formats_are_read_and_what_docs_lose_is_said(model: Path, tmp_path: Path) -> None:
    entities = [
        {"start": 0, "end": 3, "label": "BodyPart"},
        {"start": 3, "end": 4, "label": "Negation"},
        {"start": 2, "end": 4, "label": "Overlapping"},
        {"start": 0, "end": 3, "label": "BodyPart"},
    ]
    relations = [{"head": 1, "tail": 0, "label": "Negative"}]
    record = {"text": "左主干无狭窄。", "entities": entities, "relations": relations}
    data = tmp_path / "gold.jsonl"
    data.write_text(json.dumps(record, ensure_ascii=False), "utf-8")
    output = run_well(model, data, "-o", tmp_path / "scores.json").stdout
    assert "left out (1): duplicate entities" in output
    report = read(tmp_path / "scores.json")
    assert report["lost"] == {"duplicate entities": 1}
    assert report["model"]["entities"]["strict"]["micro"]["gold"] == 3
    assert report["model"]["entities"]["flat"]["micro"]["gold"] == 2
    assert report["model"]["relations"]["strict"]["micro"]["gold"] == 1


def test_the_plot_is_a_png(model: Path, other_model: Path, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "calibration.png"
    run_well(model, data, "--compare", other_model, "--plot", path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width > 600 and height > 300


@pytest.mark.parametrize(
    ("suffix", "beginning"), [(".pdf", b"%PDF"), (".SVG", b"<?xml"), (".png", b"\x89PNG")]
)
def test_a_plot_is_what_its_suffix_says(
    suffix: str, beginning: bytes, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"plot{suffix}"
    run_well(write_ruler(tmp_path / "ruler"), data, "--plot", path)
    assert path.read_bytes().startswith(beginning)


@pytest.mark.parametrize(("name", "found"), [("p.xyz", ".xyz"), ("p", "no suffix")])
def test_a_plot_of_an_unknown_suffix_is_refused_at_once(
    name: str, found: str, data: Path, tmp_path: Path
) -> None:
    result = run("no_such_model", data, "--plot", tmp_path / name)
    assert_fails(result, f"{name}: a plot must end in .pdf, .png, .svg, got {found}")


def test_a_plot_without_scores_is_drawn(data: Path, tmp_path: Path) -> None:
    run_well(write_ruler(tmp_path / "ruler"), data, "--plot", tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size > 1000


def test_what_is_not_scored_is_printed(data: Path, tmp_path: Path) -> None:
    output = run_well(write_ruler(tmp_path / "ruler"), data).stdout
    assert "RC, predicted entities: not scored, because no component sets" in output
    assert "boundaries only" in output


def write_ruler(path: Path) -> Path:
    nlp = spacy.blank("zh")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "BodyPart", "pattern": "左"}])
    nlp.to_disk(path)
    return path


# Wrong input


def assert_fails(result: Result, *words: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    message = result.stderr.rstrip("\n")
    assert message.startswith("Error: ") and len(message.splitlines()) == 1
    for word in words:
        assert word in message


def test_a_missing_pipeline_is_named(model: Path, data: Path) -> None:
    assert_fails(run("no_such_model", data), "no_such_model", "E050")
    assert_fails(run(model, data, "--compare", "other_model"), "other_model", "E050")


def test_a_folder_that_is_no_pipeline_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_fails(run(tmp_path / "empty", data), str(tmp_path / "empty"), "meta.json")


def test_a_pipeline_with_an_unknown_component_is_named(data: Path, tmp_path: Path) -> None:
    config = write_ruler(tmp_path / "ruler") / "config.cfg"
    text = config.read_text("utf-8").replace('factory = "entity_ruler"', 'factory = "no_ruler"')
    config.write_text(text, "utf-8")
    assert_fails(run(tmp_path / "ruler", data), str(tmp_path / "ruler"), "no_ruler")


def test_a_pipeline_that_finds_nothing_is_named(data: Path, tmp_path: Path) -> None:
    spacy.blank("zh").to_disk(tmp_path / "blank")
    result = run(tmp_path / "blank", data)
    assert_fails(
        result,
        str(tmp_path / "blank"),
        "nothing can be scored",
        "no component sets doc._.relations",
    )


def write_nothing(path: Path) -> None:
    """There is no file at all."""


def write_text(path: Path) -> None:
    path.write_text('{"text": "左主干"}', "utf-8")


def write_no_docs(path: Path) -> None:
    write_docs(path, [])


def write_bare_docs(path: Path) -> None:
    write_docs(path, [spacy.blank("zh").make_doc("左主干")])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_nothing, "no such file or folder"),
        (write_text, "the file is not a DocBin"),
        (write_no_docs, "there must be docs with a text, got none"),
        (write_bare_docs, "got 1 unannotated doc; if the texts have none"),
    ],
)
def test_data_that_cannot_be_scored_is_named(
    write: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    write(tmp_path / "data.spacy")
    result = run(write_ruler(tmp_path / "ruler"), tmp_path / "data.spacy")
    assert_fails(result, str(tmp_path / "data.spacy"), message)


def test_a_folder_without_annotated_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(write_ruler(tmp_path / "ruler"), tmp_path / "empty")
    assert_fails(result, f"{tmp_path / 'empty'}: no file in this folder ends in")


@pytest.mark.parametrize("option", ["--output", "--plot"])
def test_a_folder_in_the_place_of_an_output_is_named(
    option: str, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder.png"
    folder.mkdir()
    # Before the pipeline is looked for.
    assert_fails(run("no_such_model", data, option, folder), f"{folder}: can't write")


def test_a_plot_without_matplotlib_says_how_to_get_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "spacy_str_encoder.evaluation.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("no_such_model", data, "--plot", tmp_path / "calibration.png")
    assert_fails(result, "pip install 'spacy_str_encoder[plot]'")


def test_help_has_an_example() -> None:
    output = run_well("--help").stdout
    assert "Example: spacy-str-encoder evaluate" in " ".join(output.split())
