"""The command `convert`: attributes of entities are kept, or counted where a format has none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_str_encoder.formats.annotated_text import AnnotatedEntity, AnnotatedText
from spacy_str_encoder.formats.docbin import docbin_format
from spacy_str_encoder.formats.docs import from_docs, make_tokenizer, to_docs
from spacy_str_encoder.formats.entities import without_repeats
from spacy_str_encoder.formats.registry import all_formats, read_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.sources import Findings, Source, inspect_sources

from .test_convert import read_lines, run, write_lines

NLP = spacy.blank("en")
FORMATS = all_formats(make_tokenizer("en"))
TEXT = "No fever, cough"
# "eve" is a part of a token.
FEVER, EVE, COUGH = (3, 8, "Sign"), (4, 7, "Sign"), (10, 15, "Sign")
NEGATED, POSSIBLE = {"Assertion": "negated"}, {"Assertion": "possible"}
CONFUSING = ["label-studio", "brat", "uima"]
KEEPING = ["spacy", "jsonl", *CONFUSING]
WRITTEN = [name for name, each in FORMATS.items() if each.write]
UNHELD = "attributes, which this format can't hold"
FURTHER = "further values of an attribute"

Attributes = dict[str, str] | None


def make_text(
    *attributes: Attributes, places: Sequence[tuple[int, int, str]] = (FEVER, COUGH)
) -> AnnotatedText:
    pairs = zip(places, attributes, strict=True)
    return AnnotatedText(TEXT, [AnnotatedEntity(*place, each) for place, each in pairs], [])


def write(name: str, path: Path, *texts: AnnotatedText) -> Path:
    if name == "uima":
        pytest.importorskip("cassis")
    FORMATS[name].write(texts, path, ConversionReport(strict_all=True))
    return path


def list_attributes(path: Path) -> list[list[Attributes]]:
    return [[e.get("attributes") for e in item["entities"]] for item in read_lines(path)]


def read_file(path: Path) -> str:
    docs = DocBin().from_disk(path).get_docs(Vocab()) if path.suffix == ".spacy" else None
    return path.read_text("utf-8") if docs is None else str([(d, d.user_data) for d in docs])


# What formats keep


def test_formats_say_what_they_keep() -> None:
    assert [name for name, each in FORMATS.items() if each.keeps_attributes] == [
        *KEEPING,
        "webanno-tsv",
    ]
    confusing = [name for name, each in FORMATS.items() if each.confuses_missing_attributes]
    assert confusing == [*CONFUSING, "webanno-tsv"]


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in KEEPING])
def test_each_attribute_that_a_format_can_not_hold_is_counted(name: str, tmp_path: Path) -> None:
    entities = [
        {"start": 3, "end": 8, "label": "Sign", "attributes": {**NEGATED, "Of": "family"}},
        {"start": 10, "end": 15, "label": "Sign", "attributes": {}},
    ]
    relations = [{"head": 0, "tail": 1, "label": "with"}]
    item = {"text": TEXT, "entities": entities, "relations": relations}
    path = write_lines(tmp_path / "in.jsonl", item)
    output = tmp_path / "out"
    result = run(path, "-o", output, "--to", name, "--lang", "en")
    assert result.exit_code == 0, result.output
    assert f"left out (2): {UNHELD}\n" in result.stdout
    assert "line 1: 'Assertion=negated' of 'fever' (Sign, 3-8)\n" in result.stdout
    written = "".join(map(read_file, output.iterdir()))
    assert "fever" in written and "negated" not in written and "family" not in written
    assert run(path, "-o", output, "--to", name, "--lang", "en", "--strict").exit_code == 1


@pytest.mark.parametrize("name", KEEPING)
def test_attributes_come_back(name: str, tmp_path: Path) -> None:
    path = write(name, tmp_path / f"in{FORMATS[name].suffix}", make_text(NEGATED, {}))
    result = run(path, "-o", tmp_path / "out.jsonl", "--to", "jsonl", "--from", name, "--strict")
    assert result.exit_code == 0, result.output
    assert list_attributes(tmp_path / "out.jsonl") == [[NEGATED, {}]]


# Unannotated attributes, or none


@pytest.mark.parametrize("name", CONFUSING)
def test_one_attribute_in_any_file_makes_the_others_annotated(name: str, tmp_path: Path) -> None:
    suffix = FORMATS[name].suffix
    first = write(name, tmp_path / f"a{suffix}", make_text(None, None), make_text(None, None))
    last = write(name, tmp_path / f"b{suffix}", make_text(None, None), make_text(None, NEGATED))
    output = tmp_path / "out"
    options = ("-o", output, "--to", "jsonl", "--from", name)
    assert run(first, *options).exit_code == 0
    assert list_attributes(output / "a.jsonl") == [[None, None]] * 2
    assert run(first, last, *options, "--strict").exit_code == 0
    assert list_attributes(output / "a.jsonl") == [[{}, {}]] * 2
    assert list_attributes(output / "b.jsonl") == [[{}, {}], [{}, NEGATED]]


def test_parts_of_a_split_are_one_input(tmp_path: Path) -> None:
    texts = [replace(make_text(None, None), text=f"{TEXT} {i}") for i in range(5)]
    path = write("brat", tmp_path / "in", *texts, make_text(None, NEGATED))
    output = tmp_path / "out"
    assert run(path, "-o", output, "--to", "jsonl", "--split", "1:1").exit_code == 0
    found = list_attributes(output / "train.jsonl") + list_attributes(output / "dev.jsonl")
    assert len(found) == 6 and sorted(map(str, found)) == sorted(
        map(str, [[{}, {}]] * 5 + [[{}, NEGATED]])
    )


def test_files_of_other_formats_say_nothing_about_it(tmp_path: Path) -> None:
    one = write("brat", tmp_path / "a", make_text(None, None))
    other = write("jsonl", tmp_path / "b.jsonl", make_text(None, NEGATED))
    output = tmp_path / "out"
    assert run(one, other, "-o", output, "--to", "jsonl").exit_code == 0
    assert list_attributes(output / "a.jsonl") == [[None, None]]
    assert list_attributes(output / "b.jsonl") == [[None, NEGATED]]


WRITTEN_AS_NONE = "chosen ({}): entities with unannotated attributes, written as none"


@pytest.mark.parametrize("name", CONFUSING)
def test_unannotated_attributes_that_become_none_are_counted(name: str, tmp_path: Path) -> None:
    texts = make_text(None, NEGATED), make_text({}, None)
    path = write("jsonl", tmp_path / "in.jsonl", *texts)
    result = run(path, "-o", tmp_path / "out", "--to", name, "--lang", "en")
    assert result.exit_code == 0, result.output
    assert WRITTEN_AS_NONE.format(2) in result.stdout
    assert "line 1: 'fever' (Sign, 3-8)" in result.stdout
    assert "line 2: 'cough' (Sign, 10-15)" in result.stdout
    [output] = (tmp_path / "out").iterdir()
    assert run(output, "-o", tmp_path / "back.jsonl", "--to", "jsonl").exit_code == 0
    assert list_attributes(tmp_path / "back.jsonl") == [[{}, NEGATED], [{}, {}]]


@pytest.mark.parametrize("name", CONFUSING)
def test_another_file_with_attributes_counts(name: str, tmp_path: Path) -> None:
    one = write("jsonl", tmp_path / "a.jsonl", make_text(None, None))
    other = write("jsonl", tmp_path / "b.jsonl", make_text(NEGATED, POSSIBLE))
    result = run(one, other, "-o", tmp_path / "out", "--to", name, "--lang", "en")
    assert WRITTEN_AS_NONE.format(2) in result.stdout, result.output


@pytest.mark.parametrize(
    ("source", "target", "attributes"),
    [
        # The whole input has none.
        *[("jsonl", name, [None, None]) for name in CONFUSING],
        # All are annotated, or the format can tell.
        *[("jsonl", name, [{}, NEGATED]) for name in CONFUSING],
        *[("jsonl", name, [None, NEGATED]) for name in ("spacy", "jsonl")],
        # Those of the source are read as annotated.
        ("brat", "label-studio", [None, NEGATED]),
        # These are lost, which is counted.
        ("jsonl", "doccano", [None, NEGATED]),
    ],
)
def test_nothing_is_counted_where_nothing_is_chosen(
    source: str, target: str, attributes: list[Attributes], tmp_path: Path
) -> None:
    path = write(source, tmp_path / f"in{FORMATS[source].suffix}", make_text(*attributes))
    result = run(path, "-o", tmp_path / "out", "--to", target, "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "unannotated attributes" not in result.output


def test_all_is_found_in_the_same_pass(tmp_path: Path) -> None:
    path = write("brat", tmp_path / "in", make_text(None, NEGATED, places=(FEVER, EVE)))
    reads: list[Path] = []

    def read(path: Path, report: ConversionReport) -> Any:
        reads.append(path)
        return FORMATS["brat"].read(path, report)

    source = Source(path, replace(FORMATS["brat"], read=read))
    expected = Findings(
        overlaps=True,
        annotated_attributes=True,
        annotated_relations=False,
        attributes=True,
        rejected=[],
    )
    assert inspect_sources([source]) == expected
    assert reads == [path]


def test_docs_that_are_read_of_any_format_know_it_too(tmp_path: Path) -> None:
    path = write("brat", tmp_path / "in", make_text(None, None), make_text(None, NEGATED))
    docs = list(read_docs(path, NLP, ConversionReport()))
    assert [[ent._.attributes for ent in doc.ents] for doc in docs] == [[{}, {}], [{}, NEGATED]]


# Docs


def test_entities_that_do_not_align_keep_theirs(tmp_path: Path) -> None:
    text = make_text(NEGATED, POSSIBLE, {}, places=(FEVER, EVE, COUGH))
    docbin = docbin_format(NLP, spans_key="sc")
    docbin.write([text], tmp_path / "a.spacy", ConversionReport())
    [found] = docbin.read(tmp_path / "a.spacy", ConversionReport(strict_all=True))
    assert sorted(found.entities, key=str) == sorted(text.entities, key=str)


def test_flat_docs_drop_those_of_entities_that_are_left_out() -> None:
    inner, outer = (3, 8, "Sign"), (0, 8, "Finding")
    text = make_text(NEGATED, POSSIBLE, places=(inner, outer))
    [flat] = to_docs([text], NLP, ConversionReport())
    assert [ent._.attributes for ent in flat.ents] == [POSSIBLE]
    [found] = from_docs([flat], ConversionReport(strict_all=True))
    assert found.entities == [AnnotatedEntity(*outer, POSSIBLE)]
    flat.ents = [flat.char_span(*inner[:2], label="Sign")]
    assert flat.ents[0]._.attributes is None


@pytest.mark.parametrize(
    ("attributes", "merged", "lost"),
    [
        ([NEGATED, POSSIBLE], NEGATED, 1),
        ([NEGATED, NEGATED], NEGATED, 0),
        ([NEGATED, {"Of": "family"}], {**NEGATED, "Of": "family"}, 0),
        ([None, NEGATED], NEGATED, 0),
        ([NEGATED, None], NEGATED, 0),
        ([{}, NEGATED], NEGATED, 0),
        ([None, {}], {}, 0),
        ([None, None], None, 0),
    ],
)
def test_duplicates_are_merged(attributes: list[Attributes], merged: Attributes, lost: int) -> None:
    text, report = make_text(*attributes, places=(FEVER, FEVER)), ConversionReport()
    assert without_repeats(text, report).entities == [AnnotatedEntity(*FEVER, merged)]
    assert report.losses == {"duplicate entities": 1} | ({FURTHER: lost} if lost else {})
    [doc] = to_docs([text], NLP, ConversionReport())
    assert doc.ents[0]._.attributes == merged
    assert [entity.attributes for entity in text.entities] == attributes
