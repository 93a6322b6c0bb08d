"""The names that documents get as files."""

from pathlib import Path, PurePosixPath
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.document_names import name_documents
from spacy_str_encoder.formats.report import ConversionReport

ids = st.one_of(
    st.none(),
    st.integers(),
    st.sampled_from(["000001", "000002", "a", "A", "a/b", "a/b/c", "../a", "\xe9", "e\u0301"]),
    st.text(max_size=5),
    st.lists(st.text("ab./ \\\n", max_size=3), max_size=4).map("/".join),
)


def name(*document_ids: object) -> tuple[list[str], ConversionReport]:
    report = ConversionReport()
    records = [AnnotatedText("", [], [], meta={"id": id_}) for id_ in document_ids]
    return [name for name, _ in name_documents(records, report)], report


@given(st.lists(ids, max_size=8))
def test_names_stay_in_the_folder_and_no_two_are_the_same(document_ids: list[object]) -> None:
    names, _ = name(*document_ids)
    assert len({normalize("NFD", name).casefold() for name in names}) == len(document_ids)
    for each in names:
        path = PurePosixPath(each)
        assert each == str(path)
        assert not path.is_absolute()
        assert not any(part.startswith(".") for part in path.parts)
        assert "\\" not in each


@given(document_ids=st.lists(ids, max_size=8))
def test_every_document_can_be_written(
    document_ids: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("documents")
    names, _ = name(*document_ids)
    for each in names:
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{each}.txt").write_text(each)
    assert {path.read_text() for path in folder.rglob("*.txt")} == set(names)


@pytest.mark.parametrize(
    "document_id",
    [
        "doc-1",
        "PMID 12.a",
        "病历/第１号",
        "a (1)/b",
        "x" * 200,
        "word.txt",
        17,
        "console",
        "com",
        "com10",
        "a.con",
    ],
)
def test_an_id_that_is_a_path_in_the_folder_is_the_name(document_id: object) -> None:
    names, report = name(document_id)
    assert names == [str(document_id)]
    assert not report.chosen


@pytest.mark.parametrize(
    "document_id",
    [
        *["", ".", "..", "../a", "/a", "a/", "a//b", "a/../b", ".hidden", "a/.b", " a", "a ", "a."],
        *["a:b", "a\\b", "a\nb", "a\0b", "a?", "a*", 'a"', "<a>", "a|b", "x" * 201, "字" * 67],
        *["a.txt/b", "a.ANN/b", 1.5, True, ["a"], "x" * 5000, "x/" * 2500 + "x", "字/" * 50 + "x"],
        *["con", "nul", "NUL.", "aux.txt", "COM1", "lpt9.a.b", "a/PRN", "com\xb9/a", "con .x"],
    ],
)
def test_any_other_id_gives_way_to_a_number_and_is_reported(document_id: object) -> None:
    names, report = name("a", document_id)
    assert names == ["a", "000002"]
    [[case]] = report.chosen.values()
    assert repr(document_id) in case


def test_a_number_that_is_an_id_is_not_taken_twice() -> None:
    names, report = name("000002", None, "000002", "000003")
    assert names == ["000002", "000003", "000004", "000005"]
    assert [len(cases) for cases in report.chosen.values()] == [3]


@pytest.mark.parametrize("other", ["CAF\xc9", "cafe\u0301", "caf\xe9"])
def test_ids_that_some_file_systems_take_for_the_same_are_not_both_names(other: str) -> None:
    assert name("caf\xe9", other)[0] == ["caf\xe9", "000002"]


def test_records_without_id_are_numbered_and_nothing_is_reported() -> None:
    report = ConversionReport()
    named = name_documents([AnnotatedText("a", [], []), AnnotatedText("b", [], [])], report)
    assert [(name, record.text) for name, record in named] == [("000001", "a"), ("000002", "b")]
    assert report == ConversionReport()
