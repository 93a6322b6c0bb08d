"""Archives: every text is annotated once, whatever happens in between."""

import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
import ray
import spacy
from pyarrow import parquet
from spacy.tokens import DocBin
from spacy.util import import_file
from typer.testing import CliRunner

from spacy_str_encoder.archive import (
    ArchiveSettings,
    Fields,
    PartWriter,
    Progress,
    TooManyRejectedError,
    annotate_archive,
    annotate_in_processes,
    find_sources,
)
from spacy_str_encoder.archive import run as run_module
from spacy_str_encoder.archive.chunks import ChunkReader
from spacy_str_encoder.archive.manifest import Manifest, Part, open_manifest
from spacy_str_encoder.archive.on_ray import annotate_on_ray
from spacy_str_encoder.archive.progress import Tally
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.doc.records import walk_values
from spacy_str_encoder.files.records import to_rows

from .pipelines import ANNOTATIONS, MakeNlp, build_trained

# It annotates archives, on Ray too.
pytestmark = pytest.mark.slow

TEXTS = [f"{text}{number}" for number in range(7) for text, _, _ in ANNOTATIONS]
SETTINGS = ArchiveSettings(part_size=6)
# Each table has these columns.
UNANNOTATED = dict.fromkeys(["attributes", "attribute_scores", "id", "kb_id", "codes"])


@pytest.fixture(scope="module")
def model(make_nlp: MakeNlp, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pipeline that was trained, and makes records."""
    folder = tmp_path_factory.mktemp("archive") / "model"
    nlp = build_trained(make_nlp, ANNOTATIONS, mask="pair")
    settings = {"central": ["BodyPart"], "inverse": ["Modifier", "Percentage", "Negative"]}
    nlp.add_pipe("str_records", config=settings)
    nlp.to_disk(folder)
    return str(folder)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two files, with records that can't be annotated among the others."""
    folder = tmp_path / "archive"
    folder.mkdir()
    lines = [json.dumps({"text": text, "id": f"a{i}"}) for i, text in enumerate(TEXTS)]
    lines[3:3], lines[20:20] = ["{"], ['{"id": "none"}']
    (folder / "a.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "b.txt").write_text("\n".join(TEXTS[:8]), "utf-8")
    return folder


def annotate(model: str, archive: Path, output: Path, **options: object) -> Progress:
    sources, _ = find_sources([str(archive)], output=output)
    write_part = PartWriter(model, output, "jsonl", batch_size=4)
    return annotate_archive(write_part, sources, SETTINGS, **options)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("part-*"), *folder.glob("*.jsonl")]
    return {path.name: path.read_bytes() for path in files}


def read_parts(folder: Path) -> list[dict]:
    lines = [line for path in sorted(folder.glob("part-*.jsonl")) for line in path.open("rb")]
    return [json.loads(line) for line in lines]


def test_every_text_is_annotated_once_as_the_pipeline_does(
    model: str, archive: Path, tmp_path: Path
) -> None:
    done = annotate(model, archive, tmp_path / "out")
    rows = read_parts(tmp_path / "out")
    assert (done.annotated, done.rejected, done.read) == (len(rows), 2, done.size)
    assert [row["text"] for row in rows] == [*TEXTS, *TEXTS[:8]]
    assert [row["id"] for row in rows[: len(TEXTS)]] == [f"a{i}" for i in range(len(TEXTS))]
    assert {row["source"] for row in rows[len(TEXTS) :]} == {str(archive / "b.txt")}
    nlp = spacy.load(model)
    assert any(row["relations"] for row in rows)
    for row in rows:
        expected = to_annotations(nlp(row["text"]))
        assert [*row] == ["id", "source", "number", *expected]
        for name in ("entities", "relations"):
            for found, other in zip(row[name], expected[name], strict=True):
                for score in {"score", "score_given_entities"} & found.keys():
                    assert found.pop(score) == pytest.approx(other.pop(score), abs=1e-4)
                assert found == other


def test_rejected_records_are_listed_with_place_and_reason(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "out")
    lines = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert (first["source"], first["number"]) == (str(archive / "a.jsonl"), 4)
    assert (second["number"], second["reason"]) == (
        21,
        "the field 'text' is missing or null",
    )
    assert "content" not in first
    annotate(model, archive, tmp_path / "with texts", with_texts=True)
    lines = (tmp_path / "with texts" / "rejected.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0])["content"] == "{"


def kill_at(call: int) -> Callable[[int], None]:
    """What takes the place of `os.fsync`, and ends the process at one of its calls, as `kill -9`
    does: nothing is cleaned up."""
    calls = iter(range(10**6))
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        if next(calls) == call:
            os._exit(9)
        synced(descriptor)

    return fsync


@pytest.mark.slow
def test_a_run_that_is_killed_anywhere_goes_on_to_the_same_end(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "unbroken")
    expected = contents(tmp_path / "unbroken")
    for call in range(10**6):
        output = tmp_path / str(call)
        child = os.fork()
        if not child:
            os.fsync = kill_at(call)
            annotate(model, archive, output)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.waitstatus_to_exitcode(status):
            break
        annotate(model, archive, output)
        assert contents(output) == expected
    # Before and after each of 7 parts, the manifest and the rejections were synced.
    assert call > 30


def test_what_is_done_is_not_read_again(
    model: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(model, archive, tmp_path / "out")
    expected = contents(tmp_path / "out")
    monkeypatch.setattr(run_module, "ChunkReader", None)
    done = annotate(model, archive, tmp_path / "out")
    assert (done.annotated, done.annotated_now) == (len(TEXTS) + 8, 0)
    assert contents(tmp_path / "out") == expected


def test_new_files_are_annotated_beside_what_is_done(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "out")
    # Before the others in the order of names.
    (archive / "0.txt").write_text("左主干无狭窄。", "utf-8")
    done = annotate(model, archive, tmp_path / "out")
    assert done.annotated_now == 1
    assert read_parts(tmp_path / "out")[-1]["text"] == "左主干无狭窄。"


def test_other_settings_and_models_are_refused(model: str, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    annotate(model, archive, output)
    expected = contents(output)
    sources, _ = find_sources([str(archive)], output=output)
    write_part = PartWriter(model, output, "jsonl", batch_size=4)
    with pytest.raises(ValueError, match="other settings: 'part_size' was"):
        annotate_archive(write_part, sources, ArchiveSettings(part_size=7))
    with pytest.raises(ValueError, match="other settings: 'fields' was"):
        annotate_archive(write_part, sources, ArchiveSettings(Fields(text="report"), part_size=6))
    other = spacy.load(model)
    other.remove_pipe("str_records")
    other.to_disk(tmp_path / "other")
    with pytest.raises(ValueError, match="other settings: 'model' was"):
        annotate(str(tmp_path / "other"), archive, output)
    assert contents(output) == expected
    assert annotate(model, archive, output, overwrite=True).annotated == len(TEXTS) + 8


def test_bytes_are_counted_source_by_source(archive: Path, tmp_path: Path) -> None:
    sources, _ = find_sources([str(archive)], output=tmp_path / "out")
    first, second = (source.size for source in sources)
    with open_manifest(tmp_path / "out") as manifest:
        tally = Tally(manifest.number_sources(sources), manifest)
        assert (tally.progress().read, tally.progress().size) == (0, first + second)
        assert list(tally.pass_sources(until=0)) == []
        assert tally.progress(Part(0, 0, 0.5, 6, [])).read == first // 2
        assert list(tally.pass_sources(until=1)) == [0]
        assert tally.progress(Part(1, 0, 0.25, 6, [])).read == first + second // 4
        manifest.finish(0)
        # A later run begins with what is left.
        later = Tally(manifest.number_sources(sources), manifest)
        assert (later.progress().read, list(later.pass_sources())) == (first, [1])
        assert later.progress().read == first + second


def rewrite(path: Path) -> None:
    """Another file of the same size, the head of which is the same."""
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]), "utf-8")


def test_a_file_whose_head_and_size_stay_is_annotated_again_when_it_changes(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "out")
    before = contents(tmp_path / "out")
    rewrite(archive / "b.txt")
    done = annotate(model, archive, tmp_path / "out")
    assert done.changed == (str(archive / "b.txt"),)
    assert (done.annotated, done.annotated_now, done.rejected) == (len(TEXTS) + 8, 8, 2)
    texts = [row["text"] for row in read_parts(tmp_path / "out")]
    assert texts == [*TEXTS, TEXTS[0], *TEXTS[7:0:-1]]
    after = contents(tmp_path / "out")
    # Those of a.jsonl.
    kept = [name for name in before if name.startswith(("part-00000", "rejected"))]
    assert {name: before[name] for name in kept} == {name: after[name] for name in kept}
    assert annotate(model, archive, tmp_path / "out").changed == ()


def repair(archive: Path) -> None:
    """Take out what can't be annotated."""
    path = archive / "a.jsonl"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if '"text"' in line), "utf-8")


def test_a_repaired_file_is_annotated_again_in_place_of_its_rejections(
    model: str, archive: Path, tmp_path: Path
) -> None:
    (archive / "c.jsonl").write_text("{\n", "utf-8")
    assert annotate(model, archive, tmp_path / "out").rejected == 3
    repair(archive)
    code, printed = run_command(
        model, archive, "-o", tmp_path / "out", "--part-size", "6", "--precision", "float32"
    )
    assert code == 3
    assert f"changed since an earlier run, and annotated again: {archive / 'a.jsonl'}" in printed
    assert f"{len(TEXTS) + 8} texts annotated ({len(TEXTS)} in this run), 1 rejected" in printed
    rows = read_parts(tmp_path / "out")
    assert sorted(row["text"] for row in rows) == sorted([*TEXTS, *TEXTS[:8]])
    [rejected] = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()
    assert json.loads(rejected)["source"] == str(archive / "c.jsonl")


@pytest.mark.parametrize("line", ["dropping", "dropped"])
@pytest.mark.parametrize("is_written", [False, True])
def test_a_run_that_is_killed_while_it_drops_output_goes_on(
    model: str,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    is_written: bool,
) -> None:
    annotate(model, archive, tmp_path / "out")
    repair(archive)
    append = Manifest._append

    def die(manifest: Manifest, *lines: dict) -> None:
        is_last = any(line in each for each in lines)
        if is_written or not is_last:
            append(manifest, *lines)
        if is_last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Manifest, "_append", die)
        annotate(model, archive, tmp_path / "out")
    done = annotate(model, archive, tmp_path / "out")
    assert (done.annotated, done.rejected) == (len(TEXTS) + 8, 0)
    texts = [row["text"] for row in read_parts(tmp_path / "out")]
    assert sorted(texts) == sorted([*TEXTS, *TEXTS[:8]])


def annotate_files(model: str, archive: Path, output: Path) -> Progress:
    settings = ArchiveSettings(part_size=3, whole_files=True)
    sources, _ = find_sources([str(archive)], output=output, whole_files=True)
    write_part = PartWriter(model, output, "jsonl", batch_size=4)
    return annotate_archive(write_part, sources, settings)


def test_whole_files_can_be_added_and_repaired(model: str, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = [f"{letter}.txt" for letter in "bcdefgh"]
    for name, text in zip(names, TEXTS, strict=False):
        (folder / name).write_text(text, "utf-8")
    (folder / "e.txt").write_bytes(b"\xff")
    done = annotate_files(model, folder, output)
    assert (done.annotated, done.rejected) == (6, 1)
    before = contents(output)

    # Before and after the others in the order of names.
    for name in ("a.txt", "i.txt"):
        (folder / name).write_text(TEXTS[20], "utf-8")
    done = annotate_files(model, folder, output)
    assert (done.annotated, done.annotated_now, done.changed) == (8, 2, ())
    assert {name: contents(output)[name] for name in before if "part" in name} == {
        name: content for name, content in before.items() if "part" in name
    }

    (folder / "e.txt").write_text(TEXTS[3], "utf-8")
    done = annotate_files(model, folder, output)
    assert done.changed == (str(folder / "e.txt"),)
    # The three of its part are annotated again, the others are not.
    assert (done.annotated, done.annotated_now, done.rejected) == (9, 3, 0)
    found = {row["id"]: row["text"] for row in read_parts(output)}
    expected = dict(zip(names, TEXTS, strict=False)) | dict.fromkeys(["a.txt", "i.txt"], TEXTS[20])
    assert found == {str(folder / name): text for name, text in expected.items()}
    assert len(read_parts(output)) == len(found)

    # What is finished may be removed.
    (folder / "b.txt").unlink()
    done = annotate_files(model, folder, output)
    assert (done.annotated, done.annotated_now) == (9, 0)


@pytest.mark.parametrize("name", ["a.jsonl", "b.txt"])
def test_a_file_that_changes_while_it_is_read_is_told(
    model: str, archive: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name}: the file changed while")):
        annotate(model, archive, tmp_path / "out", follow=lambda _: rewrite(archive / name))


def test_a_file_that_an_earlier_run_began_with_is_missed(
    model: str, archive: Path, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(model, archive, tmp_path / "out", follow=stop)
    content = (archive / "a.jsonl").read_bytes()
    (archive / "a.jsonl").unlink()
    with pytest.raises(ValueError, match=r"a\.jsonl: an earlier run did not read this input"):
        annotate(model, archive, tmp_path / "out")
    (archive / "a.jsonl").write_bytes(content)
    assert annotate(model, archive, tmp_path / "out").annotated == len(TEXTS) + 8


@pytest.mark.parametrize("name", ["part-00000-000001.jsonl", "rejected.jsonl"])
def test_what_was_written_is_missed(model: str, archive: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / "out"
    annotate(model, archive, output)
    content = (output / name).read_bytes()
    (output / name).unlink()
    with pytest.raises(ValueError, match=rf"\(1\), such as {Path(name).stem}"):
        annotate(model, archive, output)
    (output / name).write_bytes(content)
    assert annotate(model, archive, output).annotated_now == 0


@pytest.mark.parametrize("line", ["{}", "3", "[]", '{"chunk": 1}', "{"])
def test_a_damaged_manifest_is_told(model: str, archive: Path, tmp_path: Path, line: str) -> None:
    annotate(model, archive, tmp_path / "out")
    with (tmp_path / "out" / "manifest.jsonl").open("a") as file:
        number = 1 + (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").count("\n")
        file.write(f"{line}\n")
    with pytest.raises(
        ValueError, match=rf"manifest\.jsonl, line {number}: the manifest is damaged"
    ):
        annotate(model, archive, tmp_path / "out")


def test_hidden_files_make_no_other_model(model: str, archive: Path, tmp_path: Path) -> None:
    annotate(model, archive, tmp_path / "out")
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / "str_ner" / ".DS_Store").touch()
    assert annotate(str(tmp_path / "model"), archive, tmp_path / "out").annotated_now == 0


def test_what_is_wrong_with_a_table_is_told_before_anything_is_done(
    model: str, archive: Path, tmp_path: Path
) -> None:
    (archive / "c.csv").write_text("编号,报告\n1,左主干无狭窄。\n", "gb18030")
    with pytest.raises(ValueError, match=r"c\.csv: the first line is not UTF-8"):
        annotate(model, archive, tmp_path / "out")
    (archive / "c.csv").rename(tmp_path / "c.csv")
    assert annotate(model, archive, tmp_path / "out").annotated == len(TEXTS) + 8
    (archive / "d.csv").write_text("id,report\n1,左主干无狭窄。\n", "utf-8")
    with pytest.raises(ValueError, match=r"d\.csv: no column 'text'"):
        annotate(model, archive, tmp_path / "out")
    (archive / "d.csv").write_text("id,text\n1,左主干无狭窄。\n", "utf-8")
    assert annotate(model, archive, tmp_path / "out").annotated_now == 1


def test_a_file_name_need_not_be_utf8(model: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode("报告.txt".encode("gbk"))).write_text("左主干无狭窄。", "utf-8")
    for _ in range(2):
        assert annotate(model, folder, tmp_path / "out").annotated == 1


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_others_are_left_alone(
    model: str, archive: Path, tmp_path: Path, overwrite: bool
) -> None:
    names = ["part-00000.parquet", ".part-00000.parquet.crc", "_SUCCESS"]
    (tmp_path / "mine").mkdir()
    for name in names:
        (tmp_path / "mine" / name).touch()
    with pytest.raises(ValueError, match=r"not empty \(\.part-00000\.parquet\.crc\)"):
        annotate(model, archive, tmp_path / "mine", overwrite=overwrite)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == sorted(names)


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b'{"version"'])
def test_parts_beside_a_manifest_that_lists_nothing_are_not_written_over(
    model: str, archive: Path, tmp_path: Path, content: bytes
) -> None:
    annotate(model, archive, tmp_path / "out")
    (tmp_path / "out" / "manifest.jsonl").write_bytes(content)
    before = contents(tmp_path / "out")
    with pytest.raises(ValueError, match=r"manifest is empty or damaged.*--overwrite"):
        annotate(model, archive, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert annotate(model, archive, tmp_path / "out", overwrite=True).annotated == len(TEXTS) + 8


@pytest.mark.parametrize(
    "content",
    [b'{"version": 1}', b'{"version": "1", "files": {}}', b"{\n", b'{"path": "a"}\n', b"3"],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_manifest_of_something_else_is_left_alone(
    archive: Path, tmp_path: Path, overwrite: bool, content: bytes
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match="the file is not a manifest of annotate"):
        annotate("no model is loaded", archive, tmp_path / "mine", overwrite=overwrite)
    assert contents(tmp_path / "mine") == {"manifest.jsonl": content}


@pytest.mark.parametrize("content", [b"", b'{"ver', b'{"version": "0.1.0", "sch'])
def test_a_run_that_was_killed_at_its_first_line_goes_on(
    model: str, archive: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.jsonl").write_bytes(content)
    assert annotate(model, archive, tmp_path / "out").annotated == len(TEXTS) + 8


@pytest.mark.parametrize("key", ["path", "chunk"])
def test_a_line_of_the_manifest_that_is_there_twice_is_told(
    model: str, archive: Path, tmp_path: Path, key: str
) -> None:
    annotate(model, archive, tmp_path / "out")
    path = tmp_path / "out" / "manifest.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines, start=1) if key in json.loads(line))
    path.write_text("".join([*lines[:number], *lines[number - 1 :]]), "utf-8")
    with pytest.raises(ValueError, match=rf"line {number + 1}: the manifest is damaged"):
        annotate(model, archive, tmp_path / "out")


@pytest.mark.parametrize("output", ["out", "new/out"])
@pytest.mark.parametrize(
    ("content", "message"),
    [("id,report\n1,Text\n", "no column 'text'"), ("", "must have texts, got none in .*c.csv;")],
)
def test_a_run_that_is_refused_leaves_nothing_behind(
    model: str, tmp_path: Path, output: str, content: str, message: str
) -> None:
    (tmp_path / "c.csv").write_text(content or "id,text\n", "utf-8")
    with pytest.raises(ValueError, match=message):
        annotate(model, tmp_path / "c.csv", tmp_path / output)
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match=message):
        annotate(model, tmp_path / "c.csv", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_output_is_not_removed_for_inputs_without_texts(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match=r"must have texts, got none in .*empty\.txt"):
        annotate(model, tmp_path / "empty.txt", tmp_path / "out", overwrite=True)
    assert contents(tmp_path / "out") == before
    assert annotate(model, tmp_path / "empty.txt", tmp_path / "out").annotated_now == 0


def test_an_output_that_is_a_file_is_refused(model: str, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", "utf-8")
    with pytest.raises(ValueError, match="out: the output must be a folder, but is a file"):
        annotate(model, archive, tmp_path / "out")
    assert (tmp_path / "out").read_text("utf-8") == "mine"


def test_folders_with_other_files_are_refused(model: str, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"not empty \(thesis\.tex\) and has no manifest"):
        annotate(model, archive, tmp_path / "mine")


def test_a_second_run_at_the_same_time_is_refused(
    model: str, archive: Path, tmp_path: Path
) -> None:
    def start_another(progress: Progress) -> None:
        with pytest.raises(ValueError, match="another run is writing here"):
            annotate(model, archive, tmp_path / "out")

    annotate(model, archive, tmp_path / "out", follow=start_another)


def test_too_many_rejected_records_stop_the_run(model: str, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(TooManyRejectedError, match="1 text rejected"):
        annotate(model, archive, tmp_path / "out", max_rejected=0)
    assert len(read_parts(tmp_path / "out")) == 5
    done = annotate(model, archive, tmp_path / "out", max_rejected=2)
    assert (done.annotated, done.rejected) == (len(TEXTS) + 8, 2)


@spacy.Language.component("fails_on_seven")
def fails_on_seven(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
    if doc.text.endswith("4"):
        raise RuntimeError(f"I can't stand {doc.text}")
    return doc


def test_a_record_that_makes_the_pipeline_fail_takes_no_other_with_it(
    model: str, archive: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(model)
    nlp.add_pipe("fails_on_seven")
    nlp.to_disk(tmp_path / "failing")
    done = annotate(str(tmp_path / "failing"), archive, tmp_path / "out")
    failing = [number for number, text in enumerate(TEXTS) if text.endswith("4")]
    assert done.rejected == 2 + len(failing)
    texts = [row["text"] for row in read_parts(tmp_path / "out")]
    assert texts == [text for text in [*TEXTS, *TEXTS[:8]] if not text.endswith("4")]
    rejected = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8")
    assert rejected.count("the pipeline failed (RuntimeError)") == len(failing)
    assert "stand" not in rejected and TEXTS[0] not in rejected


@pytest.mark.slow
def test_processes_annotate_as_one(model: str, archive: Path, tmp_path: Path) -> None:
    annotate(model, archive, tmp_path / "one")
    engine = partial(annotate_in_processes, processes=2)
    annotate(model, archive, tmp_path / "two", engine=engine)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


# A component that kills its process as a lack of memory does, but not the one that the run is in.
KILLING = """
import multiprocessing, os, signal
from spacy.language import Language

@Language.component("kills_on_four")
def kill(doc):
    if doc.text.endswith(os.environ["KILLS"]) and multiprocessing.parent_process():
        os.kill(os.getpid(), signal.SIGKILL)
    return doc
"""


def save_killing(model: str, folder: Path) -> PartWriter:
    (folder / "killing.py").write_text(KILLING, "utf-8")
    import_file("python_code", folder / "killing.py")
    nlp = spacy.load(model)
    nlp.add_pipe("kills_on_four")
    nlp.to_disk(folder / "killing")
    code = folder / "killing.py"
    return PartWriter(str(folder / "killing"), folder / "out", "jsonl", batch_size=4, code=code)


@pytest.mark.slow
def test_a_text_that_kills_its_process_is_rejected(
    model: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KILLS", f"{ANNOTATIONS[1][0]}4")
    write_part = save_killing(model, tmp_path)
    sources, _ = find_sources([str(archive)], output=tmp_path / "out")
    engine = partial(annotate_in_processes, processes=2)
    done = annotate_archive(write_part, sources, SETTINGS, engine=engine)
    # Two are rejected for other reasons.
    assert (done.annotated, done.rejected) == (len(TEXTS) + 8 - 1, 2 + 1)
    killing = TEXTS.index(os.environ["KILLS"])
    texts = [row["text"] for row in read_parts(tmp_path / "out")]
    assert texts == [*TEXTS[:killing], *TEXTS[killing + 1 :], *TEXTS[:8]]
    lines = (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").splitlines()
    [rejected] = [row for row in map(json.loads, lines) if "process died" in row["reason"]]
    # The number is that of the line, after one that is not JSON.
    assert rejected == {
        "source": str(archive / "a.jsonl"),
        "number": killing + 2,
        "reason": "its process died, also when it was annotated alone (did it need too much "
        "memory?)",
    }


@pytest.mark.slow
def test_a_process_that_dies_without_a_text_stops_the_run(
    model: str, archive: Path, tmp_path: Path
) -> None:
    write_part = save_killing(model, tmp_path)
    code = "import multiprocessing, os\nif multiprocessing.parent_process(): os._exit(1)\n"
    (tmp_path / "killing.py").write_text(f"{code}{KILLING}", "utf-8")
    sources, _ = find_sources([str(archive)], output=tmp_path / "out")
    engine = partial(annotate_in_processes, processes=2)
    place = re.escape(f"Texts in progress: {archive / 'a.jsonl'} (1 to 6).")
    with pytest.raises(ValueError, match=f"A worker process died.* {place}"):
        annotate_archive(write_part, sources, SETTINGS, engine=engine)


def find_actors() -> list[int]:
    """The processes of Ray that annotate."""
    processes = {int(path.parent.name): path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [number for number, path in processes.items() if b"(_Annotator)" in path.read_bytes()]


@pytest.mark.ray
def test_ray_annotates_as_one_process_though_an_actor_is_killed(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "one")
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if not killed:
            killed.append(min(find_actors()))
            os.kill(killed[0], signal.SIGKILL)

    engine = partial(annotate_on_ray, workers=2, cpus=0.5)
    done = annotate(model, archive, tmp_path / "ray", engine=engine, follow=kill_one)
    assert killed and done.annotated == len(TEXTS) + 8
    assert contents(tmp_path / "ray") == contents(tmp_path / "one")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ["--ray-address", "auto"],
            "--ray-address, --cpus-each and --gpus-each require --engine ray",
        ),
        (["--gpus-each", "1"], "require --engine ray"),
        (["--cpus-each", "2"], "require --engine ray"),
        (["--engine", "ray", "--gpu-id", "0"], "use --gpus-each"),
    ],
)
def test_options_that_say_nothing_to_an_engine_are_refused(
    archive: Path, tmp_path: Path, options: list[str], problem: str
) -> None:
    arguments = ["annotate", "no-pipeline", str(archive), "-o", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert problem in " ".join(result.stderr.split())


@pytest.mark.ray
def test_what_a_worker_of_ray_runs_into_is_said(
    model: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutdown, busy = ray.shutdown, []

    def look_and_shut_down() -> None:
        busy.extend(each.name for each in threading.enumerate() if each.name == "iter_threaded")
        shutdown()

    monkeypatch.setattr(ray, "shutdown", look_and_shut_down)
    copy = shutil.copytree(model, tmp_path / "model")
    sources, _ = find_sources([str(archive)], output=tmp_path / "out")
    write_part = PartWriter(str(copy), tmp_path / "out", "jsonl", batch_size=4)
    assert write_part.nlp.pipe_names
    # It is there when the run begins, and gone when the worker wants it.
    shutil.rmtree(copy / "str_ner")
    # It takes all CPUs, and yet there is something to read the files.
    engine = partial(annotate_on_ray, workers=1, cpus=os.cpu_count() or 1)
    with pytest.raises(ValueError, match=r"A Ray worker failed: ValueError: .*can't load"):
        annotate_archive(write_part, sources, SETTINGS, engine=engine)
    # A thread that reads ahead would end this process when it asks Ray for something.
    assert busy == []


@pytest.mark.ray
def test_what_a_reader_on_ray_runs_into_is_said(model: str, archive: Path, tmp_path: Path) -> None:
    def remove(write_part: PartWriter, readers: Iterable[ChunkReader]) -> Iterator[Part]:
        (archive / "a.jsonl").unlink()
        return annotate_on_ray(write_part, readers, workers=1)

    with pytest.raises(ValueError, match=r"A Ray worker failed: FileNotFoundError: .*a\.jsonl"):
        annotate(model, archive, tmp_path / "out", engine=remove)


def test_a_full_disk_is_one_error_and_leaves_nothing_half_written(
    model: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    annotate(model, archive, tmp_path / "unbroken")
    with monkeypatch.context() as patch:
        sources, _ = find_sources([str(archive)], output=tmp_path / "out")
        write_part = PartWriter(model, tmp_path / "out", "jsonl", batch_size=4)

        def fill(progress: Progress) -> None:
            patch.setattr(os, "fsync", fail)

        with pytest.raises(OSError, match=r"No space left on device: '.*part-00000-000001.jsonl'"):
            annotate_archive(write_part, sources, SETTINGS, follow=fill)
    assert sorted(contents(tmp_path / "out")) == [
        "manifest.jsonl",
        "part-00000-000000.jsonl",
        "rejected.jsonl",
    ]
    annotate(model, archive, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


def test_texts_are_written_to_parquet_and_docs_too(
    model: str, archive: Path, tmp_path: Path
) -> None:
    annotate(model, archive, tmp_path / "jsonl")
    rows = read_parts(tmp_path / "jsonl")
    sources, _ = find_sources([str(archive)], output=tmp_path / "out")
    for name in ("parquet", "spacy"):
        write_part = PartWriter(model, tmp_path / name, name, batch_size=4)
        annotate_archive(write_part, sources, ArchiveSettings(format=name, part_size=6))
    paths = sorted((tmp_path / "parquet").glob("part-*.parquet"))
    table = [row for path in paths for row in parquet.read_table(path).to_pylist()]
    assert [{**row, "records": json.loads(row["records"])} for row in table] == [
        {**row, "entities": [{**entity, **UNANNOTATED} for entity in row["entities"]]}
        for row in rows
    ]
    vocab = spacy.blank("zh").vocab
    paths = sorted((tmp_path / "spacy").glob("part-*.spacy"))
    docs = [doc for path in paths for doc in DocBin().from_disk(path).get_docs(vocab)]
    assert [{**doc.user_data["meta"], **to_annotations(doc)} for doc in docs] == rows
    identifiers = {(row["id"], row["entity"], row["value"]) for row in to_rows(docs)}
    assert identifiers == {
        (row["id"], record["text"], value)
        for row in rows
        for record in row["records"]
        for value in [each["text"] for _, _, each in walk_values(record)] or [None]
    }


def test_the_vocabulary_does_not_grow_with_the_archive(model: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("\n".join(chr(0x5000 + i) for i in range(500)))
    sources, _ = find_sources([str(tmp_path / "in")], output=tmp_path / "out")
    write_part = PartWriter(model, tmp_path / "out", "jsonl", batch_size=64)
    before = len(write_part.nlp.vocab.strings)
    annotate_archive(write_part, sources, ArchiveSettings(part_size=100))
    assert len(write_part.nlp.vocab.strings) < before + 50


def run_command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["annotate", *map(str, arguments)])
    return result.exit_code, re.sub(r"\s+", " ", result.output)


def test_the_command_says_what_it_did(model: str, archive: Path, tmp_path: Path) -> None:
    # On some machines, the command would recommend another precision.
    options = "--precision", "float32"
    code, printed = run_command(model, archive, "--output", tmp_path / "out", *options)
    counts = "36 texts annotated, 2 rejected"
    line = f"{tmp_path}/out: {counts} (see {tmp_path}/out/rejected.jsonl)"
    assert (code, printed.strip()) == (3, line)
    (archive / "a.jsonl").unlink()
    (archive / "notes.doc").touch()
    code, printed = run_command(model, archive, "--output", tmp_path / "other")
    assert code == 0 and "skipped (1): files of unsupported types" in printed


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--max-rejected", "1"], 4, "2 texts rejected"),
        (["--text-field", "report"], 3, "8 texts annotated, 30 rejected"),
        (["missing.csv"], 1, "missing.csv: no such file"),
    ],
)
def test_exit_codes_tell(
    model: str, archive: Path, tmp_path: Path, options: list[str], code: int, message: str
) -> None:
    found, printed = run_command(model, archive, *options, "--output", tmp_path / "out")
    assert found == code and message in printed


def test_ctrl_c_is_told(
    model: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> Iterator[None]:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "ChunkReader", stop)
    code, printed = run_command(model, archive, "--output", tmp_path / "out")
    assert code == 130 and "Repeat the same command to resume" in printed
