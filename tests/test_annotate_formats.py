"""The command `annotate` writes the formats of `convert`: scores, losses, folders, resumed runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from typer.testing import CliRunner, Result

from spacy_str_encoder.archive.annotation_formats import list_formats
from spacy_str_encoder.archive.manifest import FILE, UNFINISHED
from spacy_str_encoder.archive.writers import WRITERS
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.registry import all_formats

from .test_convert import read_lines, write_lines

PIPELINE = Path(__file__).parent / "saved" / "pipeline"
TEXTS = ["左主干无狭窄。", "患者一般情况可。", "前降支近段轻度狭窄，回旋支未见明显狭窄。", "无。"]
FORMATS = [*list_formats(make_tokenizer(None))]


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A small pipeline that finds entities, relations and records."""
    return spacy.load(PIPELINE)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = ({"text": text, "id": f"a{i}"} for i, text in enumerate(TEXTS))
    return write_lines(tmp_path / "texts.jsonl", *rows)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def annotate(form: str, source: Path, output: Path, *options: object) -> Result:
    parts = ["--part-size", 3, "--output", output]
    result = run("annotate", PIPELINE, source, "--format", form, *parts, *options)
    assert result.exit_code == 0, result.output
    return result


def read_manifest(output: Path) -> list[dict[str, Any]]:
    return read_lines(output / "manifest.jsonl")


def read_files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def count(nlp: Language, kind: str) -> int:
    return sum(len(to_annotations(doc)[kind]) for doc in nlp.pipe(TEXTS))


def test_all_formats_that_can_be_written_are_allowed() -> None:
    writable = {name for name, each in all_formats(make_tokenizer(None)).items() if each.write}
    assert {*FORMATS} == writable - {"jsonl", "spacy"}
    assert {"label-studio", "prodigy", "brat", "doccano", "uima"} <= {*FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_parts_have_names_that_are_known(name: str) -> None:
    suffix = list_formats(make_tokenizer(None))[name].suffix
    assert FILE.fullmatch(f"part-00000-000000{suffix}")
    assert UNFINISHED.fullmatch(f".part-00000-000000{suffix}.0f.unfinished{suffix}")
    assert name not in WRITERS


@pytest.mark.parametrize("name", ["label-studio", "prodigy", "brat", "uima", "doccano"])
def test_what_is_written_is_what_convert_writes_of_json_lines(
    name: str, source: Path, tmp_path: Path
) -> None:
    annotate("jsonl", source, tmp_path / "lines")
    options = ["--to", name, "--lang", "zh"]
    result = run("convert", tmp_path / "lines", "-o", tmp_path / "converted", *options)
    assert result.exit_code == 0, result.output
    annotate(name, source, tmp_path / "out")
    written = {path: each for path, each in read_files(tmp_path / "out").items() if "part" in path}
    expected = read_files(tmp_path / "converted")
    assert written.keys() == expected.keys()
    if name == "label-studio":
        for path, content in written.items():
            assert json.loads(content) == json.loads(expected[path])
    elif name != "uima":
        assert written == expected


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_what_it_loses_is_counted(
    name: str, source: Path, nlp: Language, tmp_path: Path
) -> None:
    result = annotate(name, source, tmp_path / "out")
    lines = [line for line in read_manifest(tmp_path / "out") if "chunk" in line]
    assert len(lines) == 2
    lost: dict[str, int] = {}
    for line in lines:
        for reason, number in line.get("lost", {}).items():
            lost[reason] = lost.get(reason, 0) + number
    assert lost["records, which this format can't hold"] == count(nlp, "records")
    for reason, number in lost.items():
        assert f"left out ({number:,}): {reason}" in result.stdout
    # Neither the manifest nor the output may quote the texts.
    assert not any(text[:3] in line for line in map(json.dumps, lines) for text in TEXTS)
    if name not in ("label-studio", "prodigy", "brat", "uima"):
        scores = "scores of entities, which this format can't hold"
        assert lost[scores] == count(nlp, "entities")


def test_a_resumed_run_says_what_all_runs_lost(source: Path, tmp_path: Path) -> None:
    first = annotate("brat", source, tmp_path / "out").stdout
    again = annotate("brat", source, tmp_path / "out").stdout
    assert [line for line in again.splitlines() if line.startswith("left out")] == [
        line for line in first.splitlines() if line.startswith("left out")
    ]
    assert "left out" in again


def test_convert_reads_the_parts_with_their_scores(
    source: Path, nlp: Language, tmp_path: Path
) -> None:
    for name, option in [("label-studio", "--predictions"), ("brat", "--predictions")]:
        annotate(name, source, tmp_path / name)
        target = ["-o", tmp_path / f"{name}-lines", "--to", "jsonl", option]
        result = run("convert", tmp_path / name, *target)
        assert result.exit_code == 0, result.output
        paths = sorted((tmp_path / f"{name}-lines").iterdir())
        rows = [row for path in paths for row in read_lines(path)]
        assert [row["text"] for row in rows] == TEXTS
        for row, doc in zip(rows, nlp.pipe(TEXTS), strict=True):
            expected = to_annotations(doc)
            for kind in ("entities", "relations"):
                found = [each["score"] for each in row[kind]]
                assert found == pytest.approx([each["score"] for each in expected[kind]], abs=1e-3)


def test_parts_without_annotations_are_read_in_the_format_of_the_run(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", {"text": "x"})
    annotate("prodigy", source, tmp_path / "out")
    target = ["-o", tmp_path / "back.jsonl", "--entities", "none", "--relations", "none"]
    result = run("convert", tmp_path / "out", *target)
    assert result.exit_code == 0, result.output
    [row] = read_lines(tmp_path / "back.jsonl")
    assert (row["text"], row["tokens"], row["entities"]) == ("x", ["x"], [])


def test_a_folder_that_a_killed_run_left_is_replaced(source: Path, tmp_path: Path) -> None:
    annotate("brat", source, tmp_path / "expected")
    output = tmp_path / "out"
    annotate("brat", source, output)
    manifest = output / "manifest.jsonl"
    # The run was killed before it noted the second part, and while it wrote another one.
    lines = manifest.read_text("utf-8").splitlines(keepends=True)
    manifest.write_text("".join(lines[:3]), "utf-8")
    (output / "part-00000-000001" / "more.txt").touch()
    (output / ".part-00000-000002.0f.unfinished").mkdir()
    (output / ".part-00000-000002.0f.unfinished" / "000001.txt").touch()
    annotate("brat", source, output)
    assert read_files(output) == read_files(tmp_path / "expected")
    assert not [*output.glob(".part*")]


def test_folders_of_changed_files_are_replaced(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    annotate("brat", source, output)
    write_lines(source, {"text": TEXTS[0], "id": "b"})
    result = annotate("brat", source, output)
    assert [path.name for path in sorted(output.glob("part-*"))] == ["part-00001-000000"]
    for name in ("source", "number"):
        assert f"left out (1): unsupported fields of the metadata ({name})\n" in result.stdout


def test_folders_are_removed_to_start_over(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    annotate("brat", source, output)
    write_lines(source, {"text": TEXTS[0], "id": "b"})
    annotate("brat", source, output, "--overwrite")
    folders = [path for path in output.iterdir() if path.is_dir()]
    assert [path.name for path in folders] == ["part-00000-000000"]
    assert sorted(path.name for path in folders[0].iterdir()) == [
        "annotation.conf",
        "b.ann",
        "b.txt",
    ]


@pytest.mark.slow
def test_processes_write_folders_as_one_does(source: Path, tmp_path: Path) -> None:
    one = annotate("brat", source, tmp_path / "one").stdout
    two = annotate("brat", source, tmp_path / "two", "--n-process", 2).stdout
    assert one.replace("one", "two") == two
    assert read_files(tmp_path / "one") == read_files(tmp_path / "two")


def test_label_studio_needs_a_labeling_config(source: Path, tmp_path: Path) -> None:
    result = annotate("label-studio", source, tmp_path / "out")
    command = f"spacy-str-encoder labeling-config {PIPELINE} --output labels.xml"
    assert result.stdout.splitlines()[-1].endswith(command)
    assert "labeling-config" not in annotate("prodigy", source, tmp_path / "other").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "docred"], "--format must be one of jsonl, parquet, spacy, csv, "),
        (["--format", "brat", "--raw"], "--raw requires --format csv"),
    ],
)
def test_other_formats_are_refused(
    options: list[str], message: str, source: Path, tmp_path: Path
) -> None:
    result = run("annotate", PIPELINE, source, "-o", tmp_path / "out", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "out").exists()
