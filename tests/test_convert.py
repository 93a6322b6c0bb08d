"""The command `convert`: formats are found out, nothing is lost in silence, errors name places."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.relation import has_relations
from spacy_str_encoder.formats.annotated_text import AnnotatedText
from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.registry import all_formats, detect_format, read_docs
from spacy_str_encoder.formats.report import ConversionReport
from spacy_str_encoder.formats.split import parse_shares, split_texts

ASSETS = Path(__file__).parents[1] / "assets" / "coronary"
TEXT = "前降支近段狭窄"
ENTITIES = [(0, 3, "BodyPart"), (3, 5, "Location"), (5, 7, "Degree")]
LINE: dict[str, Any] = {
    "text": TEXT,
    "entities": [{"start": a, "end": b, "label": label} for a, b, label in ENTITIES],
    "relations": [{"head": 0, "tail": 1, "label": "Position"}],
}
NESTED: dict[str, Any] = {
    "text": TEXT,
    "entities": [{"start": 0, "end": 5, "label": "Place"}, *LINE["entities"]],
    "relations": [{"head": 1, "tail": 2, "label": "Position"}],
}


def write_lines(path: Path, *items: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def run_error(*arguments: str | Path) -> str:
    """The only line that a failing command prints, on stderr."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip()


def read_spacy(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("zh").vocab))


def read_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# The command


def test_each_file_becomes_one_for_training(tmp_path: Path) -> None:
    result = run(ASSETS / "dev.json", ASSETS / "handwritten.json", "-o", tmp_path, "--lang", "zh")
    assert result.exit_code == 0
    assert result.stdout == (
        f"{tmp_path / 'dev.spacy'}: 70 texts\n{tmp_path / 'handwritten.spacy'}: 133 texts\n"
    )
    docs = read_spacy(tmp_path / "dev.spacy")
    items = json.loads((ASSETS / "dev.json").read_text("utf-8"))
    assert [doc.text for doc in docs] == [item["text"] for item in items]
    assert [len(doc.ents) for doc in docs] == [len(item["entities"]) for item in items]
    assert [len(doc._.relations) for doc in docs] == [len(item["relations"]) for item in items]


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    assert run(ASSETS, "-o", tmp_path, "--lang", "zh").exit_code == 0
    assert {path.stem for path in tmp_path.iterdir()} == {path.stem for path in ASSETS.iterdir()}


def test_names_may_end_in_capitals(tmp_path: Path) -> None:
    for name in ("a.jsonl", "B.JSONL"):
        write_lines(tmp_path / "in" / name, LINE)
    assert run(tmp_path / "in", "-o", tmp_path / "out", "--lang", "zh").exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.spacy", "B.spacy"}


def test_a_named_format_tells_which_files_of_a_folder_are_meant(tmp_path: Path) -> None:
    write_lines(tmp_path / "in" / "a.jsonl", LINE)
    (tmp_path / "in" / "b.ann").touch()
    output = tmp_path / "out"
    assert run(tmp_path / "in", "-o", output, "--lang", "zh", "--from", "jsonl").exit_code == 0
    assert [path.name for path in output.iterdir()] == ["a.spacy"]
    (tmp_path / "in" / "a.jsonl").rename(tmp_path / "in" / "a.json")
    assert run(tmp_path / "in", "-o", output, "--lang", "zh", "--from", "jsonl").exit_code == 0


def test_there_and_back_nothing_changes(tmp_path: Path) -> None:
    original = ASSETS / "test_unseen.json"
    there = tmp_path / "there"
    assert run(original, "-o", there, "--lang", "zh", "--strict").exit_code == 0
    back = run(there / f"{original.stem}.spacy", "-o", tmp_path, "--to", "authors", "--strict")
    assert back.exit_code == 0
    before, after = (
        json.loads(path.read_text("utf-8")) for path in (original, tmp_path / original.name)
    )
    for item in [*before, *after]:
        item["relations"].sort()
    assert after == before


def test_the_output_may_be_a_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    assert run(path, "-o", tmp_path / "deep" / "out.spacy", "--lang", "zh").exit_code == 0
    assert [doc.text for doc in read_spacy(tmp_path / "deep" / "out.spacy")] == [TEXT]


@pytest.mark.parametrize("name", [".", "../ward", "ward/.."])
def test_a_folder_gives_its_name_however_it_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ward"
    (folder / "ward").mkdir(parents=True)
    (folder / "a.txt").write_text("x")
    (folder / "a.ann").touch()
    monkeypatch.chdir(folder)
    assert run(name, "-o", tmp_path / "out", "--lang", "en").exit_code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ward.spacy"]


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    target = write_lines(tmp_path / "out.jsonl", LINE, LINE)
    source = write_lines(tmp_path / "in.jsonl", LINE)
    assert run(source, "-o", target, "--to", "jsonl").exit_code == 0
    assert len(read_lines(target)) == 1


def test_what_docs_can_not_hold_is_shown(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE, NESTED)
    result = run(path, "-o", tmp_path, "--lang", "zh", "--flat")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{tmp_path / 'in.spacy'}: 2 texts",
        "left out (2): entities that overlap another entity",
        f"  {path}, line 2: '前降支' (BodyPart, 0-3)",
        f"  {path}, line 2: '近段' (Location, 3-5)",
        "  remedy: docs hold them in a span group: use --to spacy --spans-key sc, without --flat",
        "left out (1): relations of entities that were left out",
        f"  {path}, line 2: '前降支' Position '近段'",
    ]


def test_a_report_lists_every_case(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", *[NESTED] * 10)
    run(path, "-o", tmp_path, "--lang", "zh", "--flat", "--report", tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text("utf-8")
    assert "前降支" in text
    report = json.loads(text)
    assert report["texts"] == 10
    counts = {reason: len(cases) for reason, cases in report["lost"].items()}
    assert counts == {
        "entities that overlap another entity": 20,
        "relations of entities that were left out": 10,
    }


def test_strict_leaves_no_file_behind(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE, NESTED)
    output = tmp_path / "out"
    message = run_error(path, "-o", output, "--lang", "zh", "--flat", "--strict")
    lost = "'前降支' (BodyPart, 0-3) would be lost (entities that overlap another entity)"
    assert message == f"{path}, line 2: {lost}"
    assert not output.exists()


def test_tokens_of_the_file_are_kept(tmp_path: Path) -> None:
    tokens = ["前降支", "近", "段狭", "窄"]
    path = write_lines(tmp_path / "in.jsonl", {**LINE, "tokens": tokens})
    result = run(path, "-o", tmp_path, "--allow-loss")
    [doc] = read_spacy(tmp_path / "in.spacy")
    assert [token.text for token in doc] == tokens
    assert [ent.text for ent in doc.ents] == ["前降支"]
    assert "(2): entities that do not align with tokens" in result.stdout


def test_the_help_has_an_example() -> None:
    result = CliRunner().invoke(app, ["convert", "--help"])
    assert result.exit_code == 0
    assert "Example: spacy-str-encoder convert" in result.stdout


def test_the_help_lists_every_format() -> None:
    text = CliRunner().invoke(app, ["convert", "--help"]).stdout
    listed = re.findall(r"[\w-]+", text.split("Formats:")[1].split("Example:")[0])
    assert set(all_formats(make_tokenizer(None))) <= set(listed)


# Wrong input


def test_texts_without_tokens_need_a_language(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    assert "--lang" in run_error(path, "-o", tmp_path)


def test_a_language_that_spacy_lacks_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    message = "the language must be a code that spaCy knows, such as en or zh, got 'klingon'"
    assert message in run_error(path, "-o", tmp_path, "--lang", "klingon")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing.jsonl"
    assert run_error(path, "-o", tmp_path) == f"{path}: no such file or folder"
    assert run_error(path, "-o", tmp_path, "--from", "jsonl") == f"{path}: no such file or folder"


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_an_unknown_format_is_answered_with_the_known_ones(option: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    message = run_error(path, "-o", tmp_path, option, "docx")
    assert "'docx'" in message
    assert "spacy, spacy-json, spacy-tuples, jsonl" in message


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("in.jsonl", "", "the file contains no texts"),
        ("in.json", "[]", "the file contains no texts"),
        ("in.jsonl", '{"sentence": "x"}', "to see what is missing: spacy"),
        ("in.csv", "x,y", "no format matches .csv files, which have no annotations"),
        ("in.json", '{"text": ', "line 1, column 10: not JSON"),
    ],
)
def test_a_file_in_no_format_is_named(
    name: str, content: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    message = run_error(path, "-o", tmp_path / "out")
    assert message.startswith(f"{path}")
    assert problem in message


def test_a_file_that_may_be_in_two_formats_is_not_guessed(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", {"text": TEXT, "entities": [], "relations": []})
    message = run_error(path, "-o", tmp_path / "out", "--lang", "zh")
    possible = "the format may be jsonl or authors or doccano; set it with `convert --from`"
    assert message == f"{path}: {possible}"
    assert run(path, "-o", tmp_path, "--lang", "zh", "--from", "jsonl").exit_code == 0


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    message = run_error(tmp_path, "-o", tmp_path / "out")
    assert message.startswith(f"{tmp_path}: no file in this folder ends in ")


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "train.jsonl", LINE, NESTED)
    before = path.read_bytes()
    for options in (["--to", "jsonl"], ["--to", "jsonl", "--split", "1:1"]):
        message = run_error(path, "-o", tmp_path, *options)
        assert message == f"{path} is an input and would be overwritten; choose another output"
    assert path.read_bytes() == before


def test_a_report_is_not_written_over_what_is_read_or_written(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    before = path.read_bytes()
    options = ("-o", tmp_path / "out", "--lang", "zh", "--report")
    assert "is an input" in run_error(path, *options, path)
    assert "written twice" in run_error(path, *options, tmp_path / "out" / "in.spacy")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "problem"), [("", "it is a folder"), ("other/report.json", "is not a folder")]
)
def test_a_report_that_cannot_be_written_is_an_error_before_anything_is(
    name: str, problem: str, tmp_path: Path
) -> None:
    path, output = write_lines(tmp_path / "in.jsonl", LINE), tmp_path / "out"
    (tmp_path / "other").touch()
    message = run_error(path, "-o", output, "--lang", "zh", "--report", tmp_path / name)
    assert message.endswith(problem)
    assert not output.exists()


def test_the_folder_of_a_report_is_created(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    report = tmp_path / "reports" / "new" / "report.json"
    assert run(path, "-o", tmp_path / "out", "--lang", "zh", "--report", report).exit_code == 0
    assert json.loads(report.read_text("utf-8"))["texts"] == 1


@pytest.mark.parametrize(
    ("output", "target", "problem"),
    [
        ("out.jsonl", "spacy", "end in .spacy"),
        ("out.spacy", "jsonl", "end in .jsonl"),
        ("out.json", "brat", "be a folder"),
    ],
)
def test_an_output_that_is_named_like_another_format_is_refused(
    output: str, target: str, problem: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    message = run_error(path, "-o", tmp_path / output, "--lang", "zh", "--to", target)
    assert message.endswith(f": the output must {problem} in the format '{target}'")
    assert [each.name for each in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("options", [(), ("--to", "jsonl"), ("--split", "1:1")])
def test_a_file_of_an_unknown_suffix_does_not_become_a_folder(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE, {**LINE, "text": TEXT + "。"})
    output, options = tmp_path / "out.xyz", ("--lang", "zh", *options)
    message = run_error(path, "-o", output, *options)
    assert message.startswith(f"{output}: no format ends in .xyz; the suffix of a file must be ")
    # Files of .tsv can only be read.
    assert ".jsonl, " in message and ".tsv" not in message
    assert message.endswith("create it first.")
    assert not output.exists()
    output.mkdir()
    assert run(path, "-o", output, *options).exit_code == 0
    # The end of the name of a version is no suffix.
    assert run(path, "-o", tmp_path / "corpus-1.2", *options).exit_code == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--events", "relations"), "--events requires an input in the format brat, got jsonl"),
        (("--empty-ann", "unannotated"), "--empty-ann requires an input in the format brat, "),
        (("--text-field", "report"), "--text-field requires an input in the format label-studio, "),
        (
            ("--predictions",),
            "--predictions requires an input in the format label-studio or brat or uima",
        ),
        (
            ("--spans-key", "sc", "--to", "spert"),
            "--spans-key requires docs to read or to write, such as --to spacy, got spert, jsonl",
        ),
    ],
)
def test_options_for_other_formats_are_refused(
    options: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    message = run_error(path, "-o", tmp_path / "out", "--lang", "zh", *options)
    assert message.startswith(problem)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mark", ["\0", "\t", "\n", "\x85", "\x7f", "\u2028"])
@pytest.mark.parametrize("place", ["entity", "relation", "name"])
def test_labels_must_not_have_control_characters(place: str, mark: str, tmp_path: Path) -> None:
    names = dict.fromkeys(("entity", "relation", "name"), "Label")
    names[place] = f"Lab{mark}el"
    entity = {"start": 0, "end": 3, "label": names["entity"]}
    item = {
        "text": TEXT,
        "entities": [{**entity, "attributes": {names["name"]: "a\nb"}}],
        "relations": [{"head": 0, "tail": 0, "label": names["relation"]}],
    }
    path = write_lines(tmp_path / "in.jsonl", item)
    message = run_error(path, "-o", tmp_path / "out.jsonl")
    assert "must not have control characters, got 'Lab" in message


def test_several_files_need_a_folder(tmp_path: Path) -> None:
    paths = [write_lines(tmp_path / name, LINE) for name in ("a.jsonl", "b.jsonl")]
    message = run_error(*paths, "-o", tmp_path / "out.spacy", "--lang", "zh")
    assert "must be a folder, since there are 2 input files" in message
    assert "--paths.train FOLDER" in message


def test_a_split_needs_a_folder(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    options = ("-o", tmp_path / "out.spacy", "--lang", "zh", "--split", "1:1")
    assert "must be a folder" in run_error(path, *options)


def test_to_group_without_a_split_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    assert "--split" in run_error(path, "-o", tmp_path, "--lang", "zh", "--group-by", "patient")


def test_a_folder_of_several_kinds_is_not_guessed(tmp_path: Path) -> None:
    write_lines(tmp_path / "in" / "a.jsonl", LINE)
    (tmp_path / "in" / "b.ann").touch()
    message = run_error(tmp_path / "in", "-o", tmp_path / "out", "--lang", "zh")
    assert message.startswith(
        f"{tmp_path / 'in'}: the format of the folder may be brat, but it also contains a.jsonl"
    )


def test_texts_whose_relations_nobody_annotated_are_not_said_to_have_none(tmp_path: Path) -> None:
    item = {"text": TEXT, "tokens": None, "entities": LINE["entities"]}
    path = write_lines(tmp_path / "in.jsonl", item)
    result = run(path, "-o", tmp_path, "--lang", "zh")
    assert "chosen (1): texts with unannotated relations\n" in result.stdout
    [doc] = read_spacy(tmp_path / "in.spacy")
    assert (len(doc.ents), has_relations(doc)) == (3, False)
    result = run(tmp_path / "in.spacy", "-o", tmp_path / "again.json", "--to", "authors")
    assert "texts with unannotated relations, written as none" in result.stdout
    run(tmp_path / "in.spacy", "-o", tmp_path / "again.jsonl", "--to", "jsonl")
    assert "relations" not in read_lines(tmp_path / "again.jsonl")[0]


def test_a_text_may_be_longer_than_models_take(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", {**LINE, "text": TEXT + " " * 1_000_000})
    assert run(path, "-o", tmp_path, "--lang", "xx", "--allow-loss").exit_code == 0


def test_two_files_of_one_name_are_not_written_to_one(tmp_path: Path) -> None:
    paths = [tmp_path / name / "in.jsonl" for name in "ab"]
    for path in paths:
        write_lines(path, LINE)
    assert "rename one of them" in run_error(*paths, "-o", tmp_path / "out", "--lang", "zh")
    assert "2 input files" in run_error(*paths, "-o", tmp_path / "out.spacy", "--lang", "zh")


# Formats


@pytest.mark.parametrize("name", ["jsonl", "authors"])
def test_a_written_file_is_recognized(name: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    formats = all_formats(make_tokenizer("zh"))
    for suffix in (".json", ".jsonl"):
        target = tmp_path / f"out{suffix}"
        formats[name].write(
            formats["jsonl"].read(path, report := ConversionReport()), target, report
        )
        assert detect_format(target, formats) is formats[name]


def test_docs_are_read_of_any_format(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    report = ConversionReport()
    path = write_lines(tmp_path / "in.jsonl", LINE)
    run(path, "-o", tmp_path, "--lang", "zh")
    [of_lines] = read_docs(path, nlp, report)
    [of_docbin] = read_docs(tmp_path / "in.spacy", nlp, report)
    assert of_lines.vocab is of_docbin.vocab is nlp.vocab
    assert of_lines.to_json() == of_docbin.to_json()
    assert of_lines._.relations[0].label == of_docbin._.relations[0].label == "Position"


# Splitting


@given(
    texts=st.lists(st.sampled_from("abcdefghij"), min_size=10, max_size=40),
    seed=st.integers(0, 99),
)
def test_a_split_keeps_every_record_once_and_the_same_texts_together(
    texts: list[str], seed: int
) -> None:
    records = [AnnotatedText(text, [], [], meta={"id": i}) for i, text in enumerate(texts)]
    shares = parse_shares("2:1:1")
    try:
        parts = split_texts(records, shares, seed=seed)
    except ValueError as error:
        assert len(set(texts)) < 10, error
        return
    ids = [[record.meta["id"] for record in part] for part in parts.values()]
    assert sorted(chain.from_iterable(ids)) == list(range(len(texts)))
    assert all(part == sorted(part) for part in ids)
    where = [{record.text for record in part} for part in parts.values()]
    assert sum(map(len, where)) == len(set(texts))
    assert parts == split_texts(records, shares, seed=seed)


def test_shares_are_exact_where_nothing_belongs_together() -> None:
    records = [AnnotatedText(str(i), [], []) for i in range(700)]
    first = split_texts(records, parse_shares("8:1:1"), seed=0)
    assert {name: len(part) for name, part in first.items()} == {
        "train": 560,
        "dev": 70,
        "test": 70,
    }
    second = split_texts(records, parse_shares("8:1:1"), seed=1)
    assert first["dev"] != second["dev"]


def test_records_of_one_group_stay_together(tmp_path: Path) -> None:
    items = [{**LINE, "text": f"{TEXT}{i}", "meta": {"patient": i // 5}} for i in range(100)]
    path = write_lines(tmp_path / "all.jsonl", *items)
    options = ("--to", "jsonl", "--split", "8:1:1", "--seed", "3", "--group-by", "patient")
    assert run(path, "-o", tmp_path / "parts", *options).exit_code == 0
    patients = [
        {item["meta"]["patient"] for item in read_lines(tmp_path / "parts" / f"{part}.jsonl")}
        for part in ("train", "dev", "test")
    ]
    assert [len(part) for part in patients] == [16, 2, 2]
    assert set.union(*patients) == set(range(20))


def test_a_record_without_the_field_to_group_by_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", {**LINE, "meta": {"patient": 1}}, LINE)
    options = ("--lang", "zh", "--split", "1:1", "--group-by", "patient")
    message = run_error(path, "-o", tmp_path / "out", *options)
    assert message == f"{path}, line 2: no field 'patient' in the metadata to group by"


@pytest.mark.parametrize(
    "shares", ["8", "8:1:1:1", "a:b", "8:0:1", "8:-1:1", "1:inf", "1:nan", "1e308:1e308"]
)
def test_wrong_shares_are_refused(shares: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE)
    assert "8:1:1" in run_error(path, "-o", tmp_path, "--lang", "zh", "--split", shares)


def test_a_part_without_records_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", LINE, LINE)
    message = run_error(path, "-o", tmp_path / "out", "--lang", "zh", "--split", "8:1:1")
    assert message == ("too few texts to split: with 1 different text, 'dev' would be empty")
