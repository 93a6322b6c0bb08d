"""`evaluate` with attributes of entities, against counts made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.evaluation import Report, evaluate
from spacy_str_encoder.evaluation.outcomes import TASKS, collect_outcomes
from spacy_str_encoder.evaluation.report import make_report

# Each entity is one word. Its first letter is its type: of "Findings" with an attribute.
TEXT = "no Fever Pain maybe Cough Mother Asthma"
GOLD: dict[str, dict[str, str] | None] = {
    "Fever": {"Assertion": "negated"},
    "Pain": {"Assertion": "negated"},
    "Cough": {"Assertion": "possible"},
    "Mother": {},
    "Asthma": {},
}
# "Pain" is wrong and "Cough" is not found.
FOUND = {
    "Fever": {"Assertion": "negated"},
    "Pain": {"Assertion": "present"},
    "Cough": {"Assertion": "possible"},
    "Mother": {},
    "Asthma": {"Assertion": "present"},
    "no": {"Assertion": "negated"},
}
MISSED = "Cough"


@Language.component("find_words", assigns=["doc.ents"])
def find_words(doc: Doc) -> Doc:
    words = {*FOUND} - {MISSED}
    doc.set_ents([Span(doc, token.i, token.i + 1, "F") for token in doc if token.text in words])
    return doc


@Language.factory("describe_words", assigns=["span._.attributes"])
class DescribeWords:
    """Sets what is found above on whatever entities there are."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.cfg = {"defaults": {"Assertion": "present"}}

    def __call__(self, doc: Doc) -> Doc:
        for entity in doc.ents:
            entity._.attributes = FOUND[entity.text]
        return doc


@Language.component("negate_all", assigns=["span._.attributes"])
def negate_all(doc: Doc) -> Doc:
    for entity in doc.ents:
        entity._.attributes = {"Assertion": "negated"}
    return doc


def make_nlp(*names: str) -> Language:
    nlp = spacy.blank("en")
    for name in names:
        nlp.add_pipe(name)
    return nlp


def make_gold(nlp: Language, *, annotated: bool = True) -> Doc:
    doc = nlp.make_doc(TEXT)
    doc.set_ents([Span(doc, token.i, token.i + 1, "F") for token in doc if token.text in GOLD])
    for entity in doc.ents if annotated else ():
        entity._.attributes = GOLD[entity.text]
    return doc


def evaluate_words() -> Report:
    nlp = make_nlp("find_words", "describe_words")
    return evaluate(nlp, [make_gold(nlp)])


def counts(report: Report, task: Any) -> tuple[int, int, int]:
    micro = report["model"][task]["strict"]["micro"]
    return micro["correct"], micro["predicted"], micro["gold"]


def test_values_that_are_not_the_default_count() -> None:
    report = evaluate_words()
    assert report["docs"]["with_attributes"] == 1
    # Of two negated and a possible one. "no" is a wrong entity, which counts for entities alone.
    assert counts(report, "attributes") == (1, 1, 3)
    assert counts(report, "attributes_gold_entities") == (2, 2, 3)
    scores: Any = report["model"]["attributes_gold_entities"]
    per_type = scores["strict"]["per_type"]
    assert per_type.keys() == {"Assertion=negated", "Assertion=possible"}
    assert per_type["Assertion=negated"]["p"] == 1
    assert per_type["Assertion=negated"]["r"] == pytest.approx(0.5)
    assert scores["boundaries"] is None
    low, high = scores["strict"]["interval"]["f"]
    assert low <= scores["strict"]["micro"]["f"] <= high


def test_confusions_have_the_default_too() -> None:
    scores: Any = evaluate_words()["model"]["attributes_gold_entities"]
    confusion = scores["confusion"]
    cells = {
        (gold, predicted): number
        for gold, row in zip(confusion["classes"], confusion["counts"], strict=True)
        for predicted, number in zip(confusion["classes"], row, strict=True)
        if number
    }
    negated, possible, present = (f"Assertion={v}" for v in ("negated", "possible", "present"))
    assert cells == {
        (negated, negated): 1,
        (negated, present): 1,
        (possible, possible): 1,
        # The asthma is annotated, without an assertion.
        (present, present): 1,
    }


UNSCORED = "Attributes: not scored, because no gold entity is annotated with span._.attributes."


@pytest.mark.parametrize(("names", "notes"), [(["describe_words"], [UNSCORED]), ([], [])])
def test_gold_data_without_attributes_are_told_if_a_component_sets_some(
    names: list[str], notes: list[str]
) -> None:
    nlp = make_nlp("find_words", *names)
    report = evaluate(nlp, [make_gold(nlp, annotated=False)])
    assert report["model"]["attributes"] is None
    assert [note for note in report["model"]["notes"] if "ttribute" in note] == notes


def test_attributes_do_not_differ_from_those_of_a_pipeline_without(tmp_path: Path) -> None:
    names = {"with": ["find_words", "describe_words"], "without": ["find_words"]}
    for folder, components in names.items():
        make_nlp(*components).to_disk(tmp_path / folder)
    nlp = make_nlp()
    for name, annotated in (("gold", True), ("none", False)):
        gold = DocBin(docs=[make_gold(nlp, annotated=annotated)], store_user_data=True)
        gold.to_disk(tmp_path / f"{name}.spacy")
    for first, second in (("with", "without"), ("without", "with")):
        models = [str(tmp_path / first), str(tmp_path / second)]
        for data, notes in (("gold", 0), ("none", 1)):
            path, output = tmp_path / f"{data}.spacy", tmp_path / "scores.json"
            arguments = ["evaluate", models[0], str(path), "--compare", models[1]]
            result = CliRunner().invoke(app, [*arguments, "-o", str(output)])
            assert result.exit_code == 0, result.output
            assert " ".join(result.output.split()).count(UNSCORED) == notes
            assert json.loads(output.read_text())["differing"].keys() == {*TASKS}


def test_a_pipeline_that_sets_no_attributes_is_told() -> None:
    nlp = make_nlp("find_words")
    notes = evaluate(nlp, [make_gold(nlp)])["model"]["notes"]
    assert "Attributes, predicted entities: not scored, because no component sets " in " ".join(
        notes
    )


def test_misaligned_entities_count_as_missed(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    entity = '{"start": 3, "end": 6, "label": "F", "attributes": {"Assertion": "negated"}}'
    gold.write_text(f'{{"text": "{TEXT}", "entities": [{entity}]}}\n')
    nlp = make_nlp("find_words", "describe_words")
    nlp.to_disk(tmp_path / "nlp")
    output = tmp_path / "scores.json"
    arguments = ["evaluate", str(tmp_path / "nlp"), str(gold), "-o", str(output)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert counts(json.loads(output.read_text()), "attributes") == (0, 0, 1)


def test_both_are_compared_and_printed(tmp_path: Path) -> None:
    names = {"ours": "describe_words", "rule": "negate_all"}
    for folder, component in names.items():
        make_nlp("find_words", component).to_disk(tmp_path / folder)
    nlp = make_nlp()
    DocBin(docs=[make_gold(nlp)], store_user_data=True).to_disk(tmp_path / "gold.spacy")
    paths = [str(tmp_path / name) for name in ("ours", "gold.spacy", "rule")]
    arguments = ["evaluate", *paths[:2], "--compare", paths[2], "--details"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert "1 with attributes" in result.output
    # F1 of this pipeline and of the rule, which also negates what is present by default.
    assert ["Attributes,", "gold", "entities", "80.0", "50.0"] in [line[:5] for line in lines]
    assert ["Assertion=negated", "100.0", "50.0", "66.7", "1", "2"] in lines
    assert ["Assertion=negated", "Assertion=present", "1"] in lines
    # The last table: docs with different predictions.
    assert ["Attributes,", "gold", "entities", "1"] in lines


def test_outcomes_without_defaults_count_all_values() -> None:
    nlp = make_nlp("find_words", "negate_all")
    report = make_report(collect_outcomes([], []))
    assert report["model"]["attributes"] is None
    report = evaluate(nlp, [make_gold(nlp)])
    assert counts(report, "attributes_gold_entities") == (2, 5, 3)
