"""Minimum scores: what is left out of a doc, and of what commands write, draw and score."""

import json
import re
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.min_scores import MinScores, ScoreFilter
from spacy_str_encoder.doc.records import set_settings
from spacy_str_encoder.doc.relation import count_hidden, set_predicted
from spacy_str_encoder.evaluation import find_outcomes
from spacy_str_encoder.visualize.run import view_differences

VOCAB = Vocab()
WORDS = ["Ada", "works", "at", "Acme", "in", "Rome"]


@Language.component("tests_scored", assigns=["doc.ents", "doc._.relations", "doc._.records"])
def annotate_scored(doc: Doc) -> Doc:
    """Ada is certain, the score of Acme is 0.5, that of Rome 0.75."""
    ada, acme, rome = (
        Span(doc, i, i + 1, label) for i, label in [(0, "PER"), (3, "ORG"), (5, "LOC")]
    )
    doc.set_ents([ada, acme, rome])
    acme._.score, rome._.score = 0.5, 0.75
    relations = [
        Relation(ada, acme, "works_for", 0.25, 0.5),
        Relation(acme, rome, "in", 0.125, 0.5),
        Relation(ada, rome, "in", 0.75, 1.0),
    ]
    set_predicted(doc, relations, None)
    set_settings(doc, {"central": ["PER", "ORG"]})
    return doc


@pytest.fixture
def doc() -> Doc:
    return annotate_scored(Doc(VOCAB, words=WORDS))


def texts(doc: Doc) -> list[str]:
    return [span.text for span in doc.ents]


def arcs(doc: Doc) -> list[tuple[str, str, float, float | None]]:
    return [
        (each.head.text, each.tail.text, each.score, each.score_given_entities)
        for each in doc._.relations
    ]


@pytest.mark.parametrize(
    ("entity", "relation", "entities", "scores"),
    [
        (None, None, ["Ada", "Acme", "Rome"], [0.25, 0.75, 0.125]),
        (0.5, 0.125, ["Ada", "Acme", "Rome"], [0.25, 0.75, 0.125]),
        (0.51, None, ["Ada", "Rome"], [0.75]),
        (None, 0.2, ["Ada", "Acme", "Rome"], [0.25, 0.75]),
        (0.7, 0.8, ["Ada", "Rome"], []),
        (1, None, ["Ada"], []),
    ],
)
def test_what_is_below_the_minimum_goes(
    doc: Doc, entity: float, relation: float, entities: list[str], scores: list[float]
) -> None:
    low = ScoreFilter(MinScores(entity, relation))
    assert low(doc) is doc
    assert texts(doc) == entities
    assert [each.score for each in doc._.relations] == scores
    assert (low.entities, low.relations) == (3 - len(entities), 3 - len(scores))
    # What was left out was not hidden by a later component.
    assert count_hidden(doc) == 0
    assert [record["text"] for record in doc._.records] == [
        each for each in entities if each != "Rome"
    ]


def test_what_is_left_is_as_before(doc: Doc) -> None:
    ScoreFilter(MinScores(0.6))(doc)
    assert arcs(doc) == [("Ada", "Rome", 0.75, 1.0)]
    assert [span._.score for span in doc.ents] == [None, 0.75]
    [record] = doc._.records
    assert [value["text"] for value in record["values"]["in"]] == ["Rome"]
    # A relation is still hidden once a component removes its entity.
    doc.set_ents(doc.ents[:1])
    assert (arcs(doc), count_hidden(doc)) == ([], 1)


def test_hidden_relations_stay_hidden(doc: Doc) -> None:
    doc.set_ents([span for span in doc.ents if span.text != "Rome"])
    low = ScoreFilter(MinScores(relation=1))
    low(doc)
    assert (low.relations, arcs(doc), count_hidden(doc)) == (1, [], 2)


def test_doc_ents_and_the_group_agree() -> None:
    doc = Doc(VOCAB, words=["left", "knee", "pain"])
    body, finding, other = Span(doc, 0, 2, "Body"), Span(doc, 0, 3, "Finding"), Span(doc, 2, 3, "X")
    doc.spans["sc"] = [body, finding, other]
    doc.spans["others"] = [body]
    doc.spans["sc"].attrs["of"] = "tests"
    doc.set_ents([Span(doc, 0, 2, "Body", kb_id="Q1"), other])
    body._.score, finding._.score, other._.score = 0.9, 0.2, 0.4
    set_predicted(doc, [Relation(body, finding, "in", 0.18), Relation(body, other, "of")], "sc")
    low = ScoreFilter(MinScores(0.5), "sc")
    low(doc)
    assert [(span.text, span.kb_id_) for span in doc.ents] == [("left knee", "Q1")]
    assert [span.label_ for span in doc.spans["sc"]] == ["Body"]
    assert doc.spans["sc"].attrs["of"] == "tests" and len(doc.spans["others"]) == 1
    # One that is in both places counts once.
    assert (low.entities, low.relations, doc._.relations) == (2, 2, [])


def test_unannotated_tokens_stay_unannotated() -> None:
    doc = Doc(VOCAB, words=WORDS)
    doc.set_ents([Span(doc, 0, 1, "PER")], default="missing")
    doc.ents[0]._.score = 0.1
    ScoreFilter(MinScores(0.5))(doc)
    assert [token.ent_iob_ for token in doc] == ["O", "", "", "", "", ""]


@pytest.mark.parametrize("score", ["1.5", "-1", "nan"])
@pytest.mark.parametrize("kind", ["entity", "relation"])
@pytest.mark.parametrize("command", ["annotate", "visualize", "evaluate"])
def test_other_numbers_are_refused_in_one_line(command: str, kind: str, score: str) -> None:
    options = [] if command == "evaluate" else ["-o", "out"]
    result = CliRunner().invoke(
        app, [command, "model", "texts.txt", f"--min-{kind}-score", score, *options]
    )
    kinds = {"entity": "entities", "relation": "relations"}[kind]
    expected = f"The minimum score of {kinds} must be a number from 0 to 1, got {float(score)}."
    assert (result.exit_code, result.stderr) == (1, f"Error: {expected}\n")


# Commands


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pipeline of the component above alone."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tests_scored")
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    return result.exit_code, re.sub(r"\s+", " ", result.output)


@pytest.mark.parametrize("processes", [1, 2])
def test_archives_leave_them_out(model: Path, tmp_path: Path, processes: int) -> None:
    (tmp_path / "texts.txt").write_text(f"{' '.join(WORDS)}\n" * 2, "utf-8")
    code = Path(__file__)
    command = ["annotate", model, tmp_path / "texts.txt", "-o", tmp_path / "out", "--code", code]
    options = ["--min-entity-score", "0.6", "--min-relation-score", "0.1", "--part-size", 1]
    left_out = "2 entities with a score below the minimum left out, and 4 relations with such"
    # Earlier runs count too.
    for _ in range(2):
        exit_code, printed = run(*command, *options, "--n-process", processes)
        assert (exit_code, left_out in printed) == (0, True), printed
    rows = [
        json.loads(line)
        for path in sorted((tmp_path / "out").glob("part-*"))
        for line in path.read_text("utf-8").splitlines()
    ]
    assert [[each["label"] for each in row["entities"]] for row in rows] == [["PER", "LOC"]] * 2
    assert [[each["score"] for each in row["relations"]] for row in rows] == [[0.75]] * 2
    manifest = [*map(json.loads, (tmp_path / "out" / "manifest.jsonl").open(encoding="utf-8"))]
    settings = manifest[0]["settings"]
    assert (settings["min_entity_score"], settings["min_relation_score"]) == (0.6, 0.1)
    parts = [line for line in manifest if "chunk" in line]
    assert [(line["low_entities"], line["low_relations"]) for line in parts] == [(1, 2)] * 2

    exit_code, printed = run(*command, *options[2:])
    assert exit_code == 1
    assert "'min_entity_score' was 0.6, now it is None" in printed


def test_pages_leave_them_out(model: Path, tmp_path: Path) -> None:
    options = ["-o", tmp_path / "page.html", "--min-entity-score", 0.6]
    exit_code, printed = run("visualize", model, " ".join(WORDS), *options)
    assert exit_code == 0 and "1 entity with a score below the minimum left out" in printed
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "LOC" in page and "ORG" not in page

    nlp = spacy.load(model)
    gold = nlp(" ".join(WORDS))
    [view] = view_differences(nlp, [gold], low=ScoreFilter(MinScores(0.6)))
    assert {(each.label, each.kind) for each in view.entities} == {
        ("PER", "correct"),
        ("ORG", "missed"),
        ("LOC", "correct"),
    }


def test_scores_leave_them_out_but_no_gold_ones(model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model)
    gold = nlp(" ".join(WORDS))
    DocBin(docs=[gold], store_user_data=True).to_disk(tmp_path / "gold.spacy")
    output = tmp_path / "scores.json"
    options = ["--min-entity-score", 0.6, "--min-relation-score", 0.1, "-o", output]
    exit_code, printed = run("evaluate", model, tmp_path / "gold.spacy", *options)
    assert exit_code == 0, printed
    assert "minimum score: entity 0.6, relation 0.1" in printed
    assert "1 entity with a score below the minimum left out, and 2 relations" in printed
    report = json.loads(output.read_text("utf-8"))
    assert report["min_scores"] == {"entity": 0.6, "relation": 0.1}
    micro = report["model"]["entities"]["strict"]["micro"]
    assert (micro["gold"], micro["predicted"], micro["correct"]) == (3, 2, 2)
    micro = report["model"]["relations"]["strict"]["micro"]
    assert (micro["gold"], micro["predicted"], micro["correct"]) == (3, 1, 1)
    assert len(gold.ents) == 3

    outcomes = find_outcomes(nlp, [gold], min_scores=MinScores(0.6))
    assert (len(outcomes.entities[0].gold), outcomes.low_entities) == (3, 1)
    exit_code, printed = run("evaluate", model, tmp_path / "gold.spacy")
    assert "minimum" not in printed
