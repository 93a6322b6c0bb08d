"""Damaged files of annotations, in every format: records, or one clear error."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docs import with_tokens
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.formats.report import ConversionReport

from . import (
    test_format_bioc,
    test_format_docred,
    test_format_gliner2,
    test_format_pubtator,
    test_format_tacred,
    test_format_ubiai,
)

NLP = spacy.blank("zh")
FORMATS = all_formats(NLP)
RECORDS = [
    AnnotatedText(
        "前降支 近段轻度狭窄👍🏽。",
        [AnnotatedEntity(0, 3, "BodyPart"), AnnotatedEntity(4, 6, "Location")],
        [AnnotatedRelation(0, 1, "Position")],
    ),
    AnnotatedText(
        "左主干无狭窄。",
        [AnnotatedEntity(0, 3, "BodyPart"), AnnotatedEntity(3, 4, "Negation")],
        [AnnotatedRelation(1, 0, "Negative")],
    ),
]
# Files in the formats that can only be read.
FILES = {
    "docred": json.dumps([test_format_docred.ITEM]),
    "tacred": json.dumps([test_format_tacred.ITEM]),
    "ubiai": json.dumps([test_format_ubiai.ITEM]),
    "gliner2": json.dumps(test_format_gliner2.WITH_SPANS),
    "pubtator": test_format_pubtator.CONTENT,
    "bioc": f"<?xml version='1.0'?><collection>{test_format_bioc.CONTENT}</collection>",
}


# A folder in a format that can only be read.
WEBANNO = {
    "a.tsv": """#Text=前降支 近段轻度狭窄👍🏽。
1-1\t0-3\t前降支\tBodyPart\t_\t_\t
1-2\t4-6\t近段\tLocation[1]\tPosition\t1-1[0_1]\t
1-3\t6-15\t轻度狭窄👍🏽。\t_\t_\t_\t
""",
    "b.tsv": """#Text=左主干无狭窄。
1-1\t0-4\t左主干无\t_\t_\t_\t
1-1.1\t0-3\t左主干\tBodyPart\tNegative\t1-1.2\t
1-1.2\t3-4\t无\tNegation\t_\t_\t
1-2\t4-7\t狭窄。\t_\t_\t_\t
""",
}
WEBANNO_HEADER = """#FORMAT=WebAnno TSV 3.3
#T_SP=custom.Entity|value
#T_RL=custom.Relation|value|BT_custom.Entity


"""


def write_files(name: str, folder: Path) -> list[Path]:
    """Records in a format: one file, or those of a folder."""
    path = folder / f"records{FORMATS[name].suffix}"
    if name in FILES:
        path.write_text(FILES[name], "utf-8")
        return [path]
    if name == "webanno-tsv":
        path.mkdir()
        for file, content in WEBANNO.items():
            (path / file).write_text(WEBANNO_HEADER + content, "utf-8")
        return sorted(path.iterdir())
    records = with_tokens(RECORDS, NLP) if FORMATS[name].needs_tokens else RECORDS
    FORMATS[name].write(records, path, ConversionReport())
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    kinds = st.sampled_from(["cut", "insert", "replace", "remove", "repeat"])
    pieces = st.binary(min_size=1, max_size=4) | st.sampled_from(
        [b'"', b"{}", b"[", b"null", b"-1", b"1e999", b"\xff", b"\x00"]
    )
    return draw(st.lists(st.tuples(kinds, st.floats(0, 1), pieces), min_size=1, max_size=3))


def damage(content: bytes, kind: str, place: float, piece: bytes) -> bytes:
    at = round(place * len(content))
    before, after = content[:at], content[at:]
    return {
        "cut": before,
        "insert": before + piece + after,
        "replace": before + piece + after[len(piece) :],
        "remove": before + after[len(piece) :],
        "repeat": before + after[:20] + after,
    }[kind]


def test_every_format_is_damaged() -> None:
    assert {*FILES, "webanno-tsv"} == {n for n, each in FORMATS.items() if not each.write}


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in FILES])
def test_what_is_not_damaged_is_read(name: str, tmp_path: Path) -> None:
    write_files(name, tmp_path)
    path = tmp_path / f"records{FORMATS[name].suffix}"
    texts = [record.text for record in FORMATS[name].read(path, ConversionReport())]
    expected = [record.text for record in RECORDS]
    # Columns of tokens have no white space.
    assert texts == ([text.replace(" ", "") for text in expected] if name == "conll" else expected)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=150)
@given(edits=damages(), file=st.integers(0, 9))
def test_a_damaged_file_gives_records_or_one_clear_error(
    name: str, edits: list, file: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(name)
    files = write_files(name, folder)
    path = files[file % len(files)]
    content = path.read_bytes()
    for edit in edits:
        content = damage(content, *edit)
    path.write_bytes(content)
    try:
        records = list(
            FORMATS[name].read(folder / f"records{FORMATS[name].suffix}", ConversionReport())
        )
    except ValueError as error:
        assert "records" in str(error), error
    else:
        assert all(isinstance(record, AnnotatedText) for record in records)
