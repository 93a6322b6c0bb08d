"""The systems of the paper's tables, each as what differs from a config."""

from pathlib import Path

import pytest
from spacy.language import Language
from spacy.util import fix_random_seed, load_model_from_config

from scripts.merge_config import merge_overlays

from .pipelines import ANNOTATIONS, Annotation, finish_update, found, make_example, with_entities

CONFIGS = Path(__file__).parent.parent / "configs"
SYSTEMS = ["bilstm_crf", "cnn", "joint_bilstm", "rcn", "rdcnn"]
ENGLISH: Annotation = (
    "Ada works at Acme, and Bo lives in Rome.",
    [(0, 3, "PER"), (13, 17, "ORG"), (23, 25, "PER"), (35, 39, "LOC")],
    [(0, 1, "works_for"), (2, 3, "lives_in")],
)


def build(base: str, name: str) -> Language:
    config = merge_overlays(CONFIGS / f"{base}.cfg", [CONFIGS / "systems" / f"{name}.cfg"])
    # The texts are given below, and all of their pairs are learned.
    config["corpora"] = {}
    config["initialize"]["before_init"] = None
    for component in config["components"].values():
        component.update({"negative_rate": 1.0} if component["factory"] == "str_rel" else {})
    return load_model_from_config(config, auto_fill=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("base", ["coronary", "english"])
def test_a_system_learns_a_text(base: str, name: str) -> None:
    fix_random_seed(0)
    nlp = build(base, name)
    annotation = ENGLISH if base == "english" else ANNOTATIONS[0]
    examples = [make_example(nlp, annotation)]
    nlp.initialize(lambda: examples)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 2e-3
    for _ in range(60):
        nlp.update(examples, sgd=False)
        finish_update(nlp, optimizer)
    gives_entities = "str_ner" not in nlp.pipe_names
    doc = nlp(with_entities(nlp, annotation) if gives_entities else annotation[0])
    entities, relations = found(doc)
    expected_entities, expected_relations = found(examples[0].reference)
    assert entities == expected_entities
    if "str_rel" in nlp.pipe_names:
        assert sorted(relations) == sorted(expected_relations)
