"""The command `convert` reads folders that `annotate` wrote."""

import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder.archive.writers import COLUMNS, _flatten
from spacy_str_encoder.cli import app
from spacy_str_encoder.files.parquet import write_rows

from .test_convert import read_lines, run, run_error, write_lines

PIPELINE = Path(__file__).parent / "saved" / "pipeline"
TEXTS = ["左主干无狭窄。", "患者一般情况可。", "前降支近段轻度狭窄，回旋支未见明显狭窄。", "无。"]
FORMS = ["jsonl", "parquet", "spacy"]
Found = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]

ENTITY = {"start": 0, "end": 4, "label": "P", "score": 0.75}
GIVEN = {"score_given_entities": 0.5}
RECORD = {"text": "Anna", "label": "P", "start": 0, "end": 4, "score": 0.9, "values": {}}
SETTINGS = {"version": "0.1.0", "schema": 2, "settings": {"format": "jsonl"}}
SOURCE = {"name": "notes.txt", "path": "/notes.txt", "fingerprint": "1"}
REJECTED = {"source": "notes.txt", "number": 2, "reason": "not UTF-8"}
KINDS = "kinds of probabilities that this format can't hold"


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A small pipeline that finds entities and relations."""
    return spacy.load(PIPELINE)


def annotate(form: str, *paths: Path, output: Path) -> Result:
    options = ["--format", form, "--part-size", "3", "--output", output]
    return CliRunner().invoke(app, [*map(str, ["annotate", PIPELINE, *paths, *options])])


def write_texts(path: Path, *texts: str) -> Path:
    return write_lines(path, *({"text": text, "id": f"a{i}"} for i, text in enumerate(texts)))


def describe(doc: Doc) -> Found:
    """Entities and relations, with rounded scores."""
    entities = [
        (ent.start_char, ent.end_char, ent.label_, round(ent._.score, 3)) for ent in doc.ents
    ]
    relations = [(r.head.text, r.tail.text, r.label, round(r.score, 3)) for r in doc._.relations]
    return entities, relations


def read_back(path: Path, folder: Path, nlp: Language, *options: str) -> dict[str, Found]:
    """What a converted file or folder says of each text, as docs."""
    result = run(path, "-o", folder / "back.spacy", "--lang", "zh", *options)
    assert result.exit_code == 0, result.output
    docs = DocBin().from_disk(folder / "back.spacy").get_docs(nlp.vocab)
    return {doc.text: describe_gold(doc) for doc in docs}


def describe_gold(doc: Doc) -> Found:
    entities = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return entities, [(r.head.text, r.tail.text, r.label) for r in doc._.relations]


@pytest.fixture(params=FORMS)
def annotated(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of four texts in two parts, in each form."""
    texts, output = write_texts(tmp_path / "texts.jsonl", *TEXTS), tmp_path / "annotated"
    assert annotate(request.param, texts, output=output).exit_code == 0
    return output


def test_docs_are_those_of_the_pipeline_with_their_scores(
    annotated: Path, nlp: Language, tmp_path: Path
) -> None:
    result = run(annotated, "-o", tmp_path / "out", "--lang", "zh", "--strict")
    assert result.exit_code == 0, result.output
    paths = sorted((tmp_path / "out").iterdir())
    docs = [doc for path in paths for doc in DocBin().from_disk(path).get_docs(nlp.vocab)]
    assert [doc.text for doc in docs] == TEXTS
    assert [doc.user_data["meta"]["id"] for doc in docs] == ["a0", "a1", "a2", "a3"]
    expected = [*nlp.pipe(TEXTS)]
    assert [*map(describe, docs)] == [*map(describe, expected)]
    assert any(doc._.relations for doc in docs)
    for found, relations in zip(docs, (doc._.relations for doc in expected), strict=True):
        given = [relation.score_given_entities for relation in relations]
        assert [r.score_given_entities for r in found._.relations] == pytest.approx(given, abs=1e-3)


@pytest.mark.parametrize("target", ["jsonl", "label-studio", "brat", "spert"])
def test_predictions_go_to_other_formats(
    annotated: Path, target: str, nlp: Language, tmp_path: Path
) -> None:
    part = min(annotated.glob("part-*"))
    result = run(annotated, "-o", tmp_path / "out", "--lang", "zh", "--to", target)
    assert result.exit_code == 0, result.output
    lost = 2 if target == "spert" else 0
    assert (f"left out ({lost}): {KINDS}" in result.stdout) is bool(lost)
    # Whoever corrects predictions in a tool must not turn to another format.
    remedy = "  remedy: not needed to correct annotations; "
    assert (remedy in result.stdout) is bool(lost)
    assert "unsupported fields of entities" not in result.stdout
    assert "unsupported fields of relations" not in result.stdout
    suffix = {"jsonl": ".jsonl", "brat": ""}.get(target, ".json")
    options = ["--predictions"] if target == "label-studio" else []
    found = read_back(tmp_path / "out" / f"{part.stem}{suffix}", tmp_path, nlp, *options)
    assert found == {text: describe_gold(nlp(text)) for text in TEXTS[:3]}


def test_label_studio_shows_predictions_with_their_scores(
    annotated: Path, nlp: Language, tmp_path: Path
) -> None:
    run(annotated, "-o", tmp_path / "out", "--lang", "zh", "--to", "label-studio")
    tasks = json.loads((tmp_path / "out" / "part-00000-000000.json").read_text("utf-8"))
    for task in tasks:
        # Nobody has annotated any of them, with entities or without.
        assert "annotations" not in task
        [prediction] = task["predictions"]
        doc = nlp(task["data"]["text"])
        scores = [each["score"] for each in prediction["result"] if each["type"] == "labels"]
        expected = [ent._.score for ent in doc.ents]
        assert scores == pytest.approx(expected, abs=1e-3)
        expected += [relation.score for relation in doc._.relations]
        whole = pytest.approx(fmean(expected), abs=1e-3) if expected else None
        assert prediction.get("score") == whole
        assert re.fullmatch(r"zh_pipeline 0\.0\.0 [0-9a-f]{16}", prediction["model_version"])


def test_parts_in_which_nothing_was_found_are_read(folder: Path, tmp_path: Path) -> None:
    row = {**make_row(1), "entities": [], "relations": []}
    for path in folder.glob("part-*.jsonl"):
        write_lines(path, row)
    result = run(folder, "-o", tmp_path / "out", "--to", "brat")
    assert result.exit_code == 0, result.output
    assert [*(tmp_path / "out").rglob("*.ann")]


def test_a_single_part_can_be_read(annotated: Path, nlp: Language, tmp_path: Path) -> None:
    found = read_back(max(annotated.glob("part-*")), tmp_path, nlp)
    assert found == {TEXTS[3]: describe_gold(nlp(TEXTS[3]))}


@pytest.mark.parametrize("form", FORMS)
def test_a_resumed_run_is_read_once(form: str, nlp: Language, tmp_path: Path) -> None:
    first, output = write_texts(tmp_path / "b.jsonl", *TEXTS), tmp_path / "annotated"
    annotate(form, first, output=output)
    second = tmp_path / "a.jsonl"
    second.write_text(json.dumps({"text": TEXTS[0] + "左"}) + "\n{\n", "utf-8")
    # An input was changed, and another one was added.
    write_texts(first, *TEXTS[:2])
    assert annotate(form, first, second, output=output).exit_code == 3
    result = run(output, "-o", tmp_path / "out", "--lang", "zh", "--to", "jsonl")
    texts = [row["text"] for path in (tmp_path / "out").iterdir() for row in read_lines(path)]
    assert sorted(texts) == sorted([*TEXTS[:2], TEXTS[0] + "左"])
    assert "left out (1): texts that annotate rejected" in result.stdout
    assert "not finished" not in result.stdout


def test_attributes_of_parquet_files_are_maps(tmp_path: Path) -> None:
    texts = [{"Assertion": "negated"}, {}, None]
    entities = [
        {**ENTITY, "attributes": each, "attribute_scores": each and {"Assertion": 0.5}}
        if each is not None
        else ENTITY
        for each in texts
    ]
    rows = [
        {**make_row(number), "entities": [entity], "records": None}
        for number, entity in enumerate(entities)
    ]
    write_rows(tmp_path / "in.parquet", COLUMNS, map(_flatten, rows))
    result = run(tmp_path / "in.parquet", "-o", tmp_path / "out.jsonl", "--strict-all")
    assert result.exit_code == 0, result.output
    found = [row["entities"][0] for row in read_lines(tmp_path / "out.jsonl")]
    assert [entity.get("attributes") for entity in found] == texts
    assert found[0]["attribute_scores"] == {"Assertion": 0.5}


def test_parts_of_earlier_versions_are_read_beside_new_ones(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("part-*"):
        path.unlink()
    columns: dict[str, Any] = {**COLUMNS, "relations": {**COLUMNS["relations"]}}
    del columns["relations"]["score_given_entities"]
    relation = {"head": 0, "tail": 0, "label": "is", "score": 0.25}
    rows = [{**make_row(1), "relations": [each]} for each in (relation, {**relation, **GIVEN})]
    write_rows(folder / "part-00000-000000.parquet", columns, [_flatten(rows[0])])
    write_rows(folder / "part-00000-000001.parquet", COLUMNS, [_flatten(rows[1])])
    result = run(folder, "-o", tmp_path / "out", "--to", "jsonl")
    assert result.exit_code == 0, result.output
    assert "unsupported fields" not in result.stdout
    found = [read_lines(path)[0]["relations"] for path in sorted((tmp_path / "out").iterdir())]
    assert found == [[relation], [{**relation, **GIVEN}]]


def test_other_parquet_files_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw.parquet", {"text": "string"}, [{"text": "Anna"}])
    error = run_error(tmp_path / "raw.parquet", "-o", tmp_path / "out")
    assert "must be those of annotate --format parquet, got text" in error
    (tmp_path / "raw.parquet").write_text("PAR1")
    assert "not a complete Parquet file" in run_error(
        tmp_path / "raw.parquet", "-o", tmp_path / "out"
    )


def test_parquet_files_need_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_str_encoder.files.parquet.find_spec", lambda name: None)
    (tmp_path / "a.parquet").touch()
    error = run_error(tmp_path / "a.parquet", "-o", tmp_path / "out")
    assert "pip install 'spacy_str_encoder[parquet]'" in error


def make_row(number: int) -> dict[str, Any]:
    origin = {"id": None, "source": "notes.txt", "number": number}
    annotations = {"text": f"Anna {number}", "entities": [ENTITY], "relations": []}
    return {**origin, **annotations, "records": [RECORD]}


def make_part(folder: Path, chunk: int, **fields: Any) -> dict[str, Any]:
    """A part of one text, and its line in the manifest."""
    write_lines(folder / f"part-00000-{chunk:06d}.jsonl", make_row(2 * chunk + 1))
    return {
        "source": 0,
        "chunk": chunk,
        "annotated": 1,
        "rejected": 0,
        "rejected_size": 0,
        **fields,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "annotated"
    size = write_lines(path / "rejected.jsonl", REJECTED).stat().st_size
    parts = [make_part(path, chunk, rejected_size=size) for chunk in (1, 0)]
    write_lines(path / "manifest.jsonl", SETTINGS, SOURCE, *parts, {"finished": 0})
    return path


def test_parts_are_read_and_rejected_texts_are_said(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = run(folder, "-o", output, "--to", "jsonl")
    assert result.exit_code == 0
    texts = [read_lines(path) for path in sorted(output.iterdir())]
    assert [item["text"] for [item] in texts] == ["Anna 1", "Anna 3"]
    assert "left out (1): texts that annotate rejected" in result.stdout
    assert "notes.txt, text 2: not UTF-8" in result.stdout
    assert "not finished" not in result.stdout


def test_predicted_records_are_left_out(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "-o", tmp_path / "out", "--to", "jsonl")
    assert "left out (2): records that annotate predicted" in result.stdout
    [item] = read_lines(tmp_path / "out" / "part-00000-000000.jsonl")
    assert item["meta"] == {"id": None, "source": "notes.txt", "number": 1}


def test_what_a_killed_run_left_is_not_read(folder: Path, tmp_path: Path) -> None:
    manifest = write_lines(folder / "manifest.jsonl", SETTINGS, SOURCE, make_part(folder, 0))
    with manifest.open("a") as file:
        file.write('{"source": 0, "chunk": 1, "anno')
    result = run(folder, "-o", tmp_path / "out", "--to", "jsonl")
    assert "chosen (1): sources that annotate has not finished" in result.stdout
    assert [path.stem for path in (tmp_path / "out").iterdir()] == ["part-00000-000000"]
    assert "rejected" not in result.stdout


def test_scores_without_room_are_one_line(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "-o", tmp_path / "out", "--to", "doccano")
    lines = result.stdout.splitlines()
    assert [line for line in lines if "probabilities" in line] == [
        f"left out (1): {KINDS}",
        "  entities: 2 probabilities",
    ]
    assert "would be lost" in run_error(
        folder, "-o", tmp_path / "b", "--to", "doccano", "--strict-all"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "manifest.jsonl").write_text(json.dumps(SETTINGS) + "\n"), "yet"),
        (lambda folder: (folder / "part-00000-000001.jsonl").unlink(), "1 of the files that"),
        (lambda folder: (folder / "manifest.jsonl").open("a").write("3\n"), "is damaged"),
    ],
)
def test_a_folder_without_its_parts_is_an_error(
    change: Any, message: str, folder: Path, tmp_path: Path
) -> None:
    change(folder)
    assert message in run_error(folder, "-o", tmp_path / "out")


def test_tables_of_records_are_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("part-*"):
        path.rename(path.with_suffix(".csv"))
    error = run_error(folder, "-o", tmp_path / "out")
    assert "tables of records hold no texts" in error and "--format jsonl, parquet" in error
