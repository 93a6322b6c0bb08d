"""The table NOTE_NLP of OMOP: what its columns hold, its limits, and its numbers."""

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from typer.testing import CliRunner

from spacy_str_encoder import Relation, set_attributes, set_codes
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.codes import Code
from spacy_str_encoder.doc.relation import set_score
from spacy_str_encoder.exports.export import Reported
from spacy_str_encoder.exports.omop import read_note_id, write_omop
from spacy_str_encoder.exports.omop.tables import number_part
from spacy_str_encoder.exports.registry import EXPORTS
from spacy_str_encoder.exports.statements import find_reading, read_statements

from .test_convert import read_lines, write_lines

# https://ohdsi.github.io/CommonDataModel/cdm54.html#note_nlp and the DDL for DuckDB of version 5.4
# (github.com/OHDSI/CommonDataModel, inst/ddl/5.4/duckdb).
SPECIFICATION = {
    "note_nlp_id": "integer NOT NULL",
    "note_id": "integer NOT NULL",
    "section_concept_id": "integer",
    "snippet": "varchar(250)",
    "offset": "varchar(50)",
    "lexical_variant": "varchar(250) NOT NULL",
    "note_nlp_concept_id": "integer",
    "note_nlp_source_concept_id": "integer",
    "nlp_system": "varchar(250)",
    "nlp_date": "date NOT NULL",
    "nlp_datetime": "TIMESTAMP",
    "term_exists": "varchar(1)",
    "term_temporal": "varchar(50)",
    "term_modifiers": "varchar(2000)",
}
NUMBERED = (
    "numbers for texts whose identifier is not a whole number; see note_ids.csv in the folder of "
    "each part"
)
WORDS = ["no", "fever", ",", "mild", "cough", "."]
Build = Callable[[Doc], None]


def make_nlp(**omop: Any) -> Language:
    nlp = spacy.blank("en")
    config = {"central": ["Finding"], "inverse": ["Modifier", "Negative"], "omop": omop}
    nlp.add_pipe("str_records", config=config)
    return nlp


def make_doc(nlp: Language) -> Doc:
    """no(Negation) fever(Finding), mild(Degree) cough(Finding)."""
    doc = Doc(nlp.vocab, words=WORDS, spaces=[True, False, True, True, False, False])
    labels = {0: "Negation", 1: "Finding", 3: "Degree", 4: "Finding"}
    doc.ents = [Span(doc, i, i + 1, label) for i, label in labels.items()]
    no, fever, mild, cough = doc.ents
    doc._.relations = [Relation(no, fever, "Negative"), Relation(mild, cough, "Modifier")]
    return doc


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def write(
    folder: Path, docs: Iterable[Doc], nlp: Language, *, ids: Iterable[Any] = (7,)
) -> tuple[list[dict[str, str]], Reported]:
    origins = ({"id": each, "source": "s.txt", "number": i} for i, each in enumerate(ids, start=1))
    pairs = zip(origins, docs, strict=True)
    reported = write_omop(folder / "part", pairs, nlp, "en_x 1.0 abc", "2026-11-30")
    return read_rows(folder / "part" / "note_nlp.csv"), reported


def write_one(folder: Path, build: Build, **omop: Any) -> tuple[list[dict[str, str]], Reported]:
    nlp = make_nlp(**omop)
    doc = make_doc(nlp)
    build(doc)
    return write(folder, [doc], nlp)


def code(code: str, system: str) -> Code:
    return Code(code=code, system=system, display="", score=1.0)


def test_a_row_for_each_entity_with_the_columns_of_the_specification(tmp_path: Path) -> None:
    nlp = make_nlp()
    rows, _ = write(tmp_path, [make_doc(nlp)], nlp)
    assert [*rows[0]] == [*SPECIFICATION]
    assert [row["lexical_variant"] for row in rows] == ["no", "fever", "mild", "cough"]
    assert rows[1] == {
        "note_nlp_id": "2",
        "note_id": "7",
        "section_concept_id": "0",
        "snippet": "no fever, mild cough.",
        "offset": "3",
        "lexical_variant": "fever",
        "note_nlp_concept_id": "0",
        "note_nlp_source_concept_id": "0",
        "nlp_system": "en_x 1.0 abc",
        "nlp_date": "2026-11-30",
        "nlp_datetime": "2026-11-30 00:00:00",
        "term_exists": "N",
        "term_temporal": "",
        "term_modifiers": "Type=Finding; Negation=true; Negative=no",
    }
    assert rows[3]["term_modifiers"] == "Type=Finding; Modifier=mild"


@pytest.mark.parametrize(
    ("attributes", "exists", "temporal", "modifiers"),
    [
        ({"Assertion": "present"}, "Y", "", "Assertion=present"),
        ({"Assertion": "negated"}, "N", "", "Negation=true; Assertion=negated"),
        ({"Assertion": "possible"}, "Y", "", "Uncertain=true; Assertion=possible"),
        ({"Time": "hypothetical"}, "N", "", "Conditional=true; Time=hypothetical"),
        ({"Experiencer": "family"}, "N", "", "Subject=other; Experiencer=family"),
        ({"Time": "past"}, "Y", "past", "Time=past"),
        ({"Time": "planned"}, "N", "planned", "Time=planned"),
        ({"Assertion": "excluded"}, "", "", "Assertion=excluded"),
        (
            {"Assertion": "present", "Experiencer": "uncle"},
            "",
            "",
            "Assertion=present; Experiencer=uncle",
        ),
        (
            {"Assertion": "negated", "Experiencer": "uncle"},
            "N",
            "",
            "Negation=true; Assertion=negated; Experiencer=uncle",
        ),
        ({"a;b": 'say "x"'}, "", "", '"a;b"="say ""x"""'),
    ],
)
def test_attributes(
    attributes: dict[str, str], exists: str, temporal: str, modifiers: str, tmp_path: Path
) -> None:
    [*_, cough], _ = write_one(tmp_path, lambda doc: set_attributes(doc.ents[3], attributes))
    modifiers = f"Type=Finding; {modifiers}; Modifier=mild"
    # Named modifiers come first, so that of the relation is the last one.
    assert cough["term_modifiers"] == modifiers
    assert (cough["term_exists"], cough["term_temporal"]) == (exists, temporal)


class Asserter:
    """Component that would predict attributes."""

    def __init__(self, nlp: Language, name: str) -> None:
        """Take what spaCy gives."""
        values = [("Assertion", value) for value in ("肯定", "否定", "可能", "negated")]
        self.cfg = {"values": values, "defaults": {"Assertion": "肯定"}}

    def __call__(self, doc: Doc) -> Doc:
        return doc


Language.factory("asserter", assigns=["span._.attributes"], func=Asserter)


def test_values_without_a_meaning_are_unknown_and_counted(tmp_path: Path) -> None:
    nlp = make_nlp()
    nlp.add_pipe("asserter")
    doc = make_doc(nlp)
    doc._.relations = []
    for entity, value in zip(doc.ents, ["肯定", "否定", "negated", "可能"], strict=True):
        set_attributes(entity, {"Assertion": value, "Time": "once", "Color": "red"})
    set_attributes(doc.ents[0], {"Assertion": "肯定"})
    rows, reported = write(tmp_path, [doc], nlp)
    assert [row["term_exists"] for row in rows] == ["Y", "", "N", ""]
    assert reported.lost["values of Assertion without a meaning, such as 否定, 可能"] == 2
    # A component that does not list its values may have set it.
    assert reported.lost["values of Time without a meaning"] == 3


def test_only_chosen_attributes_and_relations_are_modifiers(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_attributes(doc.ents[3], {"Assertion": "possible", "Color": "red"})

    [*_, cough], _ = write_one(tmp_path, build, modifiers=["Color"])
    assert cough["term_modifiers"] == "Type=Finding; Uncertain=true; Color=red"


def test_a_pipeline_that_tells_nothing_leaves_term_exists_empty(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["fever"])
    doc.ents = [Span(doc, 0, 1, "Finding")]
    [row], _ = write(tmp_path, [doc], nlp)
    assert (row["term_exists"], row["term_modifiers"]) == ("", "Type=Finding")


class Denier:
    """Component that would predict relations."""

    labels = ("Negative",)

    def __init__(self, nlp: Language, name: str) -> None:
        """Take what spaCy gives."""

    def __call__(self, doc: Doc) -> Doc:
        return doc


Language.factory("denier", assigns=["doc._.relations"], func=Denier)


def test_a_pipeline_that_denies_by_relations_tells_of_all_others_too(tmp_path: Path) -> None:
    nlp = make_nlp()
    nlp.add_pipe("denier")
    rows, _ = write(tmp_path, [make_doc(nlp)], nlp)
    # A negation is no finding that could exist.
    assert [row["term_exists"] for row in rows] == ["", "N", "Y", "Y"]


def test_a_term_without_a_denial_is_no_evidence_of_what_is_observed_of_it(tmp_path: Path) -> None:
    nlp = make_nlp(observed={"Finding": "change"})
    nlp.add_pipe("denier")
    rows, _ = write(tmp_path, [make_doc(nlp)], nlp)
    assert [row["term_exists"] for row in rows] == ["", "N", "Y", ""]


def test_types_that_are_central_are_no_cues(tmp_path: Path) -> None:
    nlp = make_nlp(absent={"Negative": ["negation", "Finding"]})
    nlp.add_pipe("denier")
    rows, _ = write(tmp_path, [make_doc(nlp)], nlp)
    assert [row["term_exists"] for row in rows] == ["", "N", "Y", "Y"]


def test_numbers_of_concepts_are_codes_of_their_system(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        _, fever, mild, cough = doc.ents
        set_codes(fever, [code("R50", "ICD"), code("437663", "OMOP"), code("3", "OMOP source")])
        set_codes(mild, [code("2147483648", "OMOP"), code("9", "OMOP"), code("٣", "OMOP source")])
        set_codes(cough, [code("254761", "OMOP"), code("9", "OMOP")])

    rows, reported = write_one(tmp_path, build)
    names = ("note_nlp_concept_id", "note_nlp_source_concept_id")
    concepts = [tuple(row[name] for name in names) for row in rows]
    assert concepts == [("0", "0"), ("437663", "3"), ("0", "0"), ("254761", "0")]
    reason = "codes and other identifiers that are not used as a concept, which NOTE_NLP can't hold"
    assert reported.lost[reason] == 3
    reason = "concepts whose best code is not a whole number up to 2,147,483,647, which become 0"
    assert reported.lost[reason] == 2


def test_concepts_of_another_system(tmp_path: Path) -> None:
    def build(doc: Doc) -> None:
        set_codes(doc.ents[1], [code("437663", "ours")])

    rows, reported = write_one(tmp_path, build, concept_system="ours")
    assert rows[1]["note_nlp_concept_id"] == "437663"
    assert not any(reason.startswith("codes") for reason in reported.lost)


@pytest.mark.parametrize(
    ("length", "cut", "snippet"),
    [(10, 0, 10 + 2 * 50), (200, 0, 250), (250, 0, 250), (251, 1, 250)],
)
def test_long_terms_are_cut_and_counted(
    length: int, cut: int, snippet: int, tmp_path: Path
) -> None:
    nlp = make_nlp()
    doc = Doc(nlp.vocab, words=["a" * 99, "x" * length, "b" * 100])
    doc.ents = [Span(doc, 1, 2, "Finding")]
    [row], reported = write(tmp_path, [doc], nlp)
    assert row["lexical_variant"] == "x" * min(length, 250)
    assert len(row["snippet"]) == snippet
    reason = "ends of terms after 250 characters, which lexical_variant can't hold"
    assert reported.lost[reason] == cut


def test_modifiers_are_left_out_as_a_whole_and_counted(tmp_path: Path) -> None:
    long = {"A": "x" * 998, "B": "y" * 981, "C": "z"}
    rows, reported = write_one(tmp_path, lambda doc: set_attributes(doc.ents[0], long))
    assert rows[0]["term_modifiers"] == f"Type=Negation; A={long['A']}; B={long['B']}"
    assert len(rows[0]["term_modifiers"]) == 2000
    assert reported.lost["modifiers for which term_modifiers has no room"] == 1


def test_scores_are_counted_and_null_characters_replaced(tmp_path: Path) -> None:
    nlp = make_nlp()
    doc = Doc(nlp.vocab, words=["a\0b", "c"], spaces=[False, False])
    doc.ents = [Span(doc, 0, 1, "Finding")]
    set_score(doc.ents[0], 0.5)
    set_attributes(doc.ents[0], {"Assertion": "present"})
    [row], reported = write(tmp_path, [doc], nlp)
    assert (row["lexical_variant"], row["snippet"]) == ("a b", "a bc")
    assert reported.lost == {
        f"scores of {kind}, which this format can't hold": 1 for kind in ("entities", "attributes")
    }
    assert reported.chosen == {"spaces for null characters, which databases refuse": 2}


def test_cells_keep_line_breaks_and_quotes(tmp_path: Path) -> None:
    nlp = make_nlp()
    doc = Doc(nlp.vocab, words=['"a",\r\nb\rc', "d"])
    doc.ents = [Span(doc, 0, 1, "Finding")]
    write(tmp_path, [doc], nlp)
    number_part(tmp_path / "part", {"note_nlp_id": 4})
    [row] = read_rows(tmp_path / "part" / "note_nlp.csv")
    assert (row["note_nlp_id"], row["lexical_variant"]) == ("5", '"a",\r\nb\rc')


@pytest.mark.parametrize(
    ("identifier", "number"),
    [
        (7, 7),
        ("7", 7),
        (0, 0),
        (2**31 - 1, 2**31 - 1),
        (2**31, None),
        ("9" * 5000, None),
        (-7, None),
        ("007", None),
        ("７", None),
        ("7 ", None),
        (7.0, 7),
        (7.5, None),
        (2.0**31, None),
        (float("nan"), None),
        (True, None),
        ("R7", None),
        ("", None),
        (None, None),
        ([7], None),
    ],
)
def test_identifiers_that_are_numbers(identifier: Any, number: int | None) -> None:
    assert read_note_id(identifier) == number


def test_other_notes_get_negative_numbers_and_a_file_that_maps_them(tmp_path: Path) -> None:
    nlp = make_nlp()
    docs = [make_doc(nlp) for _ in range(4)]
    rows, reported = write(tmp_path, docs, nlp, ids=["R1", 5, "R1", None])
    assert reported.chosen == {NUMBERED: 3}
    assert [row["note_id"] for row in rows[::4]] == ["-1", "5", "-2", "-3"]
    notes = read_rows(tmp_path / "part" / "note_ids.csv")
    assert [(each["note_id"], each["id"], each["number"]) for each in notes] == [
        ("-1", "R1", "1"),
        ("-2", "R1", "3"),
        ("-3", "", "4"),
    ]


def test_whole_numbers_that_texts_share_stay_and_are_counted(tmp_path: Path) -> None:
    nlp = make_nlp()
    rows, reported = write(tmp_path, [make_doc(nlp) for _ in range(3)], nlp, ids=[5, "5", "a\0"])
    assert [row["note_id"] for row in rows[::4]] == ["5", "5", "-1"]
    assert reported.chosen == {
        NUMBERED: 1,
        "texts with the same whole number as another one of their part, as one note": 1,
        "spaces for null characters, which databases refuse": 1,
    }
    [note] = read_rows(tmp_path / "part" / "note_ids.csv")
    assert note["id"] == "a "


def test_entities_of_a_span_group_may_be_nested() -> None:
    nlp = make_nlp()
    doc = make_doc(nlp)
    doc.set_ents([])
    doc.spans["sc"] = [Span(doc, 3, 5, "Finding"), Span(doc, 4, 5, "Finding")]
    doc._.relations = [Relation(doc.spans["sc"][0], doc.spans["sc"][1], "Part")]
    rows = [*read_statements(doc, replace(find_reading(nlp), spans_key="sc"))]
    assert [each.entity.text for each in rows] == ["mild cough", "cough"]
    assert [link.value.text for link in rows[0].links] == ["cough"]


def test_parts_are_numbered_on(tmp_path: Path) -> None:
    nlp = make_nlp()
    docs = [make_doc(nlp) for _ in range(2)]
    write(tmp_path, docs, nlp, ids=["R1", 5])
    last = number_part(tmp_path / "part", {"note_nlp_id": 100, "note_id": 10})
    assert last == {"note_nlp_id": 108, "note_id": 11}
    rows = read_rows(tmp_path / "part" / "note_nlp.csv")
    assert [row["note_nlp_id"] for row in rows] == [str(i) for i in range(101, 109)]
    assert {row["note_id"] for row in rows} == {"-11", "5"}
    [note] = read_rows(tmp_path / "part" / "note_ids.csv")
    assert note["note_id"] == "-11"


def test_numbers_that_are_no_integers_of_32_bits_are_refused(tmp_path: Path) -> None:
    nlp = make_nlp()
    write(tmp_path, [make_doc(nlp)], nlp)
    with pytest.raises(ValueError, match="NOTE_NLP must have at most 2,147,483,647 rows"):
        number_part(tmp_path / "part", {"note_nlp_id": 2**31 - 4})


def test_the_table_loads_by_the_types_of_the_specification(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    nlp = make_nlp()
    docs = [make_doc(nlp) for _ in range(2)]
    set_attributes(docs[0].ents[1], {"Assertion": "a" * 3000, "Time": "past"})
    write(tmp_path, docs, nlp, ids=["R1", 5])
    columns = ", ".join(f'"{name}" {kind}' for name, kind in SPECIFICATION.items())
    base = duckdb.connect()
    base.execute(f"CREATE TABLE note_nlp ({columns})")
    path = tmp_path / "part" / "note_nlp.csv"
    base.execute(f"COPY note_nlp FROM '{path}' (HEADER, AUTO_DETECT false)")
    found = base.execute("SELECT note_nlp_id, note_id, term_exists, term_temporal FROM note_nlp")
    assert found.fetchall()[:2] == [(1, -1, None, None), (2, -1, "N", "past")]
    # DuckDB ignores the lengths of its types.
    for name, kind in SPECIFICATION.items():
        if kind.startswith("varchar"):
            [(length,)] = base.execute(f'SELECT max(length("{name}")) FROM note_nlp').fetchall()
            assert length is None or length <= int(kind.split("(")[1].split(")")[0])


def load(base: Any, part: Path) -> None:
    """Run the statements of the docs, with duckdb's command for a copy."""
    page = Path(__file__).parents[1] / "docs" / "hospital_records.md"
    [statements] = re.findall(r"^```sql load.sql\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    copied = re.sub(r"^\\(copy .*)$", r"\1;", statements, flags=re.M)
    base.execute(copied.replace("omop/part-00000-000000", str(part)))


def test_the_docs_load_rows_into_a_table_with_constraints(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    nlp = make_nlp()
    write(tmp_path, [make_doc(nlp) for _ in range(2)], nlp, ids=["R1", 5])
    columns = ", ".join(f'"{name}" {kind}' for name, kind in SPECIFICATION.items())
    keys = "PRIMARY KEY (note_nlp_id), FOREIGN KEY (note_id) REFERENCES note (note_id)"
    base = duckdb.connect()
    base.execute("CREATE TABLE note (note_id integer PRIMARY KEY, note_source_value varchar(50))")
    base.execute(f"CREATE TABLE note_nlp ({columns}, {keys})")
    base.execute("INSERT INTO note VALUES (5, NULL)")
    with pytest.raises(duckdb.ConstraintException, match="note_id"):
        load(base, tmp_path / "part")
    base.execute("DROP TABLE new_terms; DROP TABLE note_ids; INSERT INTO note VALUES (100, 'R1')")
    load(base, tmp_path / "part")
    # Another archive, in a session of its own.
    base.execute("DROP TABLE new_terms; DROP TABLE note_ids")
    load(base, tmp_path / "part")
    found = base.execute("SELECT note_nlp_id, note_id FROM note_nlp ORDER BY note_nlp_id")
    notes = [100] * 4 + [5] * 4
    assert found.fetchall() == [*enumerate(notes * 2, start=1)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Finding", "pattern": "fever"}])
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    texts = ["fever and fever", "fever", "none", "", "fever"]
    rows = ({"id": f"R{i}", "text": text} for i, text in enumerate(texts))
    return write_lines(tmp_path / "texts.jsonl", *rows)


def annotate(model: Path, source: Path, output: Path, *options: object) -> Any:
    arguments = ("annotate", model, source, "-o", output, "--format", "omop", "--part-size", 2)
    return CliRunner().invoke(app, [*map(str, (*arguments, *options))])


def read_numbers(output: Path) -> list[tuple[str, str, str]]:
    parts = sorted(output.glob("part-*"))
    rows = [row for part in parts for row in read_rows(part / "note_nlp.csv")]
    return [(row["note_nlp_id"], row["note_id"], row["nlp_date"]) for row in rows]


def test_numbers_are_unique_over_all_parts(model: Path, source: Path, tmp_path: Path) -> None:
    result = annotate(model, source, tmp_path / "out", "--date", "2020-02-03")
    assert result.exit_code == 0, result.output
    notes = {"1": "-1", "2": "-1", "3": "-2", "4": "-5"}
    expected = [(row, note, "2020-02-03") for row, note in notes.items()]
    assert read_numbers(tmp_path / "out") == expected
    assert read_lines(tmp_path / "out" / "manifest.jsonl")[0]["settings"]["date"] == "2020-02-03"


def test_numbers_of_a_file_that_has_changed_are_not_used_again(
    model: Path, source: Path, tmp_path: Path
) -> None:
    annotate(model, source, tmp_path / "out")
    write_lines(source, {"id": "new", "text": "fever"})
    annotate(model, source, tmp_path / "out")
    [(row, note, _)] = read_numbers(tmp_path / "out")
    assert (row, note) == ("5", "-6")


def test_a_later_run_keeps_the_date(model: Path, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    annotate(model, source, output, "--date", "2020-02-03")
    write_lines(tmp_path / "more.jsonl", {"id": "new", "text": "fever"})
    assert annotate(model, tmp_path / "*.jsonl", output).exit_code == 0
    assert {date for *_, date in read_numbers(output)} == {"2020-02-03"}
    other = annotate(model, source, output, "--date", "2021-02-03")
    assert "'date' was 2020-02-03, now it is 2021-02-03" in other.stderr


@pytest.mark.parametrize("date", ["tomorrow", "20201130", "2020-02-30", "2020-W05-1", "0"])
def test_a_date_must_be_one(date: str, model: Path, source: Path, tmp_path: Path) -> None:
    result = annotate(model, source, tmp_path / "out", "--date", date)
    assert result.exit_code == 1
    assert f"Error: --date must be a date such as 2026-11-30, got '{date}'" in result.stderr
    result = annotate(model, source, tmp_path / "out", "--date", "2020-02-03", "--format", "jsonl")
    assert "Error: --date requires --format fhir or omop" in result.stderr


def test_the_help_names_each_form_that_databases_take() -> None:
    env = {"COLUMNS": "500", "TERMINAL_WIDTH": "500"}
    lines = CliRunner(env=env).invoke(app, ["annotate", "--help"]).stdout.splitlines()
    [line] = [each for each in lines if "--format " in each and "jsonl" in each]
    assert [name for name in EXPORTS if f" {name} (" not in line] == []
