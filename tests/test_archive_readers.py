"""Records of files: whatever is in them, each is an entry or a rejection."""

import csv
import gzip
import json
import re
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from spacy.tokens import DocBin

from spacy_str_encoder.archive import Fields, find_sources
from spacy_str_encoder.archive.writers import WRITERS as OUTPUTS
from spacy_str_encoder.files import lines
from spacy_str_encoder.files.entries import Entry, Rejection
from spacy_str_encoder.files.readers import READERS, read_to_damage

# Whatever can be encoded: combining marks, right to left, NULs, astral characters.
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=8)


def read(path: Path, fields: Fields | None = None) -> list[Entry | Rejection]:
    name = path.name.removesuffix(".gz")
    reader = READERS[name[name.rfind(".") :]]
    return [item for item, _ in read_to_damage(path, fields or Fields(), read=reader)]


def write_json_lines(path: Path, texts: Sequence[str]) -> None:
    rows = ({"text": text, "id": number} for number, text in enumerate(texts))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def write_json_array(path: Path, texts: Sequence[str]) -> None:
    rows = [{"text": text, "id": number} for number, text in enumerate(texts)]
    path.write_text(json.dumps(rows, indent=2), "utf-8")


def write_csv(path: Path, texts: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))


def write_parquet(path: Path, texts: Sequence[str]) -> None:
    columns = {"id": list(range(len(texts))), "text": pyarrow.array(texts, "string")}
    parquet.write_table(pyarrow.table(columns), path)


def write_docs(path: Path, texts: Sequence[str]) -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in texts]
    for number, doc in enumerate(docs):
        doc.user_data["meta"] = {"id": number}
    DocBin(docs=docs, store_user_data=True).to_disk(path)


WRITERS = {
    ".jsonl": write_json_lines,
    ".json": write_json_array,
    ".csv": write_csv,
    ".tsv": write_csv,
    ".parquet": write_parquet,
    ".spacy": write_docs,
}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", WRITERS)
@given(texts=TEXTS)
def test_texts_and_identifiers_are_read_as_they_were_written(
    suffix: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("texts") / f"texts{suffix}"
    WRITERS[suffix](path, texts)
    items = read(path)
    assert [item.text for item in items if isinstance(item, Entry)] == texts
    identifiers = [item.id for item in items if isinstance(item, Entry)]
    assert list(map(str, identifiers)) == list(map(str, range(len(texts))))
    assert [item.number for item in items] == list(range(1, len(texts) + 1))


@pytest.mark.parametrize("suffix", READERS)
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_become_items_or_one_clear_error(
    suffix: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"any{suffix}"
    path.write_bytes(content)
    try:
        items = read(path)
    except ValueError as error:
        assert re.search("--text-field|the first line is not UTF-8", str(error))
    else:
        assert all(isinstance(item, Entry | Rejection) for item in items)
        numbers = [item.number for item in items]
        assert numbers == sorted(set(numbers))


@given(texts=TEXTS, cut=st.integers(0, 10**6))
def test_a_compressed_file_that_is_cut_off_is_read_up_to_there(
    texts: list[str], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("gzip")
    write_json_lines(folder / "whole.jsonl", texts)
    whole = gzip.compress((folder / "whole.jsonl").read_bytes())
    path = folder / "cut.jsonl.gz"
    path.write_bytes(whole[: cut % len(whole)])
    *items, last = read(path) or [None]
    entries = [item.text for item in items if isinstance(item, Entry)]
    assert entries == texts[: len(entries)]
    # Nothing of a gzip file is an empty one.
    assert (isinstance(last, Rejection) and "can't be read beyond this point" in last.reason) or (
        cut % len(whole) == 0 and last is None
    )


@pytest.mark.parametrize("missing", ['""', '" \\t"', "null", "NaN"])
def test_missing_identifiers_are_none(missing: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(f'{{"text": "a", "id": {missing}, "patient": {missing}}}\n', "utf-8")
    assert read(path, Fields(subject="patient")) == [Entry(1, "a")]


def test_missing_identifiers_of_tables_are_none(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("id,text,patient\n,a,\n0,b, \n", "utf-8")
    assert read(path, Fields(subject="patient")) == [Entry(1, "a"), Entry(2, "b", "0")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"id": 7}', "'text' is missing or null"),
        (b'{"text": 7}', "'text' must be a string, got int"),
        (b'{"text": "\\ud800"}', "can't be written"),
        (b'{"text": "a", "id": Infinity}', "the text or an identifier can't be written"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"text": "12345678901"}', "11 characters, the maximum is 10"),
        (b"[" * 100_000, "can't be read as JSON"),
    ],
)
def test_bad_records_are_rejected_with_their_place(
    line: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n' + line + b'\n{"text": "b"}\n')
    first, bad, last = read(path, Fields(max_length=10))
    assert (first, last) == (Entry(1, "a"), Entry(4, "b"))
    assert isinstance(bad, Rejection) and bad.number == 3 and reason in bad.reason


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a"}\n{"text": "b"}', [Entry(1, "a"), Entry(2, "b")]),
        ('{\n"text": "a",\n"id": 7}', [Entry(1, "a", 7)]),
        ('[{"text": "a"}, 7]', [Entry(1, "a"), Rejection(2, "not a JSON object", "7")]),
        ("[]", []),
        (
            '[{"text": "a"},\n{"text": "b"}',
            [Rejection(1, "the file can't be read beyond this point: not a complete JSON array")],
        ),
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_json_is_an_array_an_object_or_lines(
    content: str, expected: list[Entry | Rejection], compress: bool, tmp_path: Path
) -> None:
    path = tmp_path / f"texts.json{'.gz' * compress}"
    path.write_bytes(gzip.compress(content.encode()) if compress else content.encode())
    assert read(path) == expected


def test_reasons_hold_no_word_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    secrets = ['{"text": "secret', '{"text": ["secret"]}', '"secret"', '{"text": "secret secret"}']
    path.write_text("\n".join(secrets), "utf-8")
    items = read(path, Fields(max_length=6))
    assert len(items) == 4
    for item in items:
        assert isinstance(item, Rejection)
        assert "secret" not in item.reason and "secret" in str(item.content)


def test_a_line_that_would_fill_the_memory_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    path = tmp_path / "long.txt"
    path.write_text("a\n" + "b" * 1000 + "\nc\n" + "d" * 99 + "\n" + "e" * 150, "utf-8")
    items = read(path)
    assert [item.number for item in items] == [1, 2, 3, 4, 5]
    assert [isinstance(item, Entry) for item in items] == [True, False, True, True, False]


def test_rows_of_another_length_than_the_head_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text,id\na,1\nb, with a comma,2\n"c, quoted\nin two lines",3\nd\n', "utf-8")
    first, second, third, fourth = read(path)
    assert first == Entry(1, "a", "1")
    assert isinstance(second, Rejection) and "3 cells" in second.reason
    assert third == Entry(3, "c, quoted\nin two lines", "3")
    assert isinstance(fourth, Rejection) and "1 cell," in fourth.reason


def test_fields_have_other_names(tmp_path: Path) -> None:
    path = tmp_path / "named.jsonl"
    path.write_text('{"report": "a", "case": {"year": 7}}\n', "utf-8")
    assert read(path, Fields(text="report", id="case")) == [Entry(1, "a", {"year": 7})]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_without_the_column_is_one_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{suffix}"
    WRITERS[suffix](path, ["a"])
    columns = {
        ".csv": r"the first line has 2 columns \(id, text\)",
        ".parquet": "the columns are 'id', 'text'",
    }[suffix]
    with pytest.raises(ValueError, match=rf"no column 'report': {columns}; .*--text-field"):
        read(path, Fields(text="report"))


@pytest.mark.parametrize("line", ["1,no stenosis", "a7,Stenosis", "左主干,x", f"{'x' * 21},y"])
def test_a_first_line_that_may_be_a_text_is_not_quoted(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(line, "utf-8")
    told = "no column 'text': the first line has 2 columns; choose"
    with pytest.raises(ValueError, match=told):
        read(tmp_path / "a.csv")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    for name, content in {"a.txt": b"x", "a.jsonl": b'{"text": "x"}', "a.csv": b"text\nx"}.items():
        (tmp_path / name).write_bytes(mark + content)
        assert read(tmp_path / name) == [Entry(1, "x")]


def test_dates_of_a_table_become_text(tmp_path: Path) -> None:
    dates = pyarrow.array([0], pyarrow.date32())
    parquet.write_table(pyarrow.table({"id": dates, "text": ["a"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [Entry(1, "a", "1970-01-01")]


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_a_quote_that_nothing_closes_takes_no_other_rows(
    tmp_path: Path, suffix: str, delimiter: str
) -> None:
    path = tmp_path / f"a{suffix}"
    rows = ["id,text", "1,one", '2,"two', "3,three", '4,"four', '5,"fi', 've"', "6,six"]
    path.write_text("\n".join([*rows, ""]).replace(",", delimiter), "utf-8")
    found = read(path)
    rejected = [(item.number, item.reason) for item in found if isinstance(item, Rejection)]
    assert [number for number, _ in rejected] == [2, 4]
    assert all(reason.endswith("check its quotes") for _, reason in rejected)
    assert [type(item) for item in found] == [Entry, Rejection, Entry, Rejection, Entry, Entry]
    assert [(item.number, item.text) for item in found if isinstance(item, Entry)] == [
        (1, "one"),
        (3, "three"),
        (5, "fi\nve"),
        (6, "six"),
    ]


def test_quotes_of_tables_with_tabs_are_those_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    rows = [
        ["id", "text"],
        ["1", 'a "quoted" word'],
        ["2", '"'],
        ["3", "a\ttab, and\na line"],
        ["4", 'size 5"'],
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, "excel-tab").writerows(rows)
    found = [[item.id, item.text] for item in read(path) if isinstance(item, Entry)]
    assert found == rows[1:]
    # Quotes inside of a cell need no others.
    path.write_text('id\ttext\n1\tsize 5"\n2\tsize 6"\n', "utf-8")
    assert [item.text for item in read(path) if isinstance(item, Entry)] == ['size 5"', 'size 6"']


def test_of_two_columns_of_one_name_none_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,text\n1,a,b\n", "utf-8")
    with pytest.raises(ValueError, match="2 columns have the name 'text'"):
        read(path)


def test_rows_in_another_encoding_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,Ada\n" + "2,无狭窄\n".encode("gb18030"))
    [_, rejected] = read(path)
    assert isinstance(rejected, Rejection) and rejected.reason == "not UTF-8"


@pytest.mark.parametrize("suffix", [".txt", ".jsonl"])
def test_lines_in_utf_16_are_no_texts(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("Ada is ill.\nBo is not.\n", "utf-16")
    [rejected] = read(path)
    assert isinstance(rejected, Rejection) and "iconv -f UTF-16" in rejected.reason


@pytest.mark.parametrize("meta", ["oops", None, {"id": numpy.int64(5)}, {"id": b"5"}])
def test_docs_may_have_any_meta_data(tmp_path: Path, meta: Any) -> None:
    doc = spacy.blank("en")("Ada is ill.")
    doc.user_data["meta"] = meta
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    [item] = read(tmp_path / "a.spacy")
    assert isinstance(item, Rejection) == isinstance(meta, dict)


def test_a_link_is_read_as_its_own_name_says(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_bytes(gzip.compress(b'{"text": "Ada is ill."}\n'))
    (tmp_path / "a.jsonl.gz").symlink_to(store)
    [source], _ = find_sources([str(tmp_path / "a.jsonl.gz")], output=tmp_path / "output")
    assert [item for item, _ in source.read(Fields())] == [Entry(1, "Ada is ill.", None)]


def test_joined_texts_are_read_in_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("Ada is ill.", "utf-8")
    monkeypatch.chdir(tmp_path)
    [source], _ = find_sources(["a.txt"], output=tmp_path / "output", whole_files=True)
    monkeypatch.chdir("/")
    assert [item for item, _ in source.read(Fields())] == [Entry(1, "Ada is ill.", "a.txt")]


def test_a_first_line_that_is_no_head_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,Ada is ill.\n", "utf-8")
    with pytest.raises(ValueError, match="no column 'text'") as caught:
        read(path)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["GB18030", "UTF-16"])
def test_a_head_in_another_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号,报告\n1,左主干无狭窄。\n", encoding)
    advice = rf"the first line is not UTF-8; .* iconv -f .*{encoding}"
    with pytest.raises(ValueError, match=advice):
        read(path, Fields(text="报告"))


def test_without_pyarrow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet.write_table(pyarrow.table({"text": ["a"]}), tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'spacy_str_encoder\[parquet\]'"):
        read(tmp_path / "a.parquet")
    with pytest.raises(ImportError, match=r"pip install 'spacy_str_encoder\[parquet\]'"):
        OUTPUTS["parquet"][1](tmp_path / "b.parquet", [], None)


def test_a_column_of_identifiers_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("nr,text\n1,one\n", "utf-8")
    assert read(path) == [Entry(1, "one", None)]
    with pytest.raises(ValueError, match=r"no column 'number': .* with --id-field"):
        read(path, Fields(id="number"))


def test_blank_rows_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,one\n\n2,two\n", "utf-8")
    assert [item.text for item in read(path) if isinstance(item, Entry)] == ["one", "two"]


def test_identifiers_that_docs_can_not_hold_are_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": {10**30}, "text": "one"}}\n', "utf-8")
    assert read(path) == [Entry(1, "one", str(10**30))]


def test_names_in_capitals_are_known_and_hidden_folders_are_not_read(tmp_path: Path) -> None:
    for name in ("A.TXT", "B.JSONL.GZ", ".trash/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sources, _ = find_sources([str(tmp_path)], output=tmp_path / "out")
    assert [Path(source.name).name for source in sources] == ["A.TXT", "B.JSONL.GZ"]
    with pytest.raises(ValueError, match="must have a name"):
        find_sources([""], output=tmp_path / "out")


def test_files_are_found_by_names_folders_and_patterns(tmp_path: Path) -> None:
    output = tmp_path / "in" / "out"
    for name in ("b.txt", "a.jsonl.gz", "deep/c.csv", "d.pdf", ".hidden.txt", "out/part.jsonl"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"")
    folder, pattern = str(tmp_path / "in"), str(tmp_path / "in" / "*.txt")
    sources, others = find_sources([pattern, folder], output=output)
    found = [Path(source.name).relative_to(folder).as_posix() for source in sources]
    assert found == ["a.jsonl.gz", "b.txt", "deep/c.csv"]
    assert others == [str(tmp_path / "in" / "d.pdf")]


@pytest.mark.parametrize("name", ["missing.txt", "*.missing", "text.pdf", "docs.spacy.gz"])
def test_what_can_not_be_read_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.pdf").touch()
    (tmp_path / "docs.spacy.gz").touch()
    with pytest.raises(ValueError, match=name.replace("*", r"\*")):
        find_sources([str(tmp_path / name)], output=tmp_path / "out")


def test_text_files_can_be_a_text_each(tmp_path: Path) -> None:
    texts = {"a.txt": "one\ntwo", "b.txt": "three", "c.txt": ""}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "d.txt").write_bytes(b"\xff")
    [source], _ = find_sources([str(tmp_path)], output=tmp_path / "out", whole_files=True)
    *entries, bad = [item for item, _ in source.read(Fields())]
    assert {
        Path(entry.id).name: entry.text for entry in entries if isinstance(entry, Entry)
    } == texts
    assert isinstance(bad, Rejection) and bad.number == 4


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_memory_does_not_grow_with_a_file(suffix: str, tmp_path: Path) -> None:
    peaks = []
    for count in (500, 5_000):
        path = tmp_path / f"{count}{suffix}.gz"
        with gzip.open(path, "wt") as file:
            file.writelines(f'{{"text": "{"x" * 500}"}}\n' for _ in range(count))
        tracemalloc.start()
        assert sum(1 for _ in read_to_damage(path, Fields(), read=READERS[suffix])) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
