"""The command `convert`: what it trims, aligns, skips and refuses, as its options say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.formats.annotated_text import (
    AnnotatedEntity,
    AnnotatedRelation,
    AnnotatedText,
)
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.entities import INVISIBLE, TRIMMED, trim_entities
from spacy_str_encoder.formats.registry import read_docs
from spacy_str_encoder.formats.report import ConversionReport

from .test_convert import LINE, read_lines, read_spacy, run, run_error, write_lines

EN = ("--lang", "en")
TEXT = "Ann met  Bob ."


def make_item(*places: tuple[int, int], text: str = TEXT) -> dict[str, Any]:
    entities = [{"start": start, "end": end, "label": "P"} for start, end in places]
    return {"text": text, "entities": entities, "relations": []}


def write_brat(folder: Path, **documents: tuple[str, str]) -> Path:
    folder.mkdir()
    for name, (text, lines) in documents.items():
        (folder / f"{name}.txt").write_text(text, "utf-8")
        (folder / f"{name}.ann").write_text(lines, "utf-8")
    return folder


# White space at the ends of entities


@pytest.mark.parametrize(
    ("place", "trimmed"), [((0, 4), (0, 3)), ((7, 12), (9, 12)), ((7, 13), (9, 12))]
)
def test_white_space_at_the_ends_of_entities_is_left_out(
    place: tuple[int, int], trimmed: tuple[int, int], tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", make_item(place))
    result = run(path, "-o", tmp_path / "out.jsonl", "--strict-all")
    assert f"chosen (1): {TRIMMED}" in result.stdout
    [item] = read_lines(tmp_path / "out.jsonl")
    assert item["entities"] == [{"start": trimmed[0], "end": trimmed[1], "label": "P"}]


@pytest.mark.parametrize("surface", [" ", "\n", "\u3000", "\u200b", "\x07", "\u200b \ufeff"])
def test_entities_that_nobody_can_see_are_lost_with_their_relations(surface: str) -> None:
    text = f"Ann{surface}Bob"
    ends = [(0, 3), (3, 3 + len(surface))]
    annotated = AnnotatedText(
        text, [AnnotatedEntity(*end, "P") for end in ends], [AnnotatedRelation(0, 1, "met")]
    )
    report = ConversionReport()
    found = trim_entities(annotated, report)
    assert found.entities == [AnnotatedEntity(0, 3, "P")] and found.relations == []
    assert report.losses[INVISIBLE] == 1 and sum(report.losses.values()) == 2


@given(st.text(st.sampled_from(" \n\u3000aé"), min_size=1), st.data())
def test_trimmed_entities_are_those_of_strip(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    annotated = AnnotatedText(text, [AnnotatedEntity(start, end, "P")], [])
    found = trim_entities(annotated, ConversionReport()).entities
    surface = text[start:end].strip()
    assert [text[each.start : each.end] for each in found] == ([surface] if surface else [])
    assert all(start <= each.start and each.end <= end for each in found)


def test_docs_of_other_formats_are_trimmed_too(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", make_item((0, 4), (7, 13)))
    report = ConversionReport()
    [doc] = read_docs(path, make_tokenizer("en"), report)
    assert [ent.text for ent in doc.ents] == ["Ann", "Bob"]
    assert len(report.chosen[TRIMMED]) == 2


# Entities that begin or end inside a token


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("strict", []), ("contract", ["the"]), ("expand", ["the knees-up"])],
)
@pytest.mark.parametrize("target", ["spacy", "spert"])
def test_entities_move_to_the_borders_of_tokens(
    mode: str, expected: list[str], target: str, tmp_path: Path
) -> None:
    text, tokens = "in the knees-up", ["in", "the", "knees-up"]
    path = write_lines(tmp_path / "in.jsonl", {**make_item((3, 12), text=text), "tokens": tokens})
    suffix = {"spacy": ".spacy", "spert": ".json"}[target]
    output = tmp_path / f"out{suffix}"
    result = run(path, "-o", output, "--to", target, *EN, "--alignment", mode, "--allow-loss")
    counted = (
        "left out (1): entities that do not align" if mode == "strict" else "chosen (1): entities"
    )
    assert counted in result.stdout
    if target == "spacy":
        assert [ent.text for ent in read_spacy(output)[0].ents] == expected
    else:
        [item] = json.loads(output.read_text("utf-8"))
        ends = [(each["start"], each["end"]) for each in item["entities"]]
        assert [" ".join(tokens[start:end]) for start, end in ends] == expected


def test_entities_that_meet_when_they_are_moved_are_one(tmp_path: Path) -> None:
    item = {**make_item((0, 4), (3, 8), text="knees-up"), "tokens": ["knees-up"]}
    item["relations"] = [{"head": 0, "tail": 1, "label": "met"}]
    path = write_lines(tmp_path / "in.jsonl", item)
    run(path, "-o", tmp_path / "out.spacy", *EN, "--alignment", "expand")
    [doc] = read_spacy(tmp_path / "out.spacy")
    assert [ent.text for ent in doc.ents] == ["knees-up"] and "sc" not in doc.spans


def test_entities_that_overlap_when_they_are_moved_are_kept_in_the_group(tmp_path: Path) -> None:
    item = {**make_item((0, 6), (3, 12), text="ab knees-up"), "tokens": ["ab", "knees-up"]}
    item["entities"][1]["end"] = 11
    path = write_lines(tmp_path / "in.jsonl", item)
    run(path, "-o", tmp_path / "out.spacy", *EN, "--alignment", "expand")
    [doc] = read_spacy(tmp_path / "out.spacy")
    assert sorted(span.text for span in doc.spans["sc"]) == ["ab knees-up", "knees-up"]


# Relations of an input without any


@pytest.mark.parametrize(
    ("options", "lines", "annotated"),
    [
        ((), ["", ""], [False, False]),
        (("--relations", "none"), ["", ""], [True, True]),
        ((), ["", "R1\tmet Arg1:T1 Arg2:T2\n"], [True, True]),
    ],
)
def test_an_input_without_relations_has_unannotated_ones(
    options: tuple[str, ...], lines: list[str], annotated: list[bool], tmp_path: Path
) -> None:
    spans = "T1\tP 0 3\tAnn\nT2\tP 9 12\tBob\n"
    first, second = ((TEXT, spans + line) for line in lines)
    path = write_brat(tmp_path / "in", a=first, b=second)
    result = run(path, "-o", tmp_path / "out.spacy", *EN, *options)
    assert [has_relations(doc) for doc in read_spacy(tmp_path / "out.spacy")] == annotated
    assert ("chosen (2): texts with unannotated relations" in result.stdout) is not annotated[0]
    assert ("--relations none" in result.stdout) is not annotated[0]


def test_files_that_can_tell_say_nothing_of_those_that_can_not(tmp_path: Path) -> None:
    folder = write_brat(tmp_path / "in", a=(TEXT, "T1\tP 0 3\tAnn\n"))
    told = write_lines(tmp_path / "told.jsonl", LINE, {**LINE, "relations": []})
    assert run(folder, told, "-o", tmp_path / "out", "--lang", "zh").exit_code == 0
    assert not has_relations(read_spacy(tmp_path / "out" / "in.spacy")[0])
    assert all(map(has_relations, read_spacy(tmp_path / "out" / "told.spacy")))


def test_unannotated_relations_of_any_format_are_none_on_request(tmp_path: Path) -> None:
    item = {name: value for name, value in LINE.items() if name != "relations"}
    path = write_lines(tmp_path / "in.jsonl", LINE, item)
    options = ("-o", tmp_path / "out.spacy", "--lang", "zh")
    assert run(path, *options).exit_code == 0
    assert [*map(has_relations, read_spacy(tmp_path / "out.spacy"))] == [True, False]
    result = run(path, *options, "--relations", "none")
    assert "chosen (1): texts with unannotated relations, read as none" in result.stdout
    assert [*map(has_relations, read_spacy(tmp_path / "out.spacy"))] == [True, True]


def test_the_report_is_written_even_if_nothing_is_left(tmp_path: Path) -> None:
    task = {"data": {"text": TEXT}, "annotations": []}
    (tmp_path / "in.json").write_text(json.dumps([task]), "utf-8")
    report = tmp_path / "report.json"
    report.write_text('{"texts": 99}', "utf-8")
    assert (
        run(tmp_path / "in.json", "-o", tmp_path / "out.jsonl", "--report", report).exit_code == 0
    )
    assert json.loads(report.read_text("utf-8"))["texts"] == 0


def test_docs_of_files_without_relations_are_not_annotated(tmp_path: Path) -> None:
    path = write_brat(tmp_path / "in", a=(TEXT, "T1\tP 0 3\tAnn\n"))
    [doc] = read_docs(path, make_tokenizer("en"), ConversionReport())
    assert not has_relations(doc) and [ent.text for ent in doc.ents] == ["Ann"]


# Invalid texts

GOOD = make_item((0, 3))
BAD = [make_item((0, 99)), make_item((3, 3))]


def test_all_invalid_texts_are_named_in_one_run(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", GOOD, BAD[0])
    second = write_lines(tmp_path / "b.jsonl", BAD[1], GOOD)
    report = tmp_path / "report.json"
    result = run(first, second, "-o", tmp_path / "out", *EN, "--report", report)
    assert result.exit_code == 1 and result.stdout == ""
    heading, *cases = result.stderr.splitlines()
    assert heading.startswith("Error: 2 texts are invalid") and "--skip-bad" in heading
    assert [case.partition(": ")[0] for case in cases] == [
        f"  {first}, line 2",
        f"  {second}, line 1",
    ]
    assert not (tmp_path / "out").exists()
    rejected = json.loads(report.read_text("utf-8"))["rejected"]
    assert [f"  {case}" for case in rejected] == cases


def test_many_invalid_texts_are_counted(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", *BAD[:1] * 25)
    lines = run(path, "-o", tmp_path / "out", *EN).stderr.splitlines()
    assert len(lines) == 22 and lines[-1] == "  and 5 more"


def write_not_json(path: Path) -> Path:
    path.write_text(f"{json.dumps(GOOD)}\n{{'text'}}\n{json.dumps(GOOD)}\n", "utf-8")
    return path


@pytest.mark.parametrize("kind", ["jsonl", "list", "not JSON", "brat", "spacy"])
def test_invalid_texts_are_skipped_on_request(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "in"
    match kind:
        case "jsonl":
            path = write_lines(path.with_suffix(".jsonl"), GOOD, *BAD, GOOD)
        case "list":
            path = path.with_suffix(".json")
            path.write_text(json.dumps([GOOD, *BAD, GOOD]), "utf-8")
        case "not JSON":
            path = write_not_json(path.with_suffix(".jsonl"))
        case "brat":
            good, bad = (TEXT, "T1\tP 0 3\tAnn\n"), (TEXT, "T1\tP 0 3\tBob\n")
            path = write_brat(path, a=good, b=bad, c=good)
        case "spacy":
            path = write_doc_with_bad_meta(path.with_suffix(".spacy"))
    report = tmp_path / "report.json"
    options = ("--to", "jsonl", *EN, "--skip-bad", "--report", report)
    result = run(path, "-o", tmp_path / "out", *options)
    assert result.exit_code == 3, result.output
    count = 2 if kind in ("jsonl", "list") else 1
    assert f"left out ({count}): invalid texts" in result.stdout
    assert len(json.loads(report.read_text("utf-8"))["rejected"]) == count
    found = read_lines(tmp_path / "out" / "in.jsonl")
    assert [item["text"] for item in found] == [TEXT, TEXT]


def write_doc_with_bad_meta(path: Path) -> Path:
    from spacy.tokens import DocBin

    docs = [make_tokenizer("en").make_doc(TEXT) for _ in range(3)]
    docs[1].user_data["meta"] = "none"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def test_other_commands_name_all_invalid_texts_too(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", *BAD)
    with pytest.raises(ValueError, match="2 texts are invalid"):
        list(read_docs(path, make_tokenizer("en"), ConversionReport()))


def test_an_object_over_several_lines_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text(json.dumps(GOOD, indent=2), "utf-8")
    assert run(path, "-o", tmp_path / "out.jsonl").exit_code == 0
    assert [item["text"] for item in read_lines(tmp_path / "out.jsonl")] == [TEXT]


# Strictness


@pytest.mark.parametrize(
    ("extra", "stops"),
    [
        ({}, ()),
        ({"entities": [{"start": 0, "end": 2, "label": "P"}]}, ("--strict", "--strict-all")),
        ({"entities": [{"start": 0, "end": 3, "label": "P", "by": "me"}]}, ("--strict-all",)),
    ],
)
@pytest.mark.parametrize("option", ["--strict", "--strict-all"])
def test_strict_is_about_annotations_and_strict_all_about_everything(
    extra: dict[str, Any], stops: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", {**GOOD, **extra})
    result = run(path, "-o", tmp_path / "out.spacy", *EN, option)
    assert result.exit_code == (1 if option in stops else 0)
    assert (tmp_path / "out.spacy").exists() is not (option in stops)


# The format of the output


@pytest.mark.parametrize(("name", "first"), [("o.jsonl", "{"), ("O.JSONL", "{")])
def test_the_suffix_of_the_output_tells_its_format(name: str, first: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", GOOD)
    assert run(path, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text("utf-8").startswith(first)


def test_a_suffix_of_several_formats_needs_a_choice(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", GOOD)
    message = run_error(path, "-o", tmp_path / "out.json")
    assert "choose one with --to" in message and "spert" in message
    assert run(path, "-o", tmp_path / "out.json", "--to", "jsonl").exit_code == 0


def test_a_seed_without_a_split_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", GOOD)
    assert "--seed requires --split" in run_error(path, "-o", tmp_path, *EN, "--seed", "1")


# Chinese texts and the tokenizer of another language


@pytest.mark.parametrize(("lang", "told"), [("en", 1), ("zh", 0)])
@pytest.mark.parametrize("target", ["spacy", "spert", "jsonl"])
def test_chinese_texts_that_stay_whole_are_told(
    lang: str, told: int, target: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    result = run(path, "-o", tmp_path / "out", "--to", target, "--lang", lang, "--allow-loss")
    assert result.exit_code == 0
    # JSON lines need no tokens.
    assert result.stdout.count("use --lang zh") == (0 if target == "jsonl" else told)


def test_unannotated_relations_are_listed_once(tmp_path: Path) -> None:
    item = {name: value for name, value in GOOD.items() if name != "relations"}
    path = write_lines(tmp_path / "in.jsonl", item, GOOD)
    result = run(path, "-o", tmp_path / "out.jsonl")
    assert re.findall(r"chosen .*", result.stdout) == [
        "chosen (1): texts with unannotated relations"
    ]
