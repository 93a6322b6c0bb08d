"""Selection of texts to annotate next: ranking, diversity, and the command."""

import gzip
import json
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_str_encoder import get_score
from spacy_str_encoder.archive import Fields, find_sources
from spacy_str_encoder.cli import app
from spacy_str_encoder.learning.selection import Candidates, select
from spacy_str_encoder.learning.selection.diversity import choose_diverse
from spacy_str_encoder.learning.selection.estimates import ErrorEstimator, Estimate
from spacy_str_encoder.learning.selection.ranking import PSEUDO_TOKENS, Ranking
from spacy_str_encoder.loading import fingerprint

from .pipelines import TEXTS, MakeNlp, make_examples

# The ranking


def make_ranking(*estimates: tuple[float, int]) -> Ranking:
    ranking = Ranking()
    for number, estimate in enumerate(estimates, start=1):
        ranking.add((0, number), Estimate(*estimate))
    return ranking


def test_texts_are_ranked_by_errors_per_token() -> None:
    ranking = make_ranking((3.0, 100), (2.0, 40), (0.5, 60))
    assert ranking.best(2) == [1, 0]
    assert ranking.best(9) == [1, 0, 2]
    assert ranking.place(1) == (0, 2)
    assert ranking.rate() == pytest.approx(5.5 / 200)
    assert ranking.rate([0, 1]) == pytest.approx(5.0 / 140)


def test_a_long_text_does_not_win_by_its_length() -> None:
    ranking = make_ranking((10.0, 1000), (1.0, 50), *[(0.5, 50)] * 20)
    assert ranking.best(1) == [1]


def test_a_word_or_two_do_not_win_by_their_doubts() -> None:
    # The short texts have the highest rates, 0.9 and 0.5.
    ranking = make_ranking((0.9, 1), (1.0, 2), (12.0, 40), *[(0.4, 40)] * 50)
    assert ranking.best(1) == [2]


@given(
    estimates=st.lists(st.tuples(st.floats(0, 50), st.integers(1, 500)), min_size=1, max_size=9),
    times=st.integers(2, 9),
)
def test_scores_lie_between_the_rate_of_a_text_and_the_mean(
    estimates: list[tuple[float, int]], times: int
) -> None:
    ranking = make_ranking(*estimates)
    for score, (errors, tokens) in zip(ranking.score(), estimates, strict=True):
        low, high = sorted([errors / tokens, ranking.rate()])
        assert low - 1e-9 <= score <= high + 1e-9
        # The more tokens, the less the mean counts.
        distance = abs(score - errors / tokens) * (tokens + PSEUDO_TOKENS)
        assert distance == pytest.approx(PSEUDO_TOKENS * (high - low), abs=1e-6)


def test_texts_without_tokens_are_not_ranked() -> None:
    assert make_ranking((0.0, 0), (0.5, 10), (0.0, 0)).best(3) == [1]
    assert make_ranking((0.0, 0)).rate() == 0
    assert make_ranking().best(3) == []


# Diversity


def choose(scores: list[float], vectors: list[list[float]], count: int) -> list[int]:
    return choose_diverse(scores, [numpy.array(vector) for vector in vectors], count)


def test_the_hardest_text_comes_first_and_then_the_most_different() -> None:
    vectors = [[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.1, 0.0], [0.0, 9.0]]
    assert choose([1.0] * 5, vectors, 3) == [0, 4, 3]
    assert choose([1.0, 2.0, 1.0, 1.5, 0.1], vectors, 2) == [1, 3]


def test_a_copy_of_a_chosen_text_comes_last() -> None:
    assert choose([1.0, 0.9, 0.1], [[1.0], [1.0], [1.1]], 3) == [0, 2, 1]


def test_no_more_texts_are_chosen_than_there_are() -> None:
    assert sorted(choose([0.0, 0.0], [[1.0], [2.0]], 5)) == [0, 1]


# The pipeline


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    """A pipeline that has learned nothing, and drops the states of its encoder."""
    nlp.add_pipe("str_cleaner")
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def expect_of(nlp: Language, text: str) -> float:
    """The expected errors in a text, component by component."""
    doc = nlp.make_doc(text)
    total = 0.0
    for name in ("str_encoder", "str_ner", "str_rel"):
        if nlp.has_pipe(name):
            doc = nlp.get_pipe(name)(doc)
            if name != "str_encoder":
                total += nlp.get_pipe(name).expect_errors([doc])[0]
    return total


def count_tokens(text: str) -> int:
    """Each character is a token, white space apart."""
    return len("".join(text.split()))


def test_errors_of_all_components_are_added_up(model: Path) -> None:
    nlp = spacy.load(model)
    texts = [*TEXTS, " 左主干 无狭窄\n"]
    found = ErrorEstimator(nlp).estimate(texts)
    assert [each.errors for each in found] == pytest.approx(
        [expect_of(nlp, text) for text in texts], rel=1e-3
    )
    assert [each.tokens for each in found] == [*map(count_tokens, texts)]
    assert nlp.pipe_names == ["str_encoder", "str_ner", "str_rel", "str_cleaner"]


def test_a_pipeline_without_relations_has_errors_in_entities(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.remove_pipe("str_rel")
    nlp.initialize(lambda: make_examples(nlp))
    [found] = ErrorEstimator(nlp).estimate(TEXTS[:1])
    assert found.errors == pytest.approx(expect_of(nlp, TEXTS[0]), rel=1e-3)


def test_later_components_do_not_run_to_score_texts(nlp: Language) -> None:
    @Language.component("needs_relations")
    def fail(doc: Doc) -> Doc:
        raise ValueError("no relations")

    nlp.add_pipe("needs_relations")
    assert len(ErrorEstimator(nlp).estimate(TEXTS)) == len(TEXTS)


def test_words_of_scored_texts_are_not_kept(nlp: Language) -> None:
    nlp.tokenizer.segmenter = "char"
    ErrorEstimator(nlp).estimate(["鳕鱼"])
    assert "鳕" not in nlp.vocab.strings


def test_encoded_texts_have_predictions_and_vectors(model: Path) -> None:
    nlp = spacy.load(model)
    [(doc, vector), (_, other)] = ErrorEstimator(nlp).encode(TEXTS[:2])
    whole = nlp(TEXTS[0])
    assert [(e.start, e.end, get_score(e)) for e in doc.ents] == [
        (e.start, e.end, pytest.approx(get_score(e), rel=1e-3)) for e in whole.ents
    ]
    assert len(doc._.relations) == len(whole._.relations)
    assert doc._.trf_data is None
    with nlp.select_pipes(disable="str_cleaner"):
        states = nlp(TEXTS[0])._.trf_data.model_output.last_hidden_state
    # Each character has a piece, between [CLS] and [SEP].
    assert vector == pytest.approx(states[0, 1:-1].mean(axis=0), rel=1e-2, abs=1e-3)
    assert vector.shape == other.shape


# The command


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["select", *map(str, arguments)])


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [*map(json.loads, path.read_text("utf-8").splitlines())]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Twelve texts, one of them twice, a blank one, and a row that is not a text."""
    rows = [{"id": f"r{i}", "text": f"{TEXTS[i % 4]}{i}", "ward": i} for i in range(12)]
    rows[5:5] = [{"id": "blank", "text": " \n"}, {"id": "again", "text": rows[0]["text"]}]
    return write_rows(tmp_path / "texts.jsonl", [*rows, {"id": "none"}])


def test_identifier_text_and_score_are_written_the_best_first(
    model: Path, texts: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "next.jsonl"
    result = run(model, texts, "-o", output, "--count", 4)
    rows = read_rows(output)
    assert [[*row] for row in rows] == [["id", "text", "score"]] * 4
    known = {row["id"]: row.get("text") for row in read_rows(texts)}
    assert all(row["text"] == known[row["id"]] for row in rows)
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert {"blank", "again", "none"}.isdisjoint(row["id"] for row in rows)
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "left out (1): texts that occurred before",
        "left out (1): texts that are blank",
        "rejected (1): the field 'text' is missing or null",
        f"  {texts}, text 15: the field 'text' is missing or null",
        lines[4],
    ]
    assert lines[4].startswith(f"{output}: 4 of 12 texts selected, with ")
    assert lines[-2:] == [
        f"  spacy-str-encoder annotate {model} {output} --output {tmp_path}/out/next-predicted",
        f"  spacy-str-encoder corrections {tmp_path}/out/next-predicted CORRECTED "
        f"--output {tmp_path}/out/next-corrected.spacy --lang zh",
    ]


def test_texts_of_other_files_are_not_selected_again(
    model: Path, texts: Path, tmp_path: Path
) -> None:
    run(model, texts, "-o", tmp_path / "first.jsonl", "--count", 4)
    first, known = read_rows(tmp_path / "first.jsonl"), read_rows(texts)
    docs = [spacy.blank("zh")(f" {known[0]['text']}\n"), spacy.blank("zh")("Not there.")]
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    excluded = {known[0]["text"], *(row["text"] for row in first)}
    files = ["--exclude", tmp_path / "first.jsonl", "--exclude", tmp_path / "train.spacy"]
    result = run(model, texts, "-o", tmp_path / "second.jsonl", *files)
    second = {row["text"] for row in read_rows(tmp_path / "second.jsonl")}
    assert second == {row["text"] for row in known if row.get("text", "").strip()} - excluded
    # The first of the texts is there twice.
    assert f"left out ({len(excluded) + 1}): texts that --exclude names" in result.stdout


@pytest.mark.parametrize("target", [None, "label-studio", "jsonl", "brat", "spacy"])
def test_texts_that_were_selected_are_excluded_whatever_the_input_calls_its_texts(
    target: str | None, model: Path, tmp_path: Path
) -> None:
    texts = write_rows(tmp_path / "all.jsonl", [{"report": f"{TEXTS[0]}{i}"} for i in range(3)])
    suffix = {None: ".jsonl", "label-studio": ".json", "jsonl": ".jsonl", "spacy": ".spacy"}
    first = (tmp_path / "first").with_suffix(suffix.get(target, ""))
    options = ["--text-field", "report", "--count", 1]
    chosen = [] if target is None else ["--to", target]
    result = run(model, texts, "-o", first, *options, *chosen)
    assert result.exit_code == 0, result.output
    result = run(model, texts, "-o", tmp_path / "second.jsonl", *options, "--exclude", first)
    assert "left out (1): texts that --exclude names" in result.stdout, result.output


@pytest.mark.parametrize("target", ["jsonl", "label-studio", "spacy"])
def test_texts_that_were_annotated_are_excluded(target: str, model: Path, tmp_path: Path) -> None:
    texts = write_rows(tmp_path / "all.jsonl", [{"report": TEXTS[i]} for i in range(3)])
    done = write_rows(tmp_path / "done.jsonl", [{"text": TEXTS[0]}, {"text": f"{TEXTS[1]}\n"}])
    folder = tmp_path / "annotated"
    arguments = ["annotate", model, done, "--output", folder, "--format", target]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    output = tmp_path / "second.jsonl"
    result = run(model, texts, "-o", output, "--text-field", "report", "--exclude", folder)
    assert [row["text"] for row in read_rows(output)] == [TEXTS[2]], result.output
    assert "left out (2): texts that --exclude names" in result.stdout


def test_white_space_around_a_text_makes_no_other_text(model: Path, tmp_path: Path) -> None:
    rows = [{"text": TEXTS[0]}, {"text": f" {TEXTS[0]}\n"}, {"text": TEXTS[1]}]
    texts, output = write_rows(tmp_path / "all.jsonl", rows), tmp_path / "next.jsonl"
    result = run(model, texts, "-o", output)
    assert {row["text"] for row in read_rows(output)} == {*TEXTS[:2]}
    assert "left out (1): texts that occurred before" in result.stdout


def test_if_all_texts_are_excluded_it_is_said(model: Path, tmp_path: Path) -> None:
    texts = write_rows(tmp_path / "texts.jsonl", [{"text": "左主干"}, {"text": ""}])
    result = run(model, texts, "-o", tmp_path / "next.jsonl", "--exclude", texts)
    assert result.exit_code == 1
    assert "got 2 texts, 1 blank, 1 in --exclude" in result.stderr


def test_texts_to_exclude_must_be_readable(model: Path, texts: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.jsonl", [{"id": "a"}])
    result = run(model, texts, "-o", tmp_path / "next.jsonl", "--exclude", other)
    assert result.exit_code == 1
    assert "--exclude must name texts that can be read, got" in result.stderr
    assert f"{other}, text 1: the field 'text' is missing or null" in result.stderr


def test_scores_and_rates_are_those_of_the_texts(model: Path, texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "next.jsonl"
    result = run(model, texts, "-o", output, "--count", 4)
    nlp = spacy.load(model)
    distinct = {row["text"] for row in read_rows(texts) if row.get("text", "").strip()}
    errors = {text: expect_of(nlp, text) for text in distinct}
    mean = sum(errors.values()) / sum(map(count_tokens, distinct))
    rows = read_rows(output)
    for row in rows:
        expected = (errors[row["text"]] + 5 * mean) / (count_tokens(row["text"]) + 5)
        assert row["score"] == pytest.approx(expected, rel=1e-3)
    best = max(distinct, key=lambda text: (errors[text] + 5 * mean) / (count_tokens(text) + 5))
    assert rows[0]["text"] == best
    rate = sum(errors[row["text"]] for row in rows) / sum(count_tokens(row["text"]) for row in rows)
    expected_errors = (
        f"{100 * rate:.1f} expected errors per 100 tokens (all texts: {100 * mean:.1f})"
    )
    assert expected_errors in result.stdout


def test_the_choice_is_the_same_each_time_and_in_batches_of_any_size(
    model: Path, texts: Path, tmp_path: Path
) -> None:
    chosen = []
    for number, size in enumerate([64, 64, 1, 5]):
        output = tmp_path / f"{number}.jsonl"
        run(model, texts, "-o", output, "--count", 6, "--batch-size", size)
        chosen.append([row["id"] for row in read_rows(output)])
    assert all(each == chosen[0] for each in chosen)


def test_files_folders_and_patterns_are_read_as_by_annotate(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.csv").write_text(f"number,report\n1,{TEXTS[0]}\n2,{TEXTS[1]}\n", "utf-8")
    (folder / "b.csv.gz").write_bytes(gzip.compress(f"number,report\n3,{TEXTS[2]}\n".encode()))
    (folder / "notes.pdf").write_bytes(b"%PDF")
    output = folder / "next.jsonl"
    fields = ("--text-field", "report", "--id-field", "number")
    for source in (folder, folder / "*.csv*"):
        result = run(model, source, "-o", output, *fields)
        assert result.exit_code == 0, result.output
        assert {row["id"]: row["text"] for row in read_rows(output)} == {
            str(i + 1): TEXTS[i] for i in range(3)
        }
    (folder / "c.txt").write_text("\n".join(TEXTS), "utf-8")
    run(model, folder / "c.txt", "-o", output)
    assert len(read_rows(output)) == len(TEXTS)
    run(model, folder / "c.txt", "-o", output, "--whole-files")
    assert [row["id"] for row in read_rows(output)] == [str(folder / "c.txt")]


@pytest.mark.parametrize(
    ("target", "name", "lang"),
    [
        ("jsonl", "next.jsonl", " --lang zh"),
        ("label-studio", "next.json", " --lang zh"),
        ("prodigy", "next.jsonl", ""),
        ("spacy", "next.spacy", ""),
    ],
)
def test_predictions_are_written_in_a_format_and_can_be_read_again(
    model: Path, texts: Path, tmp_path: Path, target: str, name: str, lang: str
) -> None:
    rows, output = tmp_path / "rows.jsonl", tmp_path / name
    run(model, texts, "-o", rows, "--count", 4)
    result = run(model, texts, "-o", output, "--count", 4, "--to", target)
    assert result.exit_code == 3, result.output
    corrected = tmp_path / "next-corrected.spacy"
    last = f"  spacy-str-encoder corrections {output} CORRECTED --output {corrected}{lang}"
    assert result.stdout.splitlines()[-1] == last
    command = f"fit: spacy-str-encoder labeling-config {model} --output labels.xml\n"
    assert (command in result.stdout) == (target == "label-studio")
    if target == "label-studio":
        versions = {task["predictions"][0]["model_version"] for task in srsly.read_json(output)}
        assert versions == {fingerprint(spacy.load(model))}
    back = tmp_path / "back.spacy"
    read = ["convert", str(output), "--from", target, "-o", str(back), "--lang", "zh"]
    options = ["--predictions"] if target == "label-studio" else []
    assert CliRunner().invoke(app, [*read, *options]).exit_code == 0
    # The printed command runs as it is.
    corrections = last.replace("CORRECTED", str(back)).replace(" corrected", f" {tmp_path}/merged")
    assert CliRunner().invoke(app, shlex.split(corrections)[1:]).exit_code == 0
    nlp = spacy.load(model)
    docs = [*DocBin().from_disk(back).get_docs(nlp.vocab)]
    assert [doc.user_data["meta"]["id"] for doc in docs] == [row["id"] for row in read_rows(rows)]
    for doc in docs:
        expected = nlp(doc.text)
        assert [(e.start, e.end, e.label_) for e in doc.ents] == [
            (e.start, e.end, e.label_) for e in expected.ents
        ]
        assert [*map(get_score, doc.ents)] == pytest.approx(
            [*map(get_score, expected.ents)], rel=1e-3
        )


def test_all_texts_are_selected_if_there_are_no_more(model: Path, tmp_path: Path) -> None:
    source, output = (
        write_rows(tmp_path / "a.jsonl", [{"text": t} for t in TEXTS]),
        tmp_path / "b.jsonl",
    )
    result = run(model, source, "-o", output)
    assert result.exit_code == 0
    assert sorted(row["text"] for row in read_rows(output)) == sorted(TEXTS)
    assert [row["id"] for row in read_rows(output)] == [None] * 4


def test_a_text_that_makes_the_pipeline_fail_is_rejected(
    nlp: Language, texts: Path, tmp_path: Path
) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        "from spacy.language import Language\n"
        "@Language.component('refuses_seven')\n"
        "def refuse(doc):\n"
        "    if doc.text.endswith('7'):\n"
        "        raise ValueError(doc.text)\n"
        "    return doc\n"
    )
    spacy.util.import_file("refusing_code", code)
    nlp.add_pipe("refuses_seven", after="str_ner")
    nlp.to_disk(tmp_path / "refusing")
    output = tmp_path / "next.jsonl"
    result = run(tmp_path / "refusing", texts, "-o", output, "--code", code)
    assert result.exit_code == 3
    assert f"{texts}, text 10: the pipeline failed (ValueError)" in result.stdout
    assert "r7" not in {row["id"] for row in read_rows(output)}
    assert len(read_rows(output)) == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "nothing"], "unknown format 'nothing'; must be one of spacy, spacy-json"),
        (["--to", "webanno-tsv"], "can only be read; set another one with --to"),
        (["--to", "label-studio"], "must end in .json"),
        ([], "without --to, the output must end in .jsonl, got none"),
        (
            ["--to", "brat", "--text-field", "report"],
            "got 1 text, 0 blank and 1 rejected, such",
        ),
    ],
)
def test_what_can_not_be_written_is_told_and_leaves_no_file(
    model: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    source = write_rows(tmp_path / "a.jsonl", [{"text": TEXTS[0]}])
    result = run(model, source, "-o", tmp_path / "next", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "docred" not in result.stderr
    assert not (tmp_path / "next").exists()


@pytest.mark.parametrize("name", ["next.csv", "next.json", "next.jsonl.gz"])
def test_json_lines_under_another_suffix_are_refused_before_anything_is_loaded(
    texts: Path, tmp_path: Path, name: str
) -> None:
    result = run(tmp_path / "no-model", texts, "-o", tmp_path / name)
    assert result.exit_code == 1
    suffix = Path(name).suffix
    assert f"{name}: without --to, the output must end in .jsonl, got {suffix}" in result.stderr
    assert not (tmp_path / name).exists()


def test_rejected_texts_are_counted_by_reason(model: Path, texts: Path, tmp_path: Path) -> None:
    lines = [{"text": "x" * length} for length in (51, 52, 53, 54)]
    longer = write_rows(tmp_path / "longer.jsonl", [*lines, {"id": 1}, [7], {"text": 7}])
    result = run(model, texts, longer, "-o", tmp_path / "next.jsonl", "--max-length", 50)
    assert result.exit_code == 3
    told = [f"  {longer}, text {i}: the text is too long ({50 + i} " for i in (1, 2, 3)]
    lines = result.stdout.splitlines()[2:13]
    assert [line.partition("characters")[0] for line in lines] == [
        "rejected (4): the text is too long",
        *told,
        "  and 1 more",
        "rejected (2): the field 'text' is missing or null",
        f"  {longer}, text 5: the field 'text' is missing or null",
        f"  {texts}, text 15: the field 'text' is missing or null",
        "rejected (1): not a JSON object",
        f"  {longer}, text 6: not a JSON object",
        "rejected (1): the field 'text' must be a string, got int",
    ]


@pytest.mark.parametrize(("name", "content"), [("a.txt", "\n \n"), ("a.csv", "text\n")])
def test_files_without_a_text_are_an_error(
    model: Path, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    result = run(model, tmp_path / name, "-o", tmp_path / "next.jsonl")
    assert result.exit_code == 1
    assert "got empty files, or only blank lines" in result.stderr


def test_an_identifier_that_is_an_object_is_written_as_it_is(model: Path, tmp_path: Path) -> None:
    identifier = {"year": 7, "ward": ["a"]}
    source = write_rows(tmp_path / "a.jsonl", [{"id": identifier, "text": TEXTS[0]}])
    output = tmp_path / "next.jsonl"
    assert run(model, source, "-o", output).exit_code == 0
    annotate = ["annotate", str(model), str(source), "-o", str(tmp_path / "annotated")]
    assert CliRunner().invoke(app, annotate).exit_code == 0
    [part] = (tmp_path / "annotated").glob("part*.jsonl")
    for file in (output, part):
        assert [row["id"] for row in read_rows(file)] == [identifier]


def test_a_file_that_changes_meanwhile_is_an_error(nlp: Language, texts: Path) -> None:
    sources, _ = find_sources([str(texts)], output=texts.parent / "next.jsonl")

    def change(items: Iterable[Any]) -> Iterator[Any]:
        yield from items
        write_rows(texts, read_rows(texts)[1:])

    with pytest.raises(ValueError, match="changed while it was read"):
        select(nlp, sources, Candidates(Fields()), 2, track=change)


def test_an_input_is_not_overwritten(model: Path, texts: Path) -> None:
    before = texts.read_text("utf-8")
    result = run(model, texts, "-o", texts)
    assert (result.exit_code, texts.read_text("utf-8")) == (1, before)


def test_a_pipeline_without_a_tagger_is_refused(texts: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler")
    nlp.to_disk(tmp_path / "rules")
    result = run(tmp_path / "rules", texts, "-o", tmp_path / "next.jsonl")
    assert result.exit_code == 1
    assert "the pipeline must have a str_ner" in result.stderr
    assert "got entity_ruler" in result.stderr
