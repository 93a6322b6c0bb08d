"""Temperatures, thresholds, and the command that finds them."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import fix_random_seed
from typer.testing import CliRunner, Result

from spacy_str_encoder import Relation
from spacy_str_encoder.calibration import Choice, calibrate
from spacy_str_encoder.calibration.temperature import fit_temperature
from spacy_str_encoder.calibration.threshold import threshold_for_f1, threshold_for_precision
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.temperatures import scale_odds
from spacy_str_encoder.evaluation.scored import Scored

from .pipelines import ANNOTATIONS, TEXT, TEXTS, MakeNlp, make_examples, relate, train

PROBABILITIES = st.floats(1e-6, 1 - 1e-6)
SCORED = st.lists(st.tuples(st.integers(1, 9).map(lambda n: n / 10), st.booleans()), max_size=12)


def make_scored(rows: list[tuple[float, bool]]) -> Scored:
    return Scored(
        numpy.array([score for score, _ in rows]), numpy.array([ok for _, ok in rows], dtype=bool)
    )


# The arithmetic


@given(probability=PROBABILITIES, temperature=st.floats(0.1, 10))
def test_odds_are_taken_to_the_power_of_the_inverse(probability: float, temperature: float) -> None:
    odds = (probability / (1 - probability)) ** (1 / temperature)
    [scaled] = scale_odds(numpy.array([probability]), temperature)
    assert scaled == pytest.approx(odds / (1 + odds), rel=1e-6)


@given(scores=st.lists(st.floats(0, 1, width=32), min_size=2), temperature=st.floats(0.1, 10))
def test_the_order_of_scores_stays(scores: list[float], temperature: float) -> None:
    scores = sorted(scores)
    scaled = scale_odds(numpy.array(scores, dtype="float32"), temperature)
    assert (numpy.diff(scaled) >= 0).all()
    assert ((scaled >= 0) & (scaled <= 1)).all()


def test_a_score_that_float32_has_rounded_to_one_is_scaled_too() -> None:
    sure = numpy.array([1.0, 1 - 2.0**-23], dtype="float32")
    first, second = scale_odds(sure, 4.0)
    assert 1 > first > second > 0.97


def test_a_temperature_of_one_changes_nothing() -> None:
    scores = numpy.array([0.0, 0.3, 1.0], dtype="float32")
    assert scale_odds(scores, 1.0) is scores


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_the_temperature_is_found_with_which_scores_were_drawn(true: float) -> None:
    random = numpy.random.default_rng(0)
    odds = random.normal(1, 3, size=20_000)
    correct = random.random(len(odds)) < 1 / (1 + numpy.exp(-odds / true))
    scored = Scored(1 / (1 + numpy.exp(-odds)), correct)
    assert fit_temperature(scored) == pytest.approx(true, rel=0.05)


def test_no_other_temperature_makes_the_outcomes_more_likely() -> None:
    random = numpy.random.default_rng(1)
    scores, correct = random.random(200), random.random(200) < 0.6
    fitted = fit_temperature(Scored(scores, correct))

    def loss(temperature: float) -> float:
        odds = (scores / (1 - scores)) ** (1 / temperature)
        return -float(numpy.log(numpy.where(correct, odds, 1) / (1 + odds)).sum())

    assert fitted is not None
    assert loss(fitted) <= min(map(loss, numpy.geomspace(0.1, 10, 500))) + 1e-6


@pytest.mark.parametrize(
    ("count", "correct", "expected"), [(29, 15, None), (30, 30, None), (30, 0, None), (30, 15, 1.0)]
)
def test_too_little_is_not_fitted(count: int, correct: int, expected: float | None) -> None:
    # Of the scores above and below one half, as many are correct as they say.
    scores = numpy.where(numpy.arange(count) < correct, 1 - 1e-9, 1e-9)
    fitted = fit_temperature(Scored(scores, numpy.arange(count) < correct))
    assert (fitted is None) == (expected is None)


def test_scores_that_always_hold_have_the_lowest_temperature() -> None:
    scores = numpy.repeat([0.6, 0.4], 20)
    assert fit_temperature(Scored(scores, scores > 0.5)) == pytest.approx(0.1, rel=1e-3)


def kept_by(rows: list[tuple[float, bool]], threshold: float | None) -> list[bool]:
    return [ok for score, ok in rows if threshold is None or score >= threshold]


@given(rows=SCORED, missed=st.integers(0, 5))
def test_no_threshold_has_a_higher_f1(rows: list[tuple[float, bool]], missed: int) -> None:
    gold = sum(ok for _, ok in rows) + missed

    def f1(threshold: float | None) -> float:
        kept = kept_by(rows, threshold)
        return 2 * sum(kept) / (len(kept) + gold) if kept else 0.0

    found = f1(threshold_for_f1(make_scored(rows), gold))
    assert found == max(map(f1, [None, *numpy.arange(0.05, 1, 0.1)]))


@given(rows=SCORED, precision=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_the_lowest_threshold_with_a_precision_is_found(
    rows: list[tuple[float, bool]], precision: float
) -> None:
    choices = [kept_by(rows, each) for each in [None, *numpy.arange(0.15, 1, 0.1)]]
    reached = [kept for kept in choices if kept and sum(kept) / len(kept) >= precision]
    if not reached:
        with pytest.raises(ValueError, match=r"no threshold has a precision|got none"):
            threshold_for_precision(make_scored(rows), precision)
    else:
        threshold = threshold_for_precision(make_scored(rows), precision)
        assert len(kept_by(rows, threshold)) == max(map(len, reached))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"best_f1": True, "precision": 0.9}, "--best-f1 can't be used with --precision"),
        ({"precision": 1.1}, "--precision must be a number from 0 to 1, got 1.1"),
        ({"precision": float("nan")}, "--precision must be a number from 0 to 1, got nan"),
    ],
)
def test_wrong_choices_are_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Choice(**choice)


# The components


def make_trained(make_nlp: MakeNlp, **settings: Any) -> Language:
    fix_random_seed(0)
    nlp = make_nlp(**settings)
    nlp.config["initialize"]["after_init"] = None
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, steps=40)
    return nlp


def make_gold(nlp: Language) -> list[Doc]:
    """What the pipeline finds, but most of the relations below the median score, and some of the
    entities below the first quartile, are wrong.
    """
    found = list(nlp.pipe(TEXTS))
    low_entity = numpy.quantile([each._.score for doc in found for each in doc.ents], 0.25)
    low_relation = numpy.median([score_of(each) for doc in found for each in doc._.relations])
    gold = []
    for copy in range(10):
        for predicted in found:
            doc = nlp.make_doc(predicted.text)
            entities = [e for e in predicted.ents if copy < 8 or e._.score > low_entity]
            spans = {(e.start, e.end): Span(doc, e.start, e.end, e.label_) for e in entities}
            doc.set_ents([*spans.values()])
            doc._.relations = [
                Relation(spans[head.start, head.end], spans[tail.start, tail.end], label)
                for head, tail, label, score in map(parts_of, predicted._.relations)
                if (copy < 3 or score > low_relation)
                and {(head.start, head.end), (tail.start, tail.end)} <= spans.keys()
            ]
            gold.append(doc)
    return gold


def score_of(relation: Relation) -> float:
    assert relation.score_given_entities is not None
    return relation.score_given_entities


def parts_of(relation: Relation) -> tuple[Span, Span, str, float]:
    return relation.head, relation.tail, relation.label, score_of(relation)


@pytest.fixture(scope="module")
def unsure(make_nlp: MakeNlp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline, and gold docs that it is not always right about."""
    nlp = make_trained(make_nlp)
    folder = tmp_path_factory.mktemp("unsure")
    nlp.to_disk(folder / "model")
    DocBin(docs=make_gold(nlp), store_user_data=True).to_disk(folder / "dev.spacy")
    return folder


def find(nlp: Language) -> tuple[list[Any], list[float], list[Any], list[float]]:
    """Places and scores of entities, and of relations."""
    docs = list(nlp.pipe(TEXTS))
    entities = [entity for doc in docs for entity in doc.ents]
    relations = [relation for doc in docs for relation in doc._.relations]
    return (
        [(e.start, e.end, e.label_) for e in entities],
        [e._.score for e in entities],
        [(r.head.start, r.tail.start, r.label) for r in relations],
        [score_of(r) for r in relations],
    )


def test_temperatures_change_scores_alone(unsure: Path, tmp_path: Path) -> None:
    nlp = spacy.load(unsure / "model")
    before = find(nlp)
    assert len(before[0]) > 5 and len(before[2]) > 5
    nlp.get_pipe("str_ner").temperature = 2.0
    nlp.get_pipe("str_rel").temperature = 0.5
    nlp.to_disk(tmp_path / "saved")
    for pipeline in (nlp, spacy.load(tmp_path / "saved")):
        entities, scores, relations, given = find(pipeline)
        assert (entities, relations) == (before[0], before[2])
        odds = numpy.array(before[1]) / (1 - numpy.array(before[1]))
        assert scores == pytest.approx((odds**0.5 / (1 + odds**0.5)).tolist(), rel=1e-4)
        odds = numpy.array(before[3]) / (1 - numpy.array(before[3]))
        assert given == pytest.approx((odds**2 / (1 + odds**2)).tolist(), rel=1e-4)
        for relation in pipeline(TEXT)._.relations:
            ends = relation.head._.score * relation.tail._.score
            assert relation.score == pytest.approx(relation.score_given_entities * ends)


def test_a_temperature_can_be_set_where_pipelines_are_loaded(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model", config={"components.str_ner.temperature": 3})
    assert nlp.get_pipe("str_ner").temperature == 3.0


@pytest.mark.parametrize("temperature", [0, -1, "high", "nan", float("inf")])
def test_temperatures_are_above_zero(make_nlp: MakeNlp, temperature: Any) -> None:
    with pytest.raises(ValueError, match="temperature"):
        make_nlp(temperature=temperature)
    with pytest.raises(ValueError, match="str_ner: temperature must be a number above 0"):
        make_nlp().get_pipe("str_ner").temperature = temperature


def test_an_exclusive_pair_below_the_threshold_has_no_relation(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    everything = [(r.head, r.tail, r.label, r.score_given_entities) for r in _relate(nlp)]
    scores = sorted(score for *_, score in everything)
    threshold = scores[len(scores) // 2]
    nlp.get_pipe("str_rel").threshold = threshold
    found = {(r.head.text, r.label) for r in _relate(nlp)}
    assert found == {(head.text, label) for head, _, label, s in everything if s >= threshold}
    nlp.get_pipe("str_rel").threshold = None
    assert len(_relate(nlp)) == len(everything)


def _relate(nlp: Language) -> list[Relation]:
    return list(relate(nlp, ANNOTATIONS[0])._.relations)


# The command


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def read_gold(unsure: Path, nlp: Language) -> list[Doc]:
    return list(DocBin().from_disk(unsure / "dev.spacy").get_docs(nlp.vocab))


def test_scores_become_probabilities_and_nothing_else_changes(unsure: Path, tmp_path: Path) -> None:
    model, report = unsure / "model", tmp_path / "report.json"
    result = run(model, unsure / "dev.spacy", "-o", tmp_path / "new", "--report", report)
    assert result.exit_code == 0, result.output
    before, after = find(spacy.load(model)), find(spacy.load(tmp_path / "new"))
    assert (before[0], before[2]) == (after[0], after[2])
    assert before[1] != after[1] and before[3] != after[3]
    written = json.loads(report.read_text("utf-8"))
    for task in ("entities", "relations_gold_entities"):
        old, new = (written[each][task] for each in ("before", "after"))
        assert old["strict"]["micro"] == new["strict"]["micro"]
        assert new["calibration"]["ece"] < old["calibration"]["ece"]
        assert f"{100 * new['calibration']['ece']:.1f}" in result.output
    loaded = spacy.load(tmp_path / "new")
    for name, temperature in written["temperatures"].items():
        assert loaded.get_pipe(name).temperature == temperature
        assert f"{name}: temperature {temperature:.3g}" in result.output
    assert written["threshold"] is None and not written["is_chosen"]
    assert "threshold" not in result.output


def test_calibrating_again_changes_hardly_anything(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    gold = read_gold(unsure, nlp)
    first = calibrate(nlp, gold, Choice())["temperatures"]
    second = calibrate(nlp, gold, Choice())["temperatures"]
    assert second == pytest.approx(first, rel=1e-3)


@pytest.mark.parametrize("exclusive", [True, False])
def test_relations_reach_the_wanted_precision(make_nlp: MakeNlp, exclusive: bool) -> None:
    nlp = make_trained(make_nlp, exclusive=exclusive)
    report = calibrate(nlp, make_gold(nlp), Choice(precision=0.8))
    before, after = (report[each]["relations"]["strict"]["micro"] for each in ("before", "after"))
    assert before["p"] < 0.8 <= after["p"]
    assert report["threshold"] == nlp.get_pipe("str_rel").threshold
    kept = [score_of(r) for doc in nlp.pipe(TEXTS) for r in doc._.relations]
    assert min(kept) >= report["threshold"]


def test_temperatures_are_those_of_all_relations_whatever_the_threshold(unsure: Path) -> None:
    found = []
    for choice in (Choice(), Choice(precision=0.8)):
        nlp = spacy.load(unsure / "model")
        found.append(calibrate(nlp, read_gold(unsure, nlp), choice)["temperatures"])
    assert found[0] == found[1]


def test_if_all_relations_can_be_kept_that_is_said(unsure: Path, tmp_path: Path) -> None:
    nlp = spacy.load(unsure / "model")
    nlp.get_pipe("str_rel").threshold = 0.99
    nlp.to_disk(tmp_path / "strict")
    output = tmp_path / "new" / "folder" / "model"
    result = run(tmp_path / "strict", unsure / "dev.spacy", "-o", output, "--precision", "0.1")
    assert result.exit_code == 0, result.output
    assert "threshold of relations: none, all are kept" in result.output
    assert "ECE after is that of the texts it was fitted to" in result.output
    assert spacy.load(output).get_pipe("str_rel").threshold is None


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (Choice(), {"ents_f": 0.9, "rels_f": 0.8, "rels_per_type": {}}),
        (Choice(precision=0.8), {"ents_f": 0.9}),
    ],
)
def test_scores_of_training_stay_unless_the_threshold_changes_them(
    choice: Choice, kept: dict[str, Any], unsure: Path
) -> None:
    nlp = spacy.load(unsure / "model")
    nlp.meta["performance"] = {"ents_f": 0.9, "rels_f": 0.8, "rels_per_type": {}}
    calibrate(nlp, read_gold(unsure, nlp), choice)
    assert nlp.meta["performance"] == kept


def test_the_threshold_for_f1_is_at_least_as_good(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    report = calibrate(nlp, read_gold(unsure, nlp), Choice(best_f1=True))
    before, after = (report[each]["relations"]["strict"]["micro"] for each in ("before", "after"))
    assert after["f"] >= before["f"] > 0


def test_a_threshold_keeps_its_meaning_if_none_is_chosen(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    scores = sorted(find(nlp)[3])
    nlp.get_pipe("str_rel").threshold = (scores[1] + scores[2]) / 2
    before = find(nlp)[2]
    calibrate(nlp, read_gold(unsure, nlp), Choice())
    assert nlp.get_pipe("str_rel").temperature != 1
    assert find(nlp)[2] == before != []


def test_too_few_scores_leave_a_component_as_it_is(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    report = calibrate(nlp, read_gold(unsure, nlp)[2:3], Choice())
    assert report["temperatures"] == {"str_ner": 1.0, "str_rel": 1.0}
    assert [note.split()[0] for note in report["notes"]] == ["str_ner", "str_rel"]
    assert "at least 30 scores are needed" in report["notes"][0]


def test_a_precision_out_of_reach_leaves_all_as_it_was(unsure: Path) -> None:
    nlp = spacy.load(unsure / "model")
    [gold] = read_gold(unsure, nlp)[:1]
    gold._.relations = [Relation(each.head, each.tail, "other") for each in gold._.relations]
    with pytest.raises(ValueError, match=r"no threshold has a precision of 1 on these texts"):
        calibrate(nlp, [gold], Choice(precision=1.0))
    assert nlp.get_pipe("str_rel").threshold is None


def test_what_cannot_be_calibrated_is_refused(unsure: Path, tmp_path: Path) -> None:
    model, data = unsure / "model", unsure / "dev.spacy"
    result = run(model, data, "-o", model)
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: {model}: exists already; choose another folder, or remove it\n",
    )
    (tmp_path / "file").touch()
    result = run(model, data, "-o", tmp_path / "file" / "new")
    assert f"{tmp_path / 'file'} is not a folder" in result.stderr
    spacy.blank("zh").to_disk(tmp_path / "blank")
    result = run(tmp_path / "blank", data, "-o", tmp_path / "new")
    assert "must have str_ner, str_rel or str_attr" in result.stderr
    unrelated = spacy.load(model, exclude=["str_rel"])
    unrelated.to_disk(tmp_path / "unrelated")
    result = run(tmp_path / "unrelated", data, "-o", tmp_path / "new", "--best-f1")
    assert "a threshold needs a str_rel" in result.stderr
    without = [unrelated.make_doc(TEXT)]
    without[0].set_ents([])
    DocBin(docs=without).to_disk(tmp_path / "without.spacy")
    result = run(model, tmp_path / "without.spacy", "-o", tmp_path / "new", "--precision", "0.5")
    assert "a threshold needs annotated relations" in result.stderr
    assert not (tmp_path / "new").exists()
