import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import srsly
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from spacy.cli import app as spacy_app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import load_config, load_model_from_config
from spacy_transformers.data_classes import TransformerData
from typer.testing import CliRunner

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.pipeline import str_rel

from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    LAYERS,
    Annotation,
    MakeNlp,
    Recorder,
    build_trained,
    encoder_gradients,
    encoder_weights,
    finish_update,
    found,
    make_example,
    make_examples,
    make_optimizer,
    moved_layers,
    scores,
    texts_only,
    train,
)

COMPONENTS = ["str_encoder", "str_ner", "str_rel"]
TEXTS = [text for text, _, _ in ANNOTATIONS]
TEXT = "左主干无狭窄。"
RELATIONS = [("无", "左主干", "Negative")]
TEXTCAT = {
    "@architectures": "spacy.TextCatReduce.v1",
    "exclusive_classes": True,
    "use_reduce_first": False,
    "use_reduce_last": False,
    "use_reduce_max": False,
    "use_reduce_mean": True,
    "tok2vec": {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
    },
}
CNN = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 32,
    "depth": 2,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": False,
    "pretrained_vectors": None,
}
SHAPES = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": 16,
    "attrs": ["SHAPE"],
    "rows": [50],
    "include_static_vectors": False,
}


@pytest.fixture
def make_with_encoder(make_nlp: MakeNlp) -> Callable[..., Language]:
    """Builds an initialized pipeline whose encoder has other settings."""

    def make(**settings: Any) -> Language:
        config = make_nlp().config
        config["components"]["str_encoder"]["model"].update(settings)
        nlp = load_model_from_config(config, auto_fill=True)
        nlp.initialize(lambda: make_examples(nlp))
        return nlp

    return make


def with_entities(nlp: Language) -> Doc:
    """A doc with its gold entities, not processed yet."""
    doc = nlp.make_doc(TEXT)
    doc.set_ents([Span(doc, 0, 3, "BodyPart"), Span(doc, 3, 4, "Negation")])
    return doc


def assert_same(actual: Doc, expected: Doc) -> None:
    assert found(actual) == found(expected)
    assert scores(actual) == pytest.approx(scores(expected), abs=1e-5)


def assert_predicts_as(nlp: Language, expected: list[Doc]) -> None:
    for doc in expected:
        assert_same(nlp(doc.text), doc)


# Initialization


def write_config(make_nlp: MakeNlp, folder: Path) -> Path:
    """A config whose corpus are the annotations."""
    nlp = make_nlp()
    corpus = folder / "corpus.spacy"
    docs = [example.reference for example in make_examples(nlp)]
    DocBin(docs=docs, store_user_data=True).to_disk(corpus)
    reader = {"@readers": "spacy-str-encoder.Corpus.v1", "path": str(corpus)}
    config = nlp.config
    config["corpora"] = {"train": reader, "dev": reader}
    config.to_disk(folder / "config.cfg")
    return folder / "config.cfg"


def test_without_training_nothing_is_found(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.config["initialize"]["after_init"] = None
    nlp.initialize(lambda: make_examples(nlp))
    assert not any(doc.ents or doc._.relations for doc in nlp.pipe(t for t, _, _ in ANNOTATIONS))


def test_labels_come_from_the_examples(nlp: Language) -> None:
    assert set(nlp.get_pipe("str_ner").label_data) == {
        *("BodyPart", "Degree", "Location", "Negation", "Quantifier")
    }
    directions = {label: set(d) for label, d in nlp.get_pipe("str_rel").label_data.items()}
    assert directions == {
        "Modifier": {"<"},
        "Negative": {"<"},
        "Percentage": {">", "<"},
        "Position": {">"},
    }


def test_init_labels_writes_files_that_initialize_reads(make_nlp: MakeNlp, tmp_path: Path) -> None:
    config_path = write_config(make_nlp, tmp_path)
    result = CliRunner().invoke(spacy_app, ["init", "labels", str(config_path), str(tmp_path)])
    assert result.exit_code == 0, result.output
    config = load_config(config_path)
    heads = ["str_ner", "str_rel"]
    files = {head: tmp_path / f"{head}.json" for head in heads}
    config["initialize"]["components"] = {
        head: {"labels": {"@readers": "spacy.read_labels.v1", "path": str(files[head])}}
        for head in heads
    }
    nlp, without_files = init_nlp(config), init_nlp(load_config(config_path))
    for head in heads:
        label_data = srsly.read_json(files[head])
        assert nlp.get_pipe(head).label_data == label_data
        assert without_files.get_pipe(head).label_data == label_data


def test_label_data_may_have_more_labels_than_the_examples(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    known = make_nlp()
    known.initialize(lambda: make_examples(known))
    entities = [*known.get_pipe("str_ner").label_data, "Flow"]
    relations = {**known.get_pipe("str_rel").label_data, "HasGrade": ">"}
    nlp.config["initialize"]["components"] = {
        "str_ner": {"labels": entities},
        "str_rel": {"labels": relations},
    }
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("str_ner").label_data == entities
    assert nlp.get_pipe("str_rel").label_data == relations


@pytest.mark.parametrize(
    ("name", "labels", "lacking"),
    [
        ("str_ner", ["BodyPart", "Degree", "Location", "Negation"], "'Quantifier' \\(3 times\\)"),
        ("str_rel", {"Modifier": "<", "Negative": "<", "Position": ">"}, "'Percentage' < \\(2x\\)"),
        ("str_rel", {"Modifier": ">"}, "'Modifier' < \\(2x\\)"),
    ],
)
def test_label_data_without_labels_of_the_examples_is_refused(
    make_nlp: MakeNlp, name: str, labels: Any, lacking: str
) -> None:
    nlp = make_nlp()
    nlp.config["initialize"]["components"] = {name: {"labels": labels}}
    with pytest.raises(ValueError, match=f"{name}.*lacks.*{lacking}.*spacy init labels"):
        nlp.initialize(lambda: make_examples(nlp))


def test_examples_without_entities_are_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    with pytest.raises(ValueError, match="str_ner: the training data has no entities"):
        nlp.initialize(lambda: texts_only(nlp, make_examples(nlp)))


def test_examples_without_relations_are_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    with pytest.raises(ValueError, match=r"str_rel: the training data has no relations.*DocBin"):
        nlp.initialize(lambda: texts_only(nlp, make_examples(nlp), entities=True))


# Prediction


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


def test_scores_are_kept_though_another_library_has_an_extension_of_their_name(
    trained: Language, foreign_score: None
) -> None:
    doc = trained(TEXT)
    assert [entity._.score for entity in doc.ents] == [None, None]
    assert all(entity["score"] > 0.5 for entity in to_annotations(doc)["entities"])


@pytest.fixture
def foreign_score() -> Iterator[None]:
    _, _, getter, setter = Span.get_extension("score")
    Span.set_extension("score", default=None, force=True)
    yield
    Span.set_extension("score", getter=getter, setter=setter, force=True)


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


def test_doc_cleaner_leaves_no_states_in_the_doc(trained: Language) -> None:
    assert isinstance(trained(TEXT)._.trf_data, TransformerData)
    trained.add_pipe("doc_cleaner", config={"attrs": {"_.trf_data": None}})
    doc = trained(TEXT)
    assert not any(isinstance(value, TransformerData) for value in doc.user_data.values())
    assert found(doc)[1] == RELATIONS


# Without an encoder


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


# Sourcing and replacing listeners


def test_sourced_components_predict_the_same(trained: Language, tmp_path: Path) -> None:
    expected = list(trained.pipe(TEXTS))
    nlp = spacy.blank("zh")
    for name in COMPONENTS:
        nlp.add_pipe(name, source=trained)
    assert_predicts_as(nlp, expected)
    nlp.to_disk(tmp_path)
    assert_predicts_as(spacy.load(tmp_path), expected)


def replace(nlp: Language, *heads: str) -> None:
    for head in heads:
        nlp.replace_listeners("str_encoder", head, ["model.tok2vec"])


def test_words_of_training_can_be_left_out_of_a_pipeline(trained: Language, tmp_path: Path) -> None:
    expected = list(trained.pipe(TEXTS))
    trained.to_disk(tmp_path, exclude=["vocab"])
    loaded = spacy.load(tmp_path)
    words = {token.text for doc in expected for token in doc} - {*loaded.vocab.strings}
    assert words <= {*trained.vocab.strings} and len(words) > 3
    assert_predicts_as(loaded, expected)


@pytest.mark.parametrize("heads", [["str_ner"], ["str_rel"], ["str_ner", "str_rel"]])
def test_replaced_listeners_predict_the_same(
    trained: Language, heads: list[str], tmp_path: Path
) -> None:
    expected = list(trained.pipe(TEXTS))
    replace(trained, *heads)
    assert_predicts_as(trained, expected)
    trained.to_disk(tmp_path)
    assert_predicts_as(spacy.load(tmp_path), expected)


def test_replaced_listeners_do_without_the_shared_encoder(
    trained: Language, tmp_path: Path
) -> None:
    expected = list(trained.pipe(TEXTS))
    replace(trained, "str_ner", "str_rel")
    trained.remove_pipe("str_encoder")
    trained.to_disk(tmp_path)
    for nlp in (trained, spacy.load(tmp_path)):
        assert_predicts_as(nlp, expected)


@pytest.mark.parametrize(
    ("head", "architecture"), [("str_ner", "Tok2VecEncoder"), ("str_rel", "FocusedEncoder")]
)
def test_replaced_listeners_change_the_config(
    nlp: Language, encoder_path: Path, head: str, architecture: str
) -> None:
    replace(nlp, head)
    model = nlp.config["components"][head]["model"]["tok2vec"]
    assert model["@architectures"] == f"spacy-str-encoder.{architecture}.v1"
    encoder = model["encoder"]
    assert (encoder["name"], encoder["focus_layers"]) == (str(encoder_path), 2)


@pytest.mark.slow
@pytest.mark.parametrize("is_loaded", [False, True])
@pytest.mark.parametrize("head", ["str_ner", "str_rel"])
def test_a_head_with_its_own_encoder_learns_without_the_shared_one(
    nlp: Language, head: str, is_loaded: bool, tmp_path: Path
) -> None:
    replace(nlp, head)
    if is_loaded:
        nlp.to_disk(tmp_path)
        nlp = spacy.load(tmp_path)
    options = {"exclude": {"str_ner", "str_rel"} - {head}}
    shared = encoder_weights(nlp)
    first = nlp.update(make_examples(nlp), sgd=False, **options)
    train(nlp, make_examples(nlp), steps=40, **options)
    last = nlp.update(make_examples(nlp), sgd=False, **options)
    assert last[head] < 0.1 * first[head]
    assert moved_layers(shared, encoder_weights(nlp)) == []


@pytest.mark.slow
@pytest.mark.parametrize("head", ["str_ner", "str_rel"])
def test_a_head_with_its_own_encoder_gets_all_its_gradients(nlp: Language, head: str) -> None:
    (other,) = {"str_ner", "str_rel"} - {head}
    examples = make_examples(nlp)
    expected = encoder_gradients(nlp, examples, exclude=[other])
    replace(nlp, head)
    recorder = Recorder()
    nlp.update(examples, sgd=False, exclude=[other])
    finish_update(nlp, recorder)
    own = {key[1]: calls for key, calls in recorder.calls.items()}
    for name, gradient in expected.items():
        assert own[name][0] == pytest.approx(gradient, rel=1e-3, abs=1e-3)


# Other components


@pytest.mark.slow
def test_a_textcat_learns_from_the_same_encoder(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.add_pipe("textcat", config={"model": TEXTCAT})
    examples = make_examples(nlp)
    for example in examples:
        narrow = float("狭窄" in example.text)
        example.reference.cats = {"narrow": narrow, "other": 1.0 - narrow}
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    alone = encoder_gradients(nlp, examples, exclude=["str_ner", "str_rel"])
    assert alone["encoder.layer.0.attention.self.value.weight"].any()
    result = nlp.evaluate(examples)
    assert (result["ents_f"], result["rels_f"], result["cats_score"]) == (1.0, 1.0, 1.0)


def test_batches_of_the_same_tokens_in_another_order_differ(nlp: Language) -> None:
    entities = DIRECTIONS[0][1]
    nlp.get_pipe("str_encoder").update([make_example(nlp, ("A>B", entities, []))])
    with pytest.raises(ValueError, match="Mismatched"):
        nlp.get_pipe("str_rel").update([make_example(nlp, ("B>A", entities, []))])


@pytest.mark.slow
def test_entities_learn_from_any_tok2vec(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    model = {"@architectures": "spacy-str-encoder.CRFTagger.v1", "tok2vec": CNN}
    nlp.add_pipe("str_ner", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, make_examples(nlp))
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path).evaluate(make_examples(nlp))["ents_f"] == 1.0


@pytest.mark.slow
def test_features_tell_apart_what_the_encoder_does_not(make_nlp: MakeNlp, tmp_path: Path) -> None:
    # The encoder knows neither letter; their shapes are X and x.
    annotations: list[Annotation] = [("Жж", [(0, 1, "X")], []), ("жЖ", [(1, 2, "X")], [])]
    nlp = make_nlp()
    nlp.remove_pipe("str_rel")
    nlp.replace_pipe("str_ner", "str_ner", config={"model": {"features": SHAPES}})
    examples = [make_example(nlp, annotation) for annotation in annotations]
    # Docs without tokens are no obstacle, wherever they are.
    with_empty = [make_example(nlp, ("", [], [])), *examples, make_example(nlp, ("", [], []))]
    nlp.initialize(lambda: with_empty)
    train(nlp, with_empty)
    docs = [nlp(text) for text, _, _ in annotations]
    first, second = (doc._.trf_data.model_output["last_hidden_state"] for doc in docs)
    assert numpy.array_equal(first, second)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.evaluate(examples)["ents_f"] == 1.0
    loaded.replace_listeners("str_encoder", "str_ner", ["model.tok2vec"])
    assert loaded.evaluate(examples)["ents_f"] == 1.0


# Files of the encoder


def edit_state(model: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The bytes of a `str_encoder` model, with the encoder's weights edited."""
    message = srsly.msgpack_loads(model)
    (shims,) = [shims for shims in message["shims"] if shims]
    encoder = srsly.msgpack_loads(shims[0])
    encoder["state"] = edit(encoder["state"])
    shims[0] = srsly.msgpack_dumps(encoder)
    return srsly.msgpack_dumps(message)


def drop_tensor(state: bytes) -> bytes:
    tensors = load_tensors(state)
    del tensors["encoder.layer.0.attention.self.value.weight"]
    return save_tensors(tensors)


def narrow_tensor(state: bytes) -> bytes:
    tensors = load_tensors(state)
    name = "embeddings.word_embeddings.weight"
    return save_tensors({**tensors, name: tensors[name][:-1].contiguous()})


@pytest.mark.parametrize("edit", [drop_tensor, narrow_tensor, lambda state: state[:-10]])
def test_damaged_weights_are_refused(nlp: Language, edit: Callable[[bytes], bytes]) -> None:
    model = nlp.get_pipe("str_encoder").model
    with pytest.raises(ValueError, match="weights of this encoder are damaged"):
        model.from_bytes(edit_state(model.to_bytes(), edit))


def test_a_saved_pipeline_does_without_the_folder_of_its_encoder(
    make_with_encoder: Callable[..., Language], encoder_path: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(encoder_path, tmp_path / "encoder")
    nlp = make_with_encoder(name=str(folder))
    expected = list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(folder)
    assert_predicts_as(spacy.load(tmp_path / "pipeline"), expected)


def test_a_tokenizer_of_one_file_is_saved(
    make_with_encoder: Callable[..., Language], encoder_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(encoder_path / name, folder)
    nlp = make_with_encoder(name=str(folder))
    expected = list(nlp.pipe(TEXTS))
    for copy in ("first", "second"):
        nlp.to_disk(tmp_path / copy)
        nlp = spacy.load(tmp_path / copy)
        assert_predicts_as(nlp, expected)


@pytest.mark.slow
def test_all_layers_may_be_focused(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS, focus_layers=LAYERS)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0
    expected = list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path)
    assert_predicts_as(spacy.load(tmp_path), expected)


def test_a_pipeline_that_was_not_initialized_says_so(make_nlp: Callable[..., Language]) -> None:
    with pytest.raises(ValueError, match=r"str_encoder.*initialize"):
        make_nlp()("前降支")
