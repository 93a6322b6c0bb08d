"""`constraints` of `str_rel`: a setting that is checked, saved and followed."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from spacy.tokens import Span
from spacy.util import load_model_from_config

from spacy_str_encoder import Relation

from .pipelines import ANNOTATIONS, MakeNlp, make_example, make_examples, relate

ONE_TAIL = {"@misc": "spacy-str-encoder.max_per_head.v1", "label": "Position", "limit": 1}
BLOCKS = {"one_tail": ONE_TAIL}
# Of all pairs of seven entities, where the first one is the head.
EACH = {head: 6 - head for head in range(6)}


@registry.misc("tests.first_two.v1")
def make_first_two() -> Any:
    def first_two(relations: list[Relation]) -> list[Any]:
        return [(range(len(relations)), 2)] if len(relations) > 2 else []

    return first_two


def favour(nlp: Language, label: str = "Position", direction: str = ">") -> Language:
    """A pipeline that finds the label for each pair, some more probable than others."""
    component = nlp.get_pipe("str_rel")
    output = component.model.get_ref("output_layer").layers[0]
    bias = output.get_param("b").copy()
    bias[1 + component.classes.index((label, direction))] = 20
    output.set_param("b", bias)
    return nlp


def count_heads(nlp: Language, label: str = "Position") -> dict[int, int]:
    """The number of relations of each entity as head, by its number."""
    doc = relate(nlp, ANNOTATIONS[0])
    starts = [entity.start for entity in doc.ents]
    heads = (relation.head.start for relation in doc._.relations if relation.label == label)
    return Counter(map(starts.index, heads))


@pytest.fixture
def favouring(nlp: Language) -> Language:
    return favour(nlp)


def test_without_constraints_nothing_is_dropped(favouring: Language) -> None:
    assert favouring.get_pipe("str_rel").constraints == {}
    assert count_heads(favouring) == EACH


def test_constraints_can_be_changed_at_any_time(favouring: Language, tmp_path: Path) -> None:
    component = favouring.get_pipe("str_rel")
    everything = _scores(favouring)
    component.constraints = BLOCKS
    assert count_heads(favouring) == dict.fromkeys(EACH, 1)
    kept = _scores(favouring)
    assert kept == {ends: everything[ends] for ends in kept}
    favouring.to_disk(tmp_path)
    for pipeline in (spacy.load(tmp_path), _copy(favouring)):
        assert count_heads(pipeline) == dict.fromkeys(EACH, 1)
        assert pipeline.get_pipe("str_rel").constraints == component.constraints
    component.constraints = {}
    assert count_heads(favouring) == EACH
    assert favouring.config["components"]["str_rel"]["constraints"] == {}


def test_what_is_set_is_copied(favouring: Language) -> None:
    blocks = {"one_tail": {**ONE_TAIL}}
    favouring.get_pipe("str_rel").constraints = blocks
    blocks["one_tail"]["limit"] = 2
    favouring.get_pipe("str_rel").constraints.clear()
    assert favouring.config["components"]["str_rel"]["constraints"] == BLOCKS
    assert count_heads(favouring) == dict.fromkeys(EACH, 1)


def test_a_component_without_a_pipeline_is_saved_with_them(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    _, component = nlp.remove_pipe("str_rel")
    component.constraints = BLOCKS
    other = make_nlp()
    other.initialize(lambda: make_examples(other))
    again = other.get_pipe("str_rel").from_bytes(component.to_bytes())
    assert again.constraints == component.constraints != {}
    assert other.config["components"]["str_rel"]["constraints"] == BLOCKS


def test_several_constraints_stand_in_blocks_of_a_config(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp(constraints={**BLOCKS, "two": {"@misc": "tests.first_two.v1"}})
    nlp.config.to_disk(tmp_path / "config.cfg")
    text = (tmp_path / "config.cfg").read_text("utf-8")
    block = '@misc = "spacy-str-encoder.max_per_head.v1"\nlabel = "Position"\nlimit = 1\n'
    assert f"[components.str_rel.constraints.one_tail]\n{block}" in text
    nlp = load_model_from_config(spacy.util.load_config(tmp_path / "config.cfg"), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    assert count_heads(favour(nlp)).keys() <= EACH.keys()
    assert len(_relate(nlp)) == 2


def test_constraints_can_be_set_where_a_pipeline_is_loaded(
    favouring: Language, tmp_path: Path
) -> None:
    favouring.to_disk(tmp_path)
    nlp = spacy.load(tmp_path, config={"components.str_rel.constraints": BLOCKS})
    assert count_heads(nlp) == dict.fromkeys(EACH, 1)
    wrong = {"one_tail": {**ONE_TAIL, "label": "Beside"}}
    with pytest.raises(ValueError, match=r"labels 'Beside' of the constraint 'one_tail'"):
        spacy.load(tmp_path, config={"components.str_rel.constraints": wrong})


def test_a_pipeline_from_before_there_were_constraints_has_none(
    nlp: Language, tmp_path: Path
) -> None:
    del nlp.get_pipe_config("str_rel")["constraints"]
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).get_pipe("str_rel").constraints == {}


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([ONE_TAIL], r"str_rel: constraints must be blocks of registered functions"),
        (ONE_TAIL, r"must be blocks"),
        ({"own": make_first_two()}, r"must be blocks of registered functions"),
        (
            {"own": {"@misc": "spacy-str-encoder.all_pairs.v1"}},
            r"the constraint 'own' must be a function that takes a list of relations",
        ),
        (None, r"must be blocks"),
        ({"one": {**ONE_TAIL, "limit": 0}}, r"must be 1 or more, got 0"),
        ({"one": {"@misc": "no_such_function.v1"}}, r"no_such_function"),
        ({"one": {**ONE_TAIL, "label": "Beside"}}, r"str_rel: no relation has the labels 'Beside'"),
    ],
)
def test_wrong_constraints_are_refused_and_change_nothing(
    favouring: Language, blocks: Any, message: str
) -> None:
    component = favouring.get_pipe("str_rel")
    component.constraints = BLOCKS
    with pytest.raises(ValueError, match=message):
        component.constraints = blocks
    assert count_heads(favouring) == dict.fromkeys(EACH, 1)
    assert favouring.config["components"]["str_rel"]["constraints"] == BLOCKS


@pytest.mark.parametrize("blocks", [{"one": 1}, {"one": {"label": "Position"}}, ONE_TAIL])
def test_blocks_without_a_function_are_refused(make_nlp: MakeNlp, blocks: Any) -> None:
    with pytest.raises(
        ValueError, match=r"str_rel: constraints must be blocks of registered functions"
    ):
        make_nlp(constraints=blocks)


def test_labels_that_do_not_occur_are_refused_before_training(make_nlp: MakeNlp) -> None:
    inverse = {"@misc": "spacy-str-encoder.inverse_of.v1", "label": "Position", "inverse": "On"}
    nlp = make_nlp(constraints={"on": inverse})
    message = r"str_rel: no relation has the labels 'On' of the constraint 'on'\..*'Modifier'"
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: make_examples(nlp))


@pytest.mark.parametrize(
    "block",
    [
        ONE_TAIL,
        {**ONE_TAIL, "@misc": "spacy-str-encoder.max_per_tail.v1"},
        {"@misc": "spacy-str-encoder.acyclic.v1", "label": "Position"},
    ],
)
def test_symmetric_labels_have_no_heads_and_tails(make_nlp: MakeNlp, block: dict[str, Any]) -> None:
    nlp = make_nlp(symmetric=["Position"], constraints={"one": block})
    with pytest.raises(ValueError, match=r"'Position' are symmetric. Use .*max_per_entity"):
        nlp.initialize(lambda: make_examples(nlp))


def test_entities_have_few_relations_of_a_symmetric_label(make_nlp: MakeNlp) -> None:
    block = {**ONE_TAIL, "@misc": "spacy-str-encoder.max_per_entity.v1"}
    nlp = make_nlp(symmetric=["Position"], constraints={"one": block})
    nlp.initialize(lambda: make_examples(nlp))
    relations = _relate(favour(nlp))
    ends = [end.start for relation in relations for end in (relation.head, relation.tail)]
    assert len(ends) == len({*ends}) == 6


@pytest.mark.parametrize("settings", [{"exclusive": False}, {"schema": "observed"}])
def test_constraints_work_with_other_settings(make_nlp: MakeNlp, settings: dict[str, Any]) -> None:
    nlp = make_nlp(**settings)
    nlp.initialize(lambda: make_examples(nlp))
    favour(nlp, "Modifier", "<")
    before = count_heads(nlp, "Modifier")
    nlp.get_pipe("str_rel").constraints = {"one": {**ONE_TAIL, "label": "Modifier"}}
    assert max(before.values()) > 1
    assert count_heads(nlp, "Modifier") == dict.fromkeys(before, 1)


def test_entities_of_a_span_group_are_told_apart_by_type(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(ner={"spans_key": "sc"}, spans_key="sc", constraints=BLOCKS)
    example = make_example(nlp, ANNOTATIONS[2])
    example.reference.spans["sc"] = list(example.reference.ents)
    relation = example.reference._.relations[0]
    example.reference._.relations = [Relation(relation.tail, relation.head, "Position")]
    nlp.initialize(lambda: [example])
    doc = nlp.get_pipe("str_encoder")(nlp.make_doc(ANNOTATIONS[2][0]))
    doc.spans["sc"] = [Span(doc, 0, 2, "A"), Span(doc, 0, 2, "B"), Span(doc, 3, 4, "C")]
    heads = [r.head.label_ for r in favour(nlp).get_pipe("str_rel")(doc)._.relations]
    assert sorted(heads) == ["A", "B"]


def test_training_does_not_use_them(favouring: Language) -> None:
    losses = []
    for constraints in ({}, BLOCKS):
        favouring.get_pipe("str_rel").constraints = constraints
        losses.append(favouring.update(make_examples(favouring), sgd=False)["str_rel"])
    assert losses[0] == pytest.approx(losses[1])


def test_what_others_set_is_not_touched(favouring: Language) -> None:
    favouring.get_pipe("str_rel").constraints = BLOCKS
    gold = make_example(favouring, ANNOTATIONS[0])
    for doc in (relate(favouring, ANNOTATIONS[0]), gold.reference):
        doc._.relations = [Relation(doc.ents[0], tail, "Position") for tail in doc.ents[1:]]
        favouring.evaluate([gold])
        assert len(doc._.relations) == 6


def test_they_reach_worker_processes(favouring: Language) -> None:
    favouring.get_pipe("str_rel").constraints = BLOCKS
    constraints = favouring.get_pipe("str_rel").constraints
    assert pickle.loads(pickle.dumps(constraints)) == constraints


def _relate(nlp: Language) -> list[Relation]:
    return list(relate(nlp, ANNOTATIONS[0])._.relations)


def _scores(nlp: Language) -> dict[tuple[str, str], float]:
    return {(r.head.text, r.tail.text): r.score for r in _relate(nlp)}


def _copy(nlp: Language) -> Language:
    return load_model_from_config(nlp.config, auto_fill=True).from_bytes(nlp.to_bytes())
