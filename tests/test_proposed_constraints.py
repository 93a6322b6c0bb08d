"""Constraints that `debug-data` proposes, and gold relations that break those of a config."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.util import load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_str_encoder import Relation
from spacy_str_encoder.cli import app
from spacy_str_encoder.debug_data.advice import give_advice
from spacy_str_encoder.debug_data.aligned import align_doc
from spacy_str_encoder.debug_data.collect import Statistics
from spacy_str_encoder.debug_data.evidence import Evidence
from spacy_str_encoder.debug_data.proposals import list_config_lines, propose_constraints
from spacy_str_encoder.debug_data.settings import PipelineSettings, make_settings
from spacy_str_encoder.debug_data.split import SplitStatistics, count_doc
from spacy_str_encoder.pairs.candidates import make_max_distance
from spacy_str_encoder.pairs.constraints import (
    Acyclic,
    InverseOf,
    LabelConstraint,
    MaxPerEntity,
    MaxPerHead,
    MaxPerTail,
    NoSelf,
)

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "coronary.cfg"
NLP = spacy.blank("en")
# Head and tail by number, and label.
Arc = tuple[int, int, str]


def make_settings_for(**task: Any) -> PipelineSettings:
    settings = make_settings(spans_key="sc")
    return replace(settings, task=replace(settings.task, **task))


def count(
    types: str, arcs: Iterable[Arc], *, places: Sequence[int] | None = None, **task: Any
) -> SplitStatistics:
    """Statistics of a doc of entities of one word each, in text order."""
    doc = Doc(NLP.vocab, words=[*"abcdefgh"])
    starts = range(len(types)) if places is None else places
    spans = [Span(doc, i, i + 1, name) for i, name in zip(starts, types, strict=True)]
    doc.spans["sc"] = spans
    doc._.relations = [Relation(spans[head], spans[tail], label) for head, tail, label in arcs]
    split, settings = SplitStatistics(), make_settings_for(**task)
    count_doc(split, align_doc(doc, settings, number=1), settings)
    return split


# The evidence


@pytest.mark.parametrize(
    ("types", "arcs", "constraint", "expected"),
    [
        # The head could have the other B too, but the tail no other A.
        ("ABB", [(0, 1, "r")], MaxPerHead("r", 1), (1, 1, 0)),
        ("ABB", [(0, 1, "r")], MaxPerTail("r", 1), (1, 0, 0)),
        ("ABC", [(0, 1, "r")], MaxPerHead("r", 1), (1, 0, 0)),
        ("ABB", [(0, 1, "r"), (0, 2, "r")], MaxPerHead("r", 1), (1, 0, 1)),
        ("ABB", [(0, 1, "r"), (0, 2, "r")], MaxPerTail("r", 1), (2, 0, 0)),
        ("AABB", [(0, 2, "r"), (3, 1, "r")], MaxPerTail("r", 1), (2, 2, 0)),
        ("AAAA", [(0, 1, "r"), (1, 2, "r")], Acyclic("r"), (2, 1, 0)),
        # No relation leads from B to A.
        ("AAB", [(0, 1, "r"), (1, 2, "r")], Acyclic("r"), (2, 0, 0)),
        ("AAA", [(0, 1, "r"), (1, 2, "r"), (2, 0, "r")], Acyclic("r"), (3, 3, 1)),
        ("AB", [(0, 1, "r"), (1, 0, "s")], InverseOf("r", "s"), (1, 1, 0)),
        ("AB", [(0, 1, "r"), (0, 1, "s")], InverseOf("r", "s"), (0, 0, 1)),
    ],
)
def test_evidence_is_counted(
    types: str, arcs: list[Arc], constraint: LabelConstraint, expected: tuple[int, int, int]
) -> None:
    assert count(types, arcs).evidence[constraint] == Evidence(*expected)


def test_entities_in_one_place_could_be_related() -> None:
    split = count("ABAB", [(0, 3, "r")], places=[0, 0, 1, 2])
    assert split.evidence[NoSelf("r")] == Evidence(1, 1, 0)
    split = count("AB", [(0, 1, "r")], places=[0, 0])
    assert split.evidence[NoSelf("r")] == Evidence(1, 1, 1)
    assert count("AC", [], places=[0, 0]).evidence == {}


def test_pairs_that_are_no_candidates_are_no_evidence() -> None:
    far = make_max_distance(tokens=0)
    assert count("ABB", [(0, 1, "r")], candidates=far).evidence[MaxPerHead("r", 1)].open == 0


def test_symmetric_labels_have_a_limit_for_both_ends() -> None:
    split = count("AAA", [(1, 0, "r")], symmetric=["r"])
    assert split.evidence[MaxPerEntity("r", 1)] == Evidence(2, 2, 0)
    assert {*map(type, split.evidence)} == {MaxPerEntity, NoSelf}


# The proposals


def make_statistics(
    evidence: dict[LabelConstraint, Evidence],
    dev: dict[LabelConstraint, Evidence] | None = None,
    **task: Any,
) -> Statistics:
    train = SplitStatistics(evidence=evidence)
    splits = {"train": train, "dev": SplitStatistics(evidence=dev or {})}
    return Statistics(splits, {}, make_settings_for(**task))


ENOUGH = Evidence(100, 50, 0)
ONE = MaxPerTail("r", 1)


@pytest.mark.parametrize(
    ("evidence", "dev", "is_proposed"),
    [
        (ENOUGH, {}, True),
        (ENOUGH, {ONE: Evidence(3, 0, 0)}, True),
        (Evidence(99, 99, 0), {}, False),
        (Evidence(100, 49, 0), {}, False),
        (Evidence(9999, 999, 1), {}, False),
        (ENOUGH, {ONE: Evidence(10, 5, 1)}, False),
    ],
)
def test_a_constraint_is_proposed_with_enough_evidence(
    evidence: Evidence, dev: dict[LabelConstraint, Evidence], is_proposed: bool
) -> None:
    proposals = propose_constraints(make_statistics({ONE: evidence}, dev))
    assert [each.constraint for each in proposals] == ([ONE] if is_proposed else [])


def test_what_is_declared_is_not_proposed() -> None:
    statistics = make_statistics({ONE: ENOUGH}, constraints={"one": MaxPerTail("r", 1)})
    assert propose_constraints(statistics) == []
    assert [*list_config_lines(statistics)] == []


@pytest.mark.parametrize("exclusive", [True, False])
def test_inverse_labels_need_pairs_with_both(exclusive: bool) -> None:
    statistics = make_statistics({InverseOf("r", "s"): ENOUGH}, exclusive=exclusive)
    assert bool(propose_constraints(statistics)) is not exclusive


def test_the_lines_declare_what_is_proposed() -> None:
    proposed = [Acyclic("a"), MaxPerTail('so "called" ü', 1), MaxPerEntity("b c", 1), NoSelf("d")]
    proposed += [InverseOf("e", "f"), MaxPerHead("g", 1)]
    statistics = make_statistics(dict.fromkeys(proposed, ENOUGH), exclusive=False)
    lines = "\n".join(list_config_lines(statistics))
    config = Config().from_str(f"{CONFIG.read_text('utf-8')}\n{lines}")
    component = load_model_from_config(config, auto_fill=True).get_pipe("str_rel")
    assert {*component.constraints.values()} == {*proposed}


def test_the_lines_go_behind_constraints_that_are_declared() -> None:
    declared = {"max_per_tail_1": MaxPerTail("a", 1)}
    statistics = make_statistics({ONE: ENOUGH}, constraints=declared)
    assert [*list_config_lines(statistics)] == [
        "[components.str_rel.constraints.max_per_tail_2]",
        '@misc = "spacy-str-encoder.max_per_tail.v1"',
        'label = "r"',
        "limit = 1",
        "",
    ]


def test_the_advice_says_how_often_it_holds() -> None:
    statistics = make_statistics({ONE: Evidence(1812, 640, 0)})
    advice = " ".join(give_advice(statistics))
    assert (
        "never break 1 constraint, such as r: each tail has one head (in 1,812 of 1,812)" in advice
    )
    assert "constraint" not in " ".join(give_advice(make_statistics({})))


# Gold relations that break a constraint of the pipeline


def test_relations_beyond_a_limit_are_counted_and_stay() -> None:
    constraints = {"one": MaxPerHead("r", 1), "all": MaxPerHead("s", 1)}
    arcs = [(0, 1, "r"), (0, 2, "r"), (0, 3, "r"), (0, 1, "s")]
    split = count("AABB", arcs, constraints=constraints)
    assert split.breaking["one"].count == 2
    assert split.breaking["one"].examples == ["doc 1: 'a' r 'c'", "doc 1: 'a' r 'd'"]
    assert "all" not in split.breaking
    assert split.relations == 4


# The command


def run(*arguments: str | Path) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["debug-data", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def write(path: Path, broken: int) -> Path:
    """Texts with one head of each tail and a candidate for another, some with two heads."""
    entities = [
        {"start": i, "end": i + 1, "label": name} for i, name in ((0, "A"), (2, "A"), (4, "B"))
    ]
    arcs = [{"head": 0, "tail": 2, "label": "r"}, {"head": 1, "tail": 2, "label": "r"}]
    texts = [
        {"text": "a b c", "entities": entities, "relations": arcs[: 2 if i < broken else 1]}
        for i in range(100)
    ]
    path.write_text("\n".join(map(json.dumps, texts)), "utf-8")
    return path


def test_printed_lines_can_be_copied_into_a_config(tmp_path: Path) -> None:
    printed = run(write(tmp_path / "train.jsonl", 0), "--lang", "en")
    assert "each tail has one head" in printed
    _, _, lines = printed.partition("Constraints for the config")
    copied = f"{CONFIG.read_text('utf-8')}\n" + lines.partition("\n")[2]
    nlp = load_model_from_config(Config().from_str(copied), auto_fill=True)
    assert [*nlp.get_pipe("str_rel").constraints.values()] == [MaxPerTail("r", 1)]


def test_the_report_has_the_proposals(tmp_path: Path) -> None:
    report = json.loads(run(write(tmp_path / "train.jsonl", 0), "--lang", "en", "--json"))
    assert report["constraints"] == [
        {
            "function": "max_per_tail",
            "label": "r",
            "limit": 1,
            "cases": 100,
            "open": 100,
            "broken": 0,
        }
    ]
    assert 'label = "r"' in report["config"]


def test_gold_that_breaks_constraints_of_the_config_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.cfg"
    block = '@misc = "spacy-str-encoder.max_per_tail.v1"\nlabel = "r"\nlimit = 1\n'
    section = "components.str_rel.constraints"
    config.write_text(
        f"{CONFIG.read_text('utf-8')}\n[{section}]\n\n[{section}.one]\n{block}", "utf-8"
    )
    train = write(tmp_path / "train.jsonl", 7)
    words = " ".join(run(train, "--config", config).split())
    assert "relations that break one" in words
    assert "Relations break the constraint 'one': 7 of 107 in train (6.5 %)" in words
    report = json.loads(run(train, "--config", config, "--json"))
    assert report["settings"]["constraints"] == ["one"]
    assert report["splits"]["train"]["breaking"]["one"]["count"] == 7
    assert report["splits"]["train"]["relations"] == 107
