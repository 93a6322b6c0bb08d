"""The command `corrections`: files that it reads and writes, what it prints, and its errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.relation import has_relations

from .json_files import counts, write_items

ROOT = Path(__file__).parent
FEVER = {"start": 3, "end": 8, "label": "Finding"}
PAIN = {"start": 15, "end": 19, "label": "Finding"}
MILD = {"start": 10, "end": 14, "label": "Degree"}
TEXTS = ["No fever, mild pain.", "No fever, much pain."]


def item(text: str = TEXTS[0], *entities: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"text": text, "entities": [*entities], "relations": [], **fields}


def task(text: str, *entities: dict[str, Any], predicted: bool = False) -> dict[str, Any]:
    """A task of Label Studio."""
    regions = [
        {
            "id": f"r{number}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {
                "start": each["start"],
                "end": each["end"],
                "text": text[each["start"] : each["end"]],
                "labels": [each["label"]],
            },
            "score": 0.5,
        }
        for number, each in enumerate(entities)
    ]
    return {
        "data": {"text": text},
        "predictions" if predicted else "annotations": [{"result": regions}],
    }


def run(*arguments: object) -> Result:
    given = ["corrections", *map(str, arguments)]
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, given)


def run_well(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def read(path: Path) -> list[Doc]:
    return [*DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)]


def found(doc: Doc) -> tuple[str, list[tuple[str, str]]]:
    return doc.text, [(entity.text, entity.label_) for entity in doc.ents]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Predicted and corrected texts, of which the second has not changed."""
    predicted = write_items(
        tmp_path / "predicted.jsonl", item(TEXTS[0], FEVER, MILD), item(TEXTS[1], PAIN)
    )
    corrected = write_items(
        tmp_path / "corrected.jsonl", item(TEXTS[0], FEVER, PAIN), item(TEXTS[1], PAIN)
    )
    return predicted, corrected


def test_corrected_texts_alone_are_written(files: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "corpus" / "all.spacy"
    printed = run_well(*files, "-o", output, "--lang", "en")
    assert [*map(found, read(output))] == [
        (TEXTS[0], [("fever", "Finding"), ("pain", "Finding")]),
        (TEXTS[1], [("pain", "Finding")]),
    ]
    assert all(doc._.relations == [] for doc in read(output))
    lines = [line.strip() for line in printed.splitlines()]
    assert "2 texts paired by text; not paired: 0 predicted, 0 corrected" in lines
    assert "texts without a change: 1 of 2 (50.0 %)" in lines
    assert "2 texts to train on: 0 replaced, 2 added; 0 left out, since they are held out" in lines
    assert f"Wrote {output}" in printed.replace("\n", "")
    table = [line.split() for line in lines[lines.index("Most frequent corrections") :]]
    assert ["added", "entity", "Finding"] in [row[:3] for row in table]
    assert max(map(len, printed.splitlines()[:-1])) <= 80


def test_a_folder_gets_a_file_to_train_on(files: tuple[Path, Path], tmp_path: Path) -> None:
    run_well(*files, "-o", tmp_path / "next", "--lang", "en")
    assert [path.name for path in (tmp_path / "next").iterdir()] == ["train.spacy"]


def test_the_report_has_everything(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    run_well(*files, "-o", tmp_path / "a.spacy", "--lang", "en", "--report", path)
    report = json.loads(path.read_text("utf-8"))
    assert report["scores"]["model"]["entities"]["strict"]["per_type"] == {
        "Degree": {"p": 0, "r": 0, "f": 0, "correct": 0, "predicted": 1, "gold": 0},
        "Finding": {
            "p": 1.0,
            "r": pytest.approx(2 / 3),
            "f": pytest.approx(0.8),
            "correct": 2,
            "predicted": 2,
            "gold": 3,
        },
    }
    assert report["changes"] == {
        "added entity Finding": [{"place": f"{files[1]}, line 1", "example": "'pain'"}],
        "removed entity Degree": [{"place": f"{files[1]}, line 1", "example": "'mild'"}],
    }
    numbers = {name: value for name, value in report.items() if type(value) in (int, str)}
    assert numbers == {
        "paired_by": "text",
        "pairs": 2,
        "unpaired_predicted": 0,
        "unpaired_corrected": 0,
        "unchanged": 1,
        "texts": 2,
        "replaced": 0,
        "added": 2,
        "held_out": 0,
    }
    assert report["conversion"]["texts"] == 2


def test_old_training_data_are_merged(files: tuple[Path, Path], tmp_path: Path) -> None:
    old = write_items(tmp_path / "old.jsonl", item("Cough.", {"start": 0, "end": 5, "label": "X"}),
                      item(TEXTS[1], MILD))  # fmt: skip
    dev = write_items(tmp_path / "dev.jsonl", item(TEXTS[0], FEVER))
    output = tmp_path / "next.spacy"
    options = ["--gold", old, "--held-out", dev, "--lang", "en"]
    printed = run_well(*files, *options, "-o", output)
    assert "2 texts to train on: 1 replaced, 0 added; 1 left out" in printed.replace("\n", " ")
    expected = [("Cough.", [("Cough", "X")]), (TEXTS[1], [("pain", "Finding")])]
    assert [*map(found, read(output))] == expected
    # Merged into the result, the corrections change nothing.
    run_well(
        *files, "--gold", output, "--held-out", dev, "--lang", "en", "-o", tmp_path / "b.spacy"
    )
    assert [*map(found, read(tmp_path / "b.spacy"))] == expected
    # Several files can be held out.
    options += [
        "--held-out",
        write_items(tmp_path / "test.jsonl", item("Cough.", MILD | {"start": 0, "end": 5})),
    ]
    run_well(*files, *options, "-o", output)
    assert [*map(found, read(output))] == expected[1:]


def test_label_studio_is_read_on_both_sides(tmp_path: Path) -> None:
    predicted = write_items(
        tmp_path / "tasks.json", *(task(text, FEVER, predicted=True) for text in TEXTS)
    )
    skipped = {**task(TEXTS[1]), "annotations": [{"was_cancelled": True, "result": []}]}
    corrected = write_items(tmp_path / "export.json", task(TEXTS[0], FEVER, MILD), skipped)
    output, report = tmp_path / "out.spacy", tmp_path / "report.json"
    printed = run_well(predicted, corrected, "-o", output, "--lang", "en", "--report", report)
    assert "1 text paired by text; not paired: 1 predicted, 0 corrected" in printed
    assert "left out (1): " in printed
    [doc] = read(output)
    assert found(doc) == (TEXTS[0], [("fever", "Finding"), ("mild", "Degree")])
    assert doc.ents[0]._.score is None
    changes = json.loads(report.read_text("utf-8"))["changes"]
    assert counts(changes) == {"added entity Degree": 1}


def test_the_folder_of_annotate_is_paired_with_one_of_brat(tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    convert = ["convert", str(ROOT / "saved" / "archive"), "-o", str(folder), "--to", "brat"]
    assert CliRunner().invoke(app, convert).exit_code == 0
    [folder] = folder.iterdir()
    annotations = folder / "report-1.ann"
    kept = [line for line in annotations.read_text("utf-8").splitlines() if "Negative" not in line]
    annotations.write_text("\n".join(kept), "utf-8")
    printed = run_well(
        ROOT / "saved" / "archive", folder, "-o", tmp_path / "out.spacy", "--lang", "zh"
    )
    assert "2 texts paired by id" in printed
    assert "removed relation Negative" in printed
    assert "chosen (1): sources that annotate has not finished" in printed
    assert len(read(tmp_path / "out.spacy")) == 2


def test_scores_of_docs_do_not_enter_the_corpus(files: tuple[Path, Path], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = nlp(TEXTS[0])
    doc.set_ents([doc.char_span(3, 8, label="Finding")])
    doc.ents[0]._.score = 0.5
    doc._.relations = []
    doc.cats = {"kept": 1.0}
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "corrected.spacy")
    run_well(files[0], tmp_path / "corrected.spacy", "-o", tmp_path / "out.spacy")
    [written] = read(tmp_path / "out.spacy")
    assert written.ents[0]._.score is None
    assert written.cats == {"kept": 1.0}


@pytest.mark.parametrize(
    ("entities", "options", "group"),
    [
        ((FEVER, PAIN), [], None),
        ((FEVER, PAIN), ["--spans-key", "all"], "all"),
        ((FEVER, {**FEVER, "start": 0}), [], "sc"),
    ],
)
def test_overlapping_entities_are_in_a_span_group(
    entities: Any, options: list[str], group: str | None, files: tuple[Path, Path], tmp_path: Path
) -> None:
    corrected = write_items(tmp_path / "new.jsonl", item(TEXTS[0], *entities))
    output = tmp_path / "out.spacy"
    printed = run_well(files[0], corrected, "-o", output, "--lang", "en", *options)
    overlap = f'entities overlap: doc.spans["{group}"] has all of them'
    assert (overlap in printed) == (group == "sc")
    [doc] = read(output)
    assert [*doc.spans] == ([group] if group else [])
    if group:
        assert len(doc.spans[group]) == 2
    # A group that old data have is kept, though nothing overlaps any more.
    again = tmp_path / "again.spacy"
    run_well(*files, "-o", again, "--lang", "en", "--gold", output, *options)
    assert {key for doc in read(again) for key in doc.spans} == ({group} if group else set())


def test_invalid_texts_are_left_out_on_demand(files: tuple[Path, Path], tmp_path: Path) -> None:
    bad = write_items(tmp_path / "bad.jsonl", item(TEXTS[0], {**FEVER, "end": 99}), item(TEXTS[1]))
    with bad.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(item(TEXTS[1], PAIN)))
    arguments = [files[0], bad, "-o", tmp_path / "out.spacy", "--lang", "en"]
    result = run(*arguments)
    assert result.exit_code == 1
    assert "must lie within the text" in result.stderr
    assert not (tmp_path / "out.spacy").exists()
    result = run(*arguments, "--skip-bad")
    assert result.exit_code == 3
    assert "left out (1): invalid texts" in result.stdout
    assert len(read(tmp_path / "out.spacy")) == 2


Make = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("corrected", "options", "message"),
    [
        ([item("Other.", FEVER | {"end": 5})], [], "must have texts in common, got none"),
        ([item(TEXTS[0], FEVER)], ["--held-out", "predicted.jsonl"], "all texts are held out"),
        ([item(TEXTS[0], FEVER)], ["--spans-key", "1"], "--spans-key must be a name"),
        ([item(TEXTS[0], FEVER)], ["--gold", "out.spacy"], "no such file or folder"),
        ([item(TEXTS[0], FEVER | {"start": 4})], [], "100 % of the entities do not align"),
    ],
    ids=["others", "held out", "group", "missing", "misaligned"],
)
def test_errors_take_one_line_and_nothing_is_written(
    corrected: list[Any],
    options: list[str],
    message: str,
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_items(tmp_path / "new.jsonl", *corrected)
    output = "other.spacy" if "out.spacy" in options else "out.spacy"
    result = run(files[0], path, "-o", output, "--lang", "en", *options)
    assert result.exit_code == 1
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not [*tmp_path.glob("*.spacy")]


def test_where_people_left_nothing_there_is_nothing(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    # A file of this format can't tell none from unannotated.
    path = write_items(tmp_path / "empty.json", *map(task, TEXTS))
    printed = run_well(files[0], path, "-o", tmp_path / "out.spacy", "--lang", "en")
    assert "removed entity Finding" in printed
    docs = read(tmp_path / "out.spacy")
    assert all(doc.has_annotation("ENT_IOB") and not doc.ents for doc in docs)
    assert not any(has_relations(doc) for doc in docs)
    options = ["--lang", "en", "--relations", "none"]
    run_well(files[0], path, "-o", tmp_path / "out.spacy", *options)
    assert all(has_relations(doc) for doc in read(tmp_path / "out.spacy"))


def test_what_a_model_did_not_find_it_has_missed(tmp_path: Path) -> None:
    before = write_items(tmp_path / "a.json", *(task(text, predicted=True) for text in TEXTS))
    after = write_items(tmp_path / "b.json", task(TEXTS[0], FEVER), task(TEXTS[1], FEVER))
    report = tmp_path / "report.json"
    run_well(before, after, "-o", tmp_path / "c.spacy", "--lang", "en", "--report", report)
    found = json.loads(report.read_text("utf-8"))
    assert counts(found["changes"]) == {"added entity Finding": 2}
    micro = found["scores"]["model"]["entities"]["strict"]["micro"]
    assert (micro["correct"], micro["predicted"], micro["gold"]) == (0, 0, 2)


def test_unannotated_texts_are_left_out(files: tuple[Path, Path], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = [*map(nlp, TEXTS)]
    DocBin(docs=docs).to_disk(tmp_path / "new.spacy")
    arguments = [files[0], tmp_path / "new.spacy", "-o", tmp_path / "out.spacy"]
    result = run(*arguments)
    assert result.exit_code == 1
    assert "there must be annotated texts, got none; if the texts have no entities" in result.stderr
    docs[0].set_ents([docs[0].char_span(3, 8, label="Finding")])
    DocBin(docs=docs).to_disk(tmp_path / "new.spacy")
    assert "left out (1): corrected texts without any annotation" in run_well(*arguments)
    assert [doc.text for doc in read(tmp_path / "out.spacy")] == [TEXTS[0]]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("predicted.jsonl", "the output must end in .spacy"),
        ("out.txt", "no format ends in .txt"),
        ("out.jsonl", "the output must end in .spacy"),
    ],
)
def test_the_output_is_a_file_for_training(
    output: str, message: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    result = run(*files, "-o", tmp_path / output, "--lang", "en")
    assert result.exit_code == 1
    assert message in result.stderr


def test_what_is_read_is_not_written_over(files: tuple[Path, Path], tmp_path: Path) -> None:
    run_well(*files, "-o", tmp_path / "old", "--lang", "en")
    before = (tmp_path / "old" / "train.spacy").read_bytes()
    gold = tmp_path / "old" / "train.spacy"
    result = run(*files, "--gold", gold, "-o", tmp_path / "old", "--lang", "en")
    assert result.exit_code == 1
    assert "choose another output" in result.stderr
    assert gold.read_bytes() == before


def test_misaligned_entities_can_be_left_out(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = write_items(tmp_path / "new.jsonl", item(TEXTS[0], FEVER | {"start": 4}))
    printed = run_well(files[0], path, "-o", tmp_path / "a.spacy", "--lang", "en", "--allow-loss")
    assert "left out (1): entities that do not align with tokens" in printed


def test_ten_kinds_are_printed(tmp_path: Path) -> None:
    text = "abcdefghijkl"
    places = [{"start": i, "end": i + 1, "label": text[i].upper()} for i in range(12)]
    before = write_items(tmp_path / "a.jsonl", item(text, places[0]))
    after = write_items(tmp_path / "b.jsonl", item(text, *places))
    printed = run_well(before, after, "-o", tmp_path / "c.spacy", "--lang", "en", "--allow-loss")
    assert "Most frequent corrections (10 of 11)" in " ".join(printed.split())
    assert printed.count("added entity") == 10


def test_all_texts_of_held_out_tasks_are_held_out(files: tuple[Path, Path], tmp_path: Path) -> None:
    unsubmitted = task(TEXTS[0], FEVER, predicted=True)
    cancelled = {"data": {"text": "Cough."}, "annotations": [{"was_cancelled": True, "result": []}]}
    dev = write_items(tmp_path / "dev.json", unsubmitted, cancelled)
    corrected = write_items(
        tmp_path / "new.jsonl", *(item(text, FEVER | {"start": 0, "end": 2}) for text in
                                  [*TEXTS, "Cough."]),
    )  # fmt: skip
    options = ["--held-out", dev, "--lang", "en", "-o", tmp_path / "out.spacy"]
    printed = run_well(files[0], corrected, *options)
    assert "2 left out" in printed.replace("\n", " ")
    assert [doc.text for doc in read(tmp_path / "out.spacy")] == [TEXTS[1]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dev.csv", "text\nNo fever.\n", "--held-out must name texts in a format that `convert`"),
        ("dev.txt", "No fever.\n", "--held-out must name texts in a format that `convert`"),
        (
            "dev.jsonl",
            json.dumps(item(TEXTS[0], FEVER | {"end": 99})),
            "got 1 text that can't be read, and so can't be held out",
        ),
    ],
)
def test_a_held_out_text_that_is_not_read_is_an_error(
    name: str, content: str, message: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    dev, output = tmp_path / name, tmp_path / "out.spacy"
    dev.write_text(content, "utf-8")
    result = run(*files, "--held-out", dev, "--skip-bad", "--lang", "en", "-o", output)
    assert result.exit_code == 1
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not output.exists()


def test_what_is_left_out_of_held_out_data_is_counted(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    ignored = {"text": "Cough.", "spans": [], "answer": "ignore"}
    accepted = {"text": TEXTS[0], "spans": [FEVER], "answer": "accept"}
    dev = write_items(tmp_path / "dev.jsonl", accepted, ignored)
    options = ["--held-out", dev, "--lang", "en", "-o", tmp_path / "out.spacy"]
    assert "in held-out data" in run_well(*files, *options)


@pytest.mark.parametrize(("others", "is_warned"), [(1, False), (2, True)])
def test_few_pairs_are_said_first(
    others: int, is_warned: bool, files: tuple[Path, Path], tmp_path: Path
) -> None:
    new = (item(f"Other {number}.", PAIN | {"start": 0, "end": 5}) for number in range(others))
    corrected = write_items(tmp_path / "new.jsonl", item(TEXTS[0], FEVER), *new)
    printed = run_well(files[0], corrected, "-o", tmp_path / "out.spacy", "--lang", "en")
    warning = "Only 1 of 3 corrected texts was predicted too"
    assert printed.startswith(warning) == is_warned


def test_tasks_that_nobody_has_submitted_are_to_be_submitted(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    tasks = (task(text, FEVER, predicted=True) for text in TEXTS)
    path = write_items(tmp_path / "export.json", *tasks)
    result = run(files[0], path, "-o", tmp_path / "out.spacy", "--lang", "en")
    assert result.exit_code == 1
    expected = (
        "there must be annotated texts, got none; left out: 2 unannotated tasks that have "
        "predictions; submit them in Label Studio"
    )
    assert result.stderr == f"Error: {path}: {expected}\n"
