"""The command `annotate` writes exports for databases, as it writes other formats."""

from collections import Counter
from pathlib import Path

import pytest
from spacy.language import Language

from spacy_str_encoder.archive.annotation_formats import list_formats
from spacy_str_encoder.archive.manifest import FILE, UNFINISHED
from spacy_str_encoder.archive.writers import WRITERS
from spacy_str_encoder.doc.origin import AnnotatedDocs
from spacy_str_encoder.exports.export import Export, Reported
from spacy_str_encoder.exports.registry import EXPORTS
from spacy_str_encoder.formats.docs import make_tokenizer

from .test_annotate_formats import PIPELINE, TEXTS, annotate, read_files, run
from .test_convert import read_lines, write_lines


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = ({"text": text, "id": f"a{i}"} for i, text in enumerate(TEXTS))
    return write_lines(tmp_path / "texts.jsonl", *rows)


def write_ids(path: Path, docs: AnnotatedDocs, nlp: Language, pipeline: str, date: str) -> Reported:
    ids = [origin["id"] for origin, _ in docs]
    path.write_text(f"{nlp.lang} {pipeline.split()[0]} {' '.join(ids)}", "utf-8")
    return Reported(Counter({"texts": len(ids)}), Counter({"names": 1}))


@pytest.mark.parametrize("name", EXPORTS)
def test_names_of_exports_and_parts_are_known(name: str) -> None:
    assert name not in {*WRITERS, *list_formats(make_tokenizer(None))}
    suffix = EXPORTS[name].suffix
    assert FILE.fullmatch(f"part-00000-000000{suffix}")
    assert UNFINISHED.fullmatch(f".part-00000-000000{suffix}.0f.unfinished{suffix}")


def test_an_export_gets_docs_and_pipeline_and_its_report_is_printed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXPORTS, "ids", Export("ids", ".json", write_ids))
    for _ in range(2):
        # The second run has nothing to do, and says what all runs lost.
        result = annotate("ids", source, tmp_path / "out")
        assert result.stdout.splitlines()[-2:] == ["left out (4): texts", "chosen (2): names"]
    parts = [(tmp_path / "out" / f"part-00000-00000{i}.json").read_text("utf-8") for i in (0, 1)]
    assert parts == ["zh zh_pipeline a0 a1 a2", "zh zh_pipeline a3"]


@pytest.mark.parametrize("error", [ImportError, ValueError])
def test_what_an_export_lacks_is_said_before_anything_is_written(
    error: type[Exception], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(nlp: Language) -> None:
        raise error(f"{nlp.lang} needs it: pip install 'spacy_str_encoder[ids]'")

    monkeypatch.setitem(EXPORTS, "ids", Export("ids", ".json", write_ids, check))
    result = run("annotate", PIPELINE, source, "-o", tmp_path / "out", "--format", "ids")
    assert result.exit_code == 1
    assert "Error: zh needs it: pip install 'spacy_str_encoder[ids]'\n" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTS)
def test_processes_write_what_one_does(name: str, source: Path, tmp_path: Path) -> None:
    one = annotate(name, source, tmp_path / "one").stdout
    two = annotate(name, source, tmp_path / "two", "--n-process", 2).stdout
    assert one.replace("/one:", "/two:") == two
    assert read_files(tmp_path / "one") == read_files(tmp_path / "two")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_run_that_was_killed_goes_on(name: str, source: Path, tmp_path: Path) -> None:
    annotate(name, source, tmp_path / "expected")
    output = tmp_path / "out"
    annotate(name, source, output)
    manifest = output / "manifest.jsonl"
    lines = manifest.read_text("utf-8").splitlines(keepends=True)
    assert "chunk" in read_lines(manifest)[3]
    # The second part was written, but not noted.
    manifest.write_text("".join(lines[:3]), "utf-8")
    annotate(name, source, output)
    assert read_files(output) == read_files(tmp_path / "expected")
