import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.raw_texts import read_raw_texts
from spacy_str_encoder.formats.report import ConversionReport


def read(*paths: Path) -> tuple[list[AnnotatedText], ConversionReport]:
    report = ConversionReport()
    return read_raw_texts(paths, report), report


def found(records: list[AnnotatedText]) -> list[tuple[str, list[str] | None]]:
    """Texts and words."""
    return [
        (r.text, None if r.tokens is None else [r.text[start:end] for start, end in r.tokens])
        for r in records
    ]


def write_jsonl(path: Path, *items: Any) -> Path:
    path.write_text("\n".join(json.dumps(item) for item in items), "utf-8")
    return path


def test_lines_are_texts_and_blank_ones_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "texts.TXT"
    path.write_bytes("\ufeff前降支\u2028近段\r\n \r\n\nA\x00B\n".encode())
    records, report = read(path)
    assert found(records) == [("前降支\u2028近段", None), ("A\x00B", None)]
    assert report.losses == {"blank texts": 2}


def test_words_come_from_json(tmp_path: Path) -> None:
    items = [{"text": "前降支 近段", "tokens": ["前降支", "近段"]}, {"text": "无", "label": 1}]
    records, _ = read(write_jsonl(tmp_path / "texts.jsonl", *items))
    assert found(records) == [("前降支 近段", ["前降支", "近段"]), ("无", None)]


def test_words_come_from_docs(tmp_path: Path) -> None:
    doc = Doc(spacy.blank("zh").vocab, words=["前降支", " ", "近段"], spaces=[False] * 3)
    DocBin(docs=[doc]).to_disk(tmp_path / "docs.spacy")
    records, _ = read(tmp_path / "docs.spacy")
    assert found(records) == [("前降支 近段", ["前降支", "近段"])]


def test_annotated_files_are_raw_texts_too(tmp_path: Path) -> None:
    spert = {"tokens": ["Ada", "works"], "entities": [], "relations": []}
    records, _ = read(write_jsonl(tmp_path / "spert.jsonl", spert))
    assert found(records) == [("Ada works", ["Ada", "works"])]
    # Offsets that are wrong do no harm.
    wrong = {"text": "Ada", "entities": [{"start": 5, "end": 2, "label": ""}], "relations": 1}
    assert found(read(write_jsonl(tmp_path / "wrong.jsonl", wrong))[0]) == [("Ada", None)]


def test_folders_of_texts_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.TXT").write_text("前", "utf-8")
    write_jsonl(tmp_path / "b.jsonl", {"text": "降"})
    (tmp_path / "more").mkdir()
    (tmp_path / "notes.md").write_text("Not a text.", "utf-8")
    records, report = read(tmp_path)
    assert found(records) == [("前", None), ("降", None)]
    assert report.losses == {"folders, and files of unsupported types": 2}


def test_folders_of_brat_are_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("前\n降", "utf-8")
    (tmp_path / "a.ann").write_text("", "utf-8")
    assert found(read(tmp_path)[0]) == [("前\n降", None)]


@pytest.mark.parametrize(
    "name, content",
    [
        ("bom.txt", "\ufeff狭窄\r\n \r\n无发热\r\n"),
        ("bom.json", '\ufeff[{"text": "狭窄"}, {"text": " "}, {"text": "无发热"}]'),
        ("lines.json", '{"text": "狭窄"}\n{"text": "无发热"}\n'),
        ("list.jsonl", '[{"text": "狭窄"},\n{"text": "无发热"}]'),
        ("bom.jsonl", '\ufeff{"text": "狭窄"}\r\n{"text": ""}\r\n{"text": "无发热"}'),
    ],
)
def test_byte_order_marks_blank_texts_and_names_make_no_difference(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_bytes(content.encode("utf8"))
    assert found(read(tmp_path / name)[0]) == [("狭窄", None), ("无发热", None)]


UNSUPPORTED = "unsupported file; must be texts"
BAD_FILES = {
    "unknown.rtf": (b"text\n", f": {UNSUPPORTED}"),
    "other.csv": (
        b"report\na\n",
        ": no column 'text': the first line has 1 column (report);",
    ),
    "no_suffix": (b"text\n", f": {UNSUPPORTED}"),
    "object.json": (b'{"a": "b"}', f": {UNSUPPORTED}"),
    "null.jsonl": (b'{"text": null}', f": {UNSUPPORTED}"),
    "syntax.json": (b'[\n{"text": }]', ", line 2, column 10: not JSON (Expecting"),
    "syntax.jsonl": (b'{"text": "a"}\n\n{', ", line 3, column 2: not JSON"),
    "deep.json": (b"[" * 200_000, ", line 1: not readable JSON"),
    "digits.jsonl": (b"1" * 5_000, ", line 1: not readable JSON"),
    "no_text.json": (b'[{"text": "a"}, {}]', ", text 2: the field 'text' is missing"),
    "list.jsonl": (b'{"text": "a"}\n["a"]', ", line 2: not a JSON object"),
    "gbk.txt": (b"a\n" + "狭窄".encode("gb18030"), ", line 2: not UTF-8"),
    "gbk.json": (b'[\n"' + "狭窄".encode("gb18030"), ", line 2: not UTF-8"),
    "utf16.txt": ("狭窄".encode("utf-16"), ", line 1: not UTF-8"),
    "lone.jsonl": (b'{"text": "a\\ud83d"}', ", line 1: the text has a lone surrogate"),
    "lone.json": (b'[{"text": "\\udc00"}]', ", text 1: the text has a lone surrogate"),
    "noise.spacy": (b"noise", ": the file is not a DocBin"),
    "other.spacy": (zlib.compress(b"\x80"), ": the file is not a DocBin"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_errors_name_the_file_and_the_place(tmp_path: Path, name: str) -> None:
    content, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="^" + re.escape(f"{tmp_path / name}{message}")):
        read(tmp_path / name)


EMPTY_FILES = {
    "empty.json": b"",
    "empty.txt": b"",
    "blank.txt": b" \n\t\n",
    "blank.jsonl": b'\n{"text": " "}\n',
    "none.json": b"[]",
    "none.spacy": DocBin().to_bytes(),
}


@pytest.mark.parametrize("name", EMPTY_FILES)
def test_files_without_a_text_are_counted(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(EMPTY_FILES[name])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: no texts found$"):
        read(path)
    (tmp_path / "other.txt").write_text("狭窄", "utf-8")
    records, report = read(path, tmp_path / "other.txt")
    assert found(records) == [("狭窄", None)]
    assert report.lost["files without texts"] == [f"{tmp_path}: {name}"]


def test_a_folder_without_texts_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("a", "utf-8")
    with pytest.raises(
        ValueError,
        match=r"no file in this folder ends in \.csv, \.json, \.jsonl, \.ndjson, \.parquet, ",
    ):
        read(tmp_path)


TABLES = {
    "table.csv": "text,n\n狭窄,1\n无发热,2\n",
    "table.tsv": "n\ttext\n1\t狭窄\n2\t无发热\n",
    "lines.jsonl.gz": '{"text": "狭窄"}\n{"text": "无发热"}\n',
    "texts.txt.gz": "狭窄\n\n无发热\n",
    "table.csv.gz": "text\n狭窄\n无发热\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    content = TABLES[name].encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    for path in (tmp_path / name, tmp_path):
        records, report = read(path)
        assert found(records) == [("狭窄", None), ("无发热", None)]
        assert not report.lost


def test_the_field_of_the_text_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("report\n狭窄\n", "utf-8")
    write_jsonl(tmp_path / "b.jsonl", {"report": "无发热"})
    texts = read_raw_texts([tmp_path], ConversionReport(), text_field="report")
    assert [annotated.text for annotated in texts] == ["狭窄", "无发热"]


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,n\na,1\n\xff,2\nb\n")
    records, report = read(tmp_path / "a.csv")
    assert found(records) == [("a", None)]
    assert report.losses == {"texts that can't be read": 2}
