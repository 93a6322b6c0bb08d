"""Prediction: batches, processes, threads, scores, and docs without states of an encoder."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy_transformers.data_classes import TransformerData

from spacy_str_encoder import Relation
from spacy_str_encoder.pipeline import str_rel

from .pipelines import (
    ANNOTATIONS,
    COMPONENTS,
    TEXTS,
    MakeNlp,
    assert_predicts_as,
    assert_same,
    found,
    make_examples,
    make_optimizer,
    scores,
    train,
)

TEXT = "左主干无狭窄。"


RELATIONS = [("无", "左主干", "Negative")]


def with_entities(nlp: Language) -> Doc:
    """A doc with its gold entities, not processed yet."""
    doc = nlp.make_doc(TEXT)
    doc.set_ents([Span(doc, 0, 3, "BodyPart"), Span(doc, 3, 4, "Negation")])
    return doc


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_a_batch_predicts_as_one_doc_at_a_time(trained: Language, batch_size: int) -> None:
    texts = ["", *TEXTS, TEXTS[0] * 2, "", *reversed(TEXTS)]
    docs = list(trained.pipe(texts, batch_size=batch_size))
    assert [doc.text for doc in docs] == texts
    assert_predicts_as(trained, docs)


def test_small_batches_of_the_encoder_predict_as_large_ones(trained: Language) -> None:
    expected = list(trained.pipe(TEXTS))
    trained.get_pipe("str_encoder").cfg["max_batch_items"] = 30
    for doc, other in zip(trained.pipe(TEXTS), expected, strict=True):
        assert_same(doc, other)


@pytest.mark.parametrize("batch_pairs", [1, 20, 21, 22, 27])
def test_small_batches_of_pairs_predict_as_large_ones(
    trained: Language, batch_pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["", *TEXTS, "", *TEXTS, TEXTS[0] * 2, ""]
    expected = list(trained.pipe(texts))
    monkeypatch.setattr(str_rel, "BATCH_PAIRS", batch_pairs)
    for doc, other in zip(trained.pipe(texts), expected, strict=True):
        assert_same(doc, other)


def test_two_processes_predict_as_one(trained: Language) -> None:
    docs = list(trained.pipe(TEXTS, n_process=2, batch_size=2))
    assert [doc.text for doc in docs] == TEXTS
    assert_predicts_as(trained, docs)


def test_a_pipeline_that_was_just_trained_goes_to_other_processes(trained: Language) -> None:
    trained.update(make_examples(trained), sgd=make_optimizer())
    encoder = trained.get_pipe("str_encoder")
    restored = pickle.loads(pickle.dumps(encoder))
    # The step was due.
    weights = encoder.model.transformer.state_dict()
    for name, tensor in restored.model.transformer.state_dict().items():
        assert tensor.equal(weights[name])


# Without `forks` it hangs.
IN_FORKS = """
import multiprocessing, sys, spacy, torch
torch.set_num_threads(2)
multiprocessing.set_start_method("fork")
nlp, text = spacy.load(sys.argv[1]), sys.argv[2]
expected = [(entity.text, entity.label_) for entity in nlp(text).ents]
assert expected and torch.ones(10**6).sum()
for doc in nlp.pipe([text] * 8, n_process=2, batch_size=2):
    assert [(entity.text, entity.label_) for entity in doc.ents] == expected
assert torch.get_num_threads() == 2
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on Windows")
def test_a_process_that_has_threads_may_be_forked(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    command = [sys.executable, "-c", IN_FORKS, str(tmp_path), TEXTS[0]]
    subprocess.run(command, check=True, timeout=300)


# What the libraries below tell about long texts and forks is not for users: neither is a problem.
SILENT = """
import multiprocessing, os, sys, spacy
multiprocessing.set_start_method("fork")
nlp, text = spacy.load(sys.argv[1], exclude=["str_rel"]), sys.argv[2]
assert len(nlp(text * 50)._.trf_data.wordpieces.strings) > 1
assert len(list(nlp.pipe([text] * 4, n_process=2, batch_size=2))) == 4
assert "TOKENIZERS_PARALLELISM" not in os.environ
"""
WITHOUT_ENCODER = """
import os, sys, spacy_str_encoder
from tokenizers import Tokenizer
Tokenizer.from_file(f"{sys.argv[1]}/tokenizer.json").encode_batch(["text"] * 2)
if os.fork():
    os.wait()
"""


def run_alone(*arguments: str | Path) -> str:
    """What a fresh process prints on stderr."""
    command = [sys.executable, "-c", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if "TOKENIZERS" not in name}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=inherited)
    return done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on Windows")
def test_long_texts_and_forks_print_nothing(make_nlp: MakeNlp, tmp_path: Path) -> None:
    # Windows of more pieces than the encoder can read.
    nlp = make_nlp(window=500, stride=500)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path)
    assert run_alone(SILENT, tmp_path, TEXTS[0]) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on Windows")
def test_forks_of_others_are_still_warned_of(encoder_path: Path) -> None:
    printed = run_alone(WITHOUT_ENCODER, encoder_path)
    assert "The current process just got forked" in printed


@pytest.mark.slow
def test_threads_predict_as_one(make_with_encoder: Callable[..., Language], tmp_path: Path) -> None:
    dropout = {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.2}
    nlp = make_with_encoder(transformer_config=dropout)
    train(nlp, make_examples(nlp), steps=30)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    expected = list(loaded.pipe(TEXTS)) * 8
    with ThreadPoolExecutor(max_workers=8) as pool:
        docs = list(pool.map(loaded, TEXTS * 8))
    assert any(scores(doc) for doc in expected)
    for doc, other in zip(docs, expected, strict=True):
        assert_same(doc, other)


def test_scores_are_probabilities(nlp: Language, trained: Language) -> None:
    for pipeline in (nlp, trained):
        for doc in pipeline.pipe(TEXTS):
            assert all(0 < score <= 1 for score in scores(doc))


def test_a_trained_pipeline_is_sure(trained: Language) -> None:
    doc = trained(TEXTS[0])
    assert len(scores(doc)) == len(ANNOTATIONS[0][1]) + len(ANNOTATIONS[0][2])
    assert min(scores(doc)) > 0.5


def test_analyze_pipes_finds_no_problems(nlp: Language) -> None:
    analysis = nlp.analyze_pipes()
    assert analysis["problems"] == {name: [] for name in COMPONENTS}
    assert analysis["attrs"]["doc.ents"] == {"assigns": ["str_ner"], "requires": ["str_rel"]}


@pytest.mark.parametrize("name", COMPONENTS)
def test_rehearsal_is_refused_in_one_sentence(nlp: Language, name: str) -> None:
    with pytest.raises(NotImplementedError, match=f"^The component '{name}' [^.]*\\.$"):
        nlp.get_pipe(name).rehearse(make_examples(nlp))


def test_select_pipes_leaves_relations_out(trained: Language) -> None:
    entities, _ = found(trained(TEXTS[0]))
    with trained.select_pipes(disable="str_rel"):
        assert found(trained(TEXTS[0])) == (entities, [])
    assert found(trained(TEXTS[0]))[1] != []


def test_relations_between_gold_entities(trained: Language) -> None:
    with trained.select_pipes(disable="str_ner"):
        doc = trained(with_entities(trained))
    assert found(doc) == ([("左主干", "BodyPart"), ("无", "Negation")], RELATIONS)


def test_relations_between_the_entities_of_an_entity_ruler(trained: Language) -> None:
    trained.remove_pipe("str_ner")
    ruler = trained.add_pipe("entity_ruler", before="str_rel")
    ruler.add_patterns(
        [{"label": "BodyPart", "pattern": "左主干"}, {"label": "Negation", "pattern": "无"}]
    )
    assert found(trained(TEXT))[1] == RELATIONS


def test_entities_that_a_doc_has_already_stay(trained: Language) -> None:
    doc = trained.make_doc(TEXT)
    doc.set_ents([Span(doc, 2, 5, "Region")])
    assert ("干无狭", "Region") in found(trained(doc))[0]


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_relations_between_nested_spans(make_nlp: MakeNlp, mask: str) -> None:
    nlp = make_nlp(mask=mask, spans_key="parts")
    nlp.remove_pipe("str_ner")

    def make_doc() -> Doc:
        doc = nlp.make_doc("前降支近段狭窄")
        doc.spans["parts"] = [
            Span(doc, 0, 5, "Segment"),
            Span(doc, 0, 3, "BodyPart"),
            Span(doc, 5, 7, "Degree"),
        ]
        return doc

    reference = make_doc()
    segment, body_part, degree = reference.spans["parts"]
    reference._.relations = [
        Relation(segment, body_part, "Holds"),
        Relation(degree, segment, "Modifier"),
    ]
    examples = [Example(nlp.make_doc(reference.text), reference)]
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    doc = nlp(make_doc())
    assert [(r.head.text, r.tail.text, r.label) for r in doc._.relations] == [
        ("前降支近段", "前降支", "Holds"),
        ("狭窄", "前降支近段", "Modifier"),
    ]


@pytest.mark.parametrize("cleaner", ["str_cleaner", "doc_cleaner"])
def test_a_cleaner_leaves_no_states_in_the_doc(trained: Language, cleaner: str) -> None:
    assert isinstance(trained(TEXT)._.trf_data, TransformerData)
    settings = {"attrs": {"_.trf_data": None}} if cleaner == "doc_cleaner" else {}
    trained.add_pipe(cleaner, config=settings)
    doc = trained(TEXT)
    assert doc._.trf_data is None
    assert not any(isinstance(value, TransformerData) for value in doc.user_data.values())
    assert found(doc)[1] == RELATIONS


def test_entities_without_states_are_an_error_that_helps(trained: Language) -> None:
    with (
        trained.select_pipes(disable="str_encoder"),
        pytest.raises(ValueError, match=r"Run 'str_encoder' before.*annotating_components"),
    ):
        trained(TEXT)


def test_relations_without_states_are_an_error_that_helps(trained: Language) -> None:
    doc = with_entities(trained)
    with (
        trained.select_pipes(disable=["str_encoder", "str_ner"]),
        pytest.raises(ValueError, match=r"Run 'str_encoder' before.*annotating_components"),
    ):
        trained(doc)


def test_training_without_states_is_an_error_that_helps(nlp: Language) -> None:
    examples = make_examples(nlp)
    for head in ("str_ner", "str_rel"):
        with pytest.raises(ValueError, match=r"annotating.components"):
            nlp.get_pipe(head).update(examples)


def test_relations_sourced_without_an_encoder_are_an_error_that_helps(
    trained: Language, tmp_path: Path
) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_rel", source=trained)
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        with pytest.raises(ValueError, match="str_encoder"):
            pipeline(with_entities(pipeline))


def test_relations_initialized_without_an_encoder_are_an_error_that_helps() -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("str_rel")
    with pytest.raises(ValueError, match=r"'str_encoder' that comes earlier.*source"):
        nlp.initialize(lambda: make_examples(nlp))
