"""Losses of `convert`: most entities are not lost without being asked, and remedies are named."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.formats.remedies import REMEDIES
from spacy_str_encoder.formats.report import ConversionReport, summarize

from .test_convert import read_spacy, run, run_error, write_lines

CHINESE = "前降支近段轻度狭窄约三成，回旋支未见明显狭窄。"


def make_item(text: str, *places: tuple[int, int], **fields: Any) -> dict[str, Any]:
    entities = [{"start": start, "end": end, "label": "P"} for start, end in places]
    return {"text": text, "entities": entities, "relations": [], **fields}


IN_WORDS = make_item("Anna met Bobby.", (0, 2), (9, 12))
WHOLE = make_item("Anna met Bobby.", (0, 4), (9, 14))


def test_chinese_read_as_english_is_an_error_that_names_the_language(tmp_path: Path) -> None:
    places = [(0, 3), (3, 5), (5, 9), (9, 12), (13, 16), (16, 18), (18, 20), (20, 22)]
    # The language is not asked where the file has tokens.
    known = make_item("Ann", (0, 3), tokens=["Ann"])
    path = write_lines(tmp_path / "in.jsonl", make_item(CHINESE, *places), known)
    assert run_error(path, "-o", tmp_path / "out", "--lang", "en") == (
        "89 % of the entities do not align with words: the language is en, the text looks "
        "Chinese; use --lang zh; --allow-loss leaves them out"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "fields", "expected"),
    [
        (
            ["--lang", "en"],
            {},
            "the language is en; use another --lang if it is wrong; `convert --alignment expand` "
            "moves them to the borders of words",
        ),
        (
            [],
            {"tokens": ["Anna", "met", "Bobby", "."]},
            "the words are the tokens of the input; `convert --alignment expand` moves them to the "
            "borders of words",
        ),
    ],
)
@pytest.mark.parametrize("target", ["spacy", "spert", "conll"])
def test_other_texts_name_other_remedies(
    options: list[str], fields: dict[str, Any], expected: str, target: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", {**IN_WORDS, **fields})
    message = run_error(path, "-o", tmp_path / "out", "--to", target, *options)
    problem = "100 % of the entities do not align with words"
    assert message == f"{problem}: {expected}; --allow-loss leaves them out"
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]


def test_half_of_the_entities_of_all_files_may_be_lost(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / f"{name}.jsonl", item)
        for name, item in {"a": WHOLE, "b": IN_WORDS}.items()
    ]
    output = tmp_path / "out"
    result = run(*paths, "-o", output, "--lang", "en")
    assert result.exit_code == 0 and "(2): entities that do not align" in result.stdout
    # One more is too many, and then the file without losses is not written either.
    write_lines(paths[1], IN_WORDS, make_item("Anna", (1, 2)))
    error = run_error(*paths, "-o", tmp_path / "new", "--lang", "en")
    assert error.startswith("60 % of the entities do not align")
    assert not (tmp_path / "new").exists()


def test_an_earlier_output_stays_where_a_later_file_fails(tmp_path: Path) -> None:
    output = tmp_path / "out.spacy"
    path = write_lines(tmp_path / "in.jsonl", WHOLE)
    run(path, "-o", output, "--lang", "en")
    write_lines(path, IN_WORDS)
    run_error(path, "-o", output, "--lang", "en")
    [doc] = read_spacy(output)
    assert [ent.text for ent in doc.ents] == ["Anna", "Bobby"]


def test_the_loss_can_be_allowed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", IN_WORDS)
    result = run(path, "-o", tmp_path / "out.spacy", "--lang", "en", "--allow-loss")
    assert result.exit_code == 0
    [doc] = read_spacy(tmp_path / "out.spacy")
    assert doc.ents == ()


OVERLAPPING = make_item("Anna met Bobby.", (0, 8), (0, 4), (5, 8))


def test_overlapping_entities_count_unless_they_are_left_out_on_purpose(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", OVERLAPPING)
    error = run_error(path, "-o", tmp_path / "out.conll", "--lang", "en")
    assert error == (
        "67 % of the entities would be lost, most of them entities that overlap another entity; "
        "--allow-loss leaves them out"
    )
    assert run(path, "-o", tmp_path / "out.conll", "--lang", "en", "--flat").exit_code == 0
    # Docs hold all of them.
    assert run(path, "-o", tmp_path / "out.spacy", "--lang", "en").exit_code == 0


def test_lost_in_reading_counts_once(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", make_item("Anna  met", (0, 4), (4, 5), (5, 6)))
    error = run_error(path, "-o", tmp_path / "out.jsonl")
    assert error.startswith("67 % of the entities would be lost, most of them entities without")


def test_invalid_texts_that_are_skipped_do_not_count(tmp_path: Path) -> None:
    invalid = make_item("Ann", *[(0, 9)] * 8)
    path = write_lines(tmp_path / "in.jsonl", WHOLE, invalid)
    result = run(path, "-o", tmp_path / "out.jsonl", "--skip-bad")
    assert result.exit_code == 3


# Remedies


def test_a_line_names_its_remedy_below_its_cases() -> None:
    report = ConversionReport()
    report.lose("things", "line 1", "it")
    report.choose("others (of two)", "line 2", "that")
    report.choose("others without one", "line 3", "that")
    assert summarize(report, {"things": "keep them", "others": "name one"}) == [
        "left out (1): things",
        "  line 1: it",
        "  remedy: keep them",
        "chosen (1): others (of two)",
        "  line 2: that",
        "  remedy: name one",
        "chosen (1): others without one",
        "  line 3: that",
    ]


def test_remedies_name_options_of_the_command() -> None:
    found = {word.strip(",;`") for each in REMEDIES.values() for word in each.split()}
    options = {word for word in found if word.startswith("--")}
    text = run("--help").stdout
    assert options and all(option in text for option in options)


@pytest.mark.parametrize(
    ("name", "content", "options", "remedy"),
    [
        ("a.jsonl", json.dumps(OVERLAPPING), ["--flat"], "--spans-key sc"),
        ("a.jsonl", json.dumps(make_item("Anna met", (0, 4), (5, 6))), [], "--alignment expand"),
        ("a.jsonl", '{"text": "Ann", "entities": [[0, 3, "P"]]}', [], "--relations none"),
        ("a.ann", "T1\tP 0 4\tAnna\nE1\tP:T1\n", [], "--events relations"),
        ("a.ann", "T1\tP 0 4\tAnna\n", [], "--relations none"),
    ],
)
def test_losses_and_choices_name_options(
    name: str, content: str, options: list[str], remedy: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Anna", "utf-8")
    (tmp_path / name).write_text(content, "utf-8")
    result = run(tmp_path / name, "-o", tmp_path / "out.spacy", "--lang", "en", *options)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("  remedy: ")]
    assert any(remedy in line for line in lines)


# Inputs without any entity


def convert_without_entities(tmp_path: Path, *options: str, items: int = 2) -> str:
    path = write_lines(tmp_path / "in.jsonl", *[make_item(f"Anna {i}") for i in range(items)])
    result = run(path, "-o", tmp_path / "in.spacy", "--from", "jsonl", "--lang", "en", *options)
    assert result.exit_code == 0
    return result.stdout


def test_an_input_without_entities_is_unannotated(tmp_path: Path) -> None:
    lines = convert_without_entities(tmp_path).splitlines()[1:]
    # Nothing more is said of their relations.
    assert [line for line in lines if "line" not in line] == [
        "chosen (2): texts with unannotated entities: the whole input has none",
        "  remedy: --entities none reads them as annotated texts without entities",
    ]
    for doc in read_spacy(tmp_path / "in.spacy"):
        assert not doc.has_annotation("ENT_IOB") and not has_relations(doc)


@pytest.mark.parametrize(
    ("options", "entities", "relations"),
    [(["--entities", "none"], True, True), (["--relations", "none"], False, True)],
)
def test_users_can_say_that_there_are_none(
    options: list[str], entities: bool, relations: bool, tmp_path: Path
) -> None:
    convert_without_entities(tmp_path, *options)
    for doc in read_spacy(tmp_path / "in.spacy"):
        assert doc.has_annotation("ENT_IOB") is entities and has_relations(doc) is relations


def test_one_entity_in_any_file_makes_the_others_annotated(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / f"{name}.jsonl", item)
        for name, item in {"a": WHOLE, "b": make_item("Anna")}.items()
    ]
    result = run(*paths, "-o", tmp_path / "out", "--from", "jsonl", "--lang", "en")
    assert "unannotated" not in result.stdout
    [doc] = read_spacy(tmp_path / "out" / "b.spacy")
    assert doc.has_annotation("ENT_IOB") and has_relations(doc)


def test_unannotated_docs_can_be_read_as_texts_without_entities(tmp_path: Path) -> None:
    convert_without_entities(tmp_path)
    result = run(tmp_path / "in.spacy", "-o", tmp_path / "new.spacy", "--entities", "none")
    assert "chosen (2): texts with unannotated entities, read as none" in result.stdout
    assert all(doc.has_annotation("ENT_IOB") for doc in read_spacy(tmp_path / "new.spacy"))
