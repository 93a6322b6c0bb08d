"""Columns of tokens and tags: the schemes, what they do not allow, and what is written."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from spacy.training import iob_utils
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.conll import FORMAT
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import counts, detect, read_error
from .token_texts import MISALIGNED, tokenized_texts

SCHEME = "schemes of tags"
LINES = "Ann\tB-P\nLee\tI-P\nmet\tO\nBob\tB-P\n.\tO\n"
RECORD = AnnotatedText(
    "Ann Lee met Bob .",
    [AnnotatedEntity(0, 7, "P"), AnnotatedEntity(12, 15, "P")],
    [],
    [(0, 3), (4, 7), (8, 11), (12, 15), (16, 17)],
    has_relations=False,
)


def read(path: Path, content: str) -> tuple[list[AnnotatedText], ConversionReport]:
    path.write_text(content, "utf-8", newline="")
    report = ConversionReport()
    return list(FORMAT.read(path, report)), report


def write(path: Path, *records: AnnotatedText) -> tuple[str, ConversionReport]:
    report = ConversionReport()
    FORMAT.write(records, path, report)
    return path.read_text("utf-8"), report


# Reading


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_sentences_are_texts(end: str, mark: str, tmp_path: Path) -> None:
    content = f"{mark}\n{LINES}\n \n\n{LINES}".replace("\n", end)
    texts, report = read(tmp_path / "in.conll", content)
    assert texts == [RECORD, RECORD]
    assert [text.place.rsplit(", ")[1] for text in texts] == ["line 2", "line 10"]
    assert report.lost == {}
    assert counts(report.chosen) == {SCHEME: 1}


@pytest.mark.parametrize(
    ("tags", "scheme", "entities"),
    [
        ("O O O O O", "BIO", []),
        ("B-P I-P O B-P O", "BIO", [(0, 2, "P"), (3, 4, "P")]),
        ("B-P B-P I-P B-Q I-Q", "BIO", [(0, 1, "P"), (1, 3, "P"), (3, 5, "Q")]),
        ("I-P I-P O I-Q O", "IOB1", [(0, 2, "P"), (3, 4, "Q")]),
        ("I-P B-P I-P I-Q O", "IOB1", [(0, 1, "P"), (1, 3, "P"), (3, 4, "Q")]),
        ("B-P E-P O S-P S-P", "BIOES", [(0, 2, "P"), (3, 4, "P"), (4, 5, "P")]),
        ("B-P I-P I-P E-P O", "BIOES", [(0, 4, "P")]),
        ("B-P I-P L-P U-Q O", "BIOES", [(0, 3, "P"), (3, 4, "Q")]),
        ("B-P M-P E-P O S-Q", "BIOES", [(0, 3, "P"), (4, 5, "Q")]),
        ("B-P I-P S-P O B-a-B", "BIOS", [(0, 2, "P"), (2, 3, "P"), (4, 5, "a-B")]),
    ],
)
def test_schemes(
    tags: str, scheme: str, entities: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    path = tmp_path / "in.conll"
    lines = [f"{token} {tag}\n" for token, tag in zip("abcde", tags.split(), strict=True)]
    [text], report = read(path, "".join(lines))
    found = [(e.start // 2, (e.end + 1) // 2, e.label) for e in text.entities]
    assert (text.text, found) == ("a b c d e", entities)
    assert report.chosen[SCHEME] == [f"{path}: {scheme}"]


@pytest.mark.parametrize(
    ("tags", "entities", "invalid"),
    [
        ("B-P I-P O I-P O", [(0, 2, "P"), (3, 4, "P")], {4: "I-P"}),
        ("B-P I-Q I-Q O O", [(0, 1, "P"), (1, 3, "Q")], {2: "I-Q I-Q"}),
        ("S-P B-P O I-P E-P", [(0, 1, "P"), (1, 2, "P"), (3, 5, "P")], {2: "B-P", 4: "I-P E-P"}),
        ("S-P I-P E-P E-P O", [(0, 1, "P"), (1, 3, "P"), (3, 4, "P")], {2: "I-P E-P", 4: "E-P"}),
        ("B-P E-Q B-Q E-Q O", [(0, 1, "P"), (1, 2, "Q"), (2, 4, "Q")], {1: "B-P", 2: "E-Q"}),
    ],
)
def test_tags_that_the_scheme_does_not_allow_are_read_and_counted(
    tags: str, entities: list[tuple[int, int, str]], invalid: dict[int, str], tmp_path: Path
) -> None:
    path = tmp_path / "in.conll"
    lines = [f"{token} {tag}\n" for token, tag in zip("abcde", tags.split(), strict=True)]
    [text], report = read(path, "".join(lines))
    assert [(e.start // 2, (e.end + 1) // 2, e.label) for e in text.entities] == entities
    scheme = "BIOES" if "E" in tags else "BIO"
    cases = report.chosen[f"entities whose tags are not {scheme}, read as by conlleval"]
    written = {each[0]: each for each in text.text.split()}
    assert len(cases) == len(invalid)
    for case, (line, sequence) in zip(cases, invalid.items(), strict=True):
        tokens = " ".join(list(written)[line - 1 : line - 1 + len(sequence.split())])
        assert case == f"{path}, line {line}: {tokens!r} ({sequence})"


def test_the_scheme_of_2003_is_the_one_that_allows_more(tmp_path: Path) -> None:
    path = tmp_path / "in.conll"
    [text], report = read(path, "a I-P\nb B-P\nc O\nd B-P\ne I-P\nf I-Q\n")
    places = [(e.start // 2, (e.end + 1) // 2, e.label) for e in text.entities]
    assert places == [(0, 1, "P"), (1, 2, "P"), (3, 5, "P"), (5, 6, "Q")]
    invalid = {"entities whose tags are not IOB1, read as by conlleval"}
    assert report.chosen.keys() == {SCHEME} | invalid
    assert report.chosen[invalid.pop()] == [f"{path}, line 4: 'd e' (B-P I-P)"]


def test_tags_end_with_their_sentence(tmp_path: Path) -> None:
    texts, report = read(tmp_path / "in.conll", "a B-P\n\nb I-P\n\nc B-P\n")
    assert [len(text.entities) for text in texts] == [1, 1, 1]
    assert len(report.chosen["entities whose tags are not BIO, read as by conlleval"]) == 1


def test_the_columns_of_2003(tmp_path: Path) -> None:
    content = """-DOCSTART- -X- -X- O

Ann NNP I-NP I-P
met VBD I-VP O

So RB I-ADVP O

-DOCSTART- -X- -X- O
# # O O
Bob NNP I-NP I-P
"""
    path = tmp_path / "eng.conll"
    texts, report = read(path, content)
    assert [(text.text, text.meta) for text in texts] == [
        ("Ann met", {"document": 1}),
        ("So", {"document": 1}),
        ("# Bob", {"document": 2}),
    ]
    assert [len(text.entities) for text in texts] == [1, 0, 1]
    assert report.lost == {
        "columns between those of tokens and tags": [f"{path}: 2 for each token"]
    }
    assert report.chosen[SCHEME] == [f"{path}: IOB1"]


def test_words_of_scripts_without_spaces_are_joined(tmp_path: Path) -> None:
    [text], _ = read(tmp_path / "in.bio", "前 B-部位\n降 I-部位\n支 I-部位\nLAD O\n狭 O\n")
    assert (text.text, text.entities) == ("前降支 LAD 狭", [AnnotatedEntity(0, 3, "部位")])


def test_tabs_separate_tokens_with_spaces(tmp_path: Path) -> None:
    [text], report = read(tmp_path / "in.iob", "New York\tB-LOC\n\xa0\tO\n#\tO\n#met\tO\n")
    assert text.text == "New York \xa0 # #met"
    assert text.tokens == [(0, 8), (11, 12), (13, 17)]
    assert report.lost == {}


def test_comments_are_counted_as_lost(tmp_path: Path) -> None:
    path = tmp_path / "in.conll"
    content = f"# id = 7\n# I am O or not\n{LINES}#\n# domain en\n###ID\n"
    texts, report = read(path, content)
    assert texts == [RECORD]
    lines = [(1, "# id = 7"), (2, "# I am O or not"), (8, "#"), (9, "# domain en"), (10, "###ID")]
    assert report.lost == {"comments": [f"{path}, line {i}: {line}" for i, line in lines]}
    assert list(FORMAT.read(path, ConversionReport(strict=True))) == texts


@pytest.mark.parametrize("content", ["", "\n\n", "# a comment\n", "-DOCSTART- O\n"])
def test_a_file_without_sentences_has_no_texts(content: str, tmp_path: Path) -> None:
    assert read(tmp_path / "in.conll", content)[0] == []


BAD_LINES = {
    "one column": ("met", "must have 2 columns, as before; got 1"),
    "three columns": ("New York O", "must have 2 columns, as before; got 3"),
    "no tag": ("met\t", "must have 2 columns, as before; got 1"),
    "no token": ("\tO", "a token must not be empty"),
    "another letter": ("met X-P", "such as B-PER; got 'X-P'"),
    "a label alone": ("met PER", "such as B-PER; got 'PER'"),
    "a letter alone": ("met B", "such as B-PER; got 'B'"),
    "an empty label": ("met B-", "such as B-PER; got 'B-'"),
    "zero": ("met 0", "such as B-PER; got '0'"),
}


@pytest.mark.parametrize(("line", "problem"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_file_and_line_of_a_bad_row_are_named(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.conll"
    path.write_text(f"{LINES}\nAnn B-P\n{line}\n\n{LINES}")
    message = read_error(FORMAT, path)
    assert message.startswith(f"{path}, line 8: ")
    assert problem in message
    report = ConversionReport(skip_bad=True)
    assert list(FORMAT.read(path, report)) == [RECORD, RECORD]
    assert report.rejected == [message]


@pytest.mark.parametrize("columns", [1, 5, 10])
def test_other_numbers_of_columns_are_refused(columns: int, tmp_path: Path) -> None:
    path = tmp_path / "bad.conll"
    path.write_text("\t".join(["O"] * columns))
    message = "must have two to four columns, the first for the token and the last for its tag"
    assert read_error(FORMAT, path) == f"{path}, line 1: {message}; got {columns}"


def test_numbered_tokens_are_not_taken_for_tokens(tmp_path: Path) -> None:
    path = tmp_path / "bad.conll"
    path.write_text("1 So O\n2 . O\n\n1 Ann B-P\n2 met O\n3 Bob B-P\n")
    assert read_error(FORMAT, path).startswith(
        f"{path}, line 4: the first column must be the token"
    )


# Writing


def test_two_columns_are_written(tmp_path: Path) -> None:
    content, report = write(tmp_path / "out.conll", RECORD, RECORD)
    assert content == f"{LINES}\n{LINES}\n"
    assert (report.lost, report.chosen) == ({}, {})


def test_relations_overlaps_and_meta_data_are_counted_as_lost(tmp_path: Path) -> None:
    entities = [*RECORD.entities, AnnotatedEntity(4, 11, "X"), AnnotatedEntity(0, 7, "P")]
    record = replace(
        RECORD, entities=entities, relations=[AnnotatedRelation(0, 1, "R")], meta={"id": 7}
    )
    content, report = write(tmp_path / "out.conll", record)
    assert content == f"{LINES}\n"
    assert report.losses == {
        "unsupported fields of the metadata (id)": 1,
        "relations, which this format can't hold": 1,
        "entities that overlap another entity": 1,
        "duplicate entities": 1,
    }


def test_white_space_that_is_lost_is_counted(tmp_path: Path) -> None:
    record = AnnotatedText("Bob  met.", [], [], [(0, 3), (5, 8), (8, 9)])
    content, report = write(tmp_path / "out.conll", record)
    assert content == "Bob\tO\nmet\tO\n.\tO\n\n"
    assert counts(report.lost) == {"texts with other white space than one space": 1}


def test_tokens_are_split_at_white_space(tmp_path: Path) -> None:
    entities = [AnnotatedEntity(0, 8, "L"), AnnotatedEntity(9, 12, "a b")]
    record = AnnotatedText("New York met", entities, [], [(0, 8), (9, 12)])
    content, report = write(tmp_path / "out.conll", record)
    assert content == "New\tB-L\nYork\tI-L\nmet\tO\n\n"
    assert counts(report.lost) == {"entities whose label has white space": 1}
    assert counts(report.chosen) == {"texts with white space in tokens, which are split there": 1}


def test_a_text_that_begins_with_a_mark_of_documents_is_named(tmp_path: Path) -> None:
    record = AnnotatedText("-DOCSTART-", [], [], [(0, 10)])
    _, report = write(tmp_path / "out.conll", record)
    assert counts(report.chosen) == {"texts that begin with a mark of documents": 1}
    assert read(tmp_path / "again.conll", "-DOCSTART-\tO\n\n")[0] == []


def split_words(record: AnnotatedText) -> list[tuple[int, int]]:
    """The runs of characters other than white space (and byte order marks) in tokens."""
    words: list[tuple[int, int]] = []
    for start, end in record.tokens or []:
        reached = -1
        for i in range(start, end):
            if record.text[i].isspace() or record.text[i] == "\ufeff":
                continue
            if reached == i:
                words[-1] = (words[-1][0], i + 1)
            else:
                words.append((i, i + 1))
            reached = i + 1
    return words


def index(spans: list[tuple[int, int]]) -> tuple[dict[int, int], dict[int, int]]:
    """The numbers of spans by their start, and by their end."""
    starts = {start: i for i, (start, _) in enumerate(spans)}
    return starts, {end: i for i, (_, end) in enumerate(spans)}


@given(record=tokenized_texts())
def test_what_columns_can_hold_is_read_as_it_was_written(
    record: AnnotatedText, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("conll") / "out.conll"
    content, report = write(path, record)
    words = split_words(record)
    starts, ends = (
        {start: i for i, (start, _) in enumerate(words)},
        {e: i for i, (_, e) in enumerate(words)},
    )
    lost: Counter[str] = Counter()
    spans: list[tuple[int, int, str]] = []
    for place in dict.fromkeys(entity.place for entity in record.entities):
        start, end, label = place
        if any(map(str.isspace, label)):
            lost["entities whose label has white space"] += 1
        elif not (start in starts and end in ends and starts[start] <= ends[end]):
            lost[MISALIGNED] += 1
        else:
            spans.append((starts[start], ends[end] + 1, label))
    flat: list[tuple[int, int, str]] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not flat or span[0] >= flat[-1][1]:
            flat.append(span)
    lost["entities that overlap another entity"] = len(spans) - len(flat)
    lost["relations, which this format can't hold"] = len(record.relations)
    lost.update(f"unsupported fields of the metadata ({name})" for name in record.meta)
    lost["duplicate entities"] = len(record.entities) - len({e.place for e in record.entities})
    texts, reread = read(path, content)
    assert reread.lost == {}
    assert reread.chosen.keys() <= {SCHEME}
    if not words:
        assert texts == []
        lost["texts without words"] = 1
    else:
        [text] = texts
        lost["texts with other white space than one space"] = int(text.text != record.text)
        tokens = text.tokens or []
        assert [text.text[a:b] for a, b in tokens] == [record.text[a:b] for a, b in words]
        first, last = (
            {a: i for i, (a, _) in enumerate(tokens)},
            {b: i for i, (_, b) in enumerate(tokens)},
        )
        assert [(first[e.start], last[e.end] + 1, e.label) for e in text.entities] == flat
    assert report.losses == +lost


def test_spacy_reads_the_tags(tmp_path: Path) -> None:
    content, _ = write(tmp_path / "out.conll", RECORD)
    tags = [line.split("\t")[1] for line in content.splitlines() if line]
    assert iob_utils.iob_to_biluo(tags) == ["B-P", "L-P", "O", "U-P", "O"]


# The command


@pytest.mark.parametrize("suffix", [".conll", ".bio", ".iob", ".CONLL"])
def test_the_format_is_detected_by_the_name(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"in{suffix}").write_text(LINES)
    assert detect(tmp_path / f"in{suffix}") == "conll"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_folder_may_hold_all_of_its_suffixes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.conll", "b.bio", "c.iob"):
        (tmp_path / "in" / name).write_text(LINES)
    (tmp_path / "in" / "notes.md").touch()
    run(tmp_path / "in", "-o", tmp_path / "out", "--strict")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.spacy", "b.spacy", "c.spacy"}


@pytest.mark.parametrize("name", ["train.txt", "train.tsv"])
def test_other_names_need_the_format(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LINES)
    output = tmp_path / "out.conll"
    printed = run(tmp_path / name, "-o", output, "--from", "conll", "--to", "conll")
    assert printed.startswith(f"{output}: 1 text\n")
    assert output.read_text() == f"{LINES}\n"


def test_documents_stay_together_in_a_split(tmp_path: Path) -> None:
    documents = [f"-DOCSTART-\tO\n\n{LINES}\n{LINES}\n" for _ in range(4)]
    (tmp_path / "all.conll").write_text("".join(documents))
    options = ("--to", "jsonl", "--split", "1:1", "--group-by", "document")
    run(tmp_path / "all.conll", "-o", tmp_path / "out", *options)
    parts = [(tmp_path / "out" / f"{part}.jsonl").read_text() for part in ("train", "dev")]
    assert [part.count('"document"') for part in parts] == [4, 4]
    assert [sum(f'"document": {i}' in part for part in parts) for i in (1, 2, 3, 4)] == [1] * 4
