"""Components that listen to the encoder, sourced, with encoders of their own, or of other kinds."""

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_str_encoder.init_encoder import init_encoder

from .pipelines import (
    ANNOTATIONS,
    COMPONENTS,
    DIRECTIONS,
    TEXTS,
    Annotation,
    MakeNlp,
    Recorder,
    assert_predicts_as,
    encoder_gradients,
    encoder_weights,
    finish_update,
    make_example,
    make_examples,
    moved_layers,
    train,
    with_entities,
)

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


def add_textcat(nlp: Language, **where: str) -> None:
    nlp.add_pipe("textcat", config={"model": TEXTCAT}, **where)


def make_examples_with_cats(nlp: Language) -> list[Example]:
    examples = make_examples(nlp)
    for example in examples:
        narrow = float("狭窄" in example.text)
        example.reference.cats = {"narrow": narrow, "other": 1.0 - narrow}
    return examples


@pytest.mark.slow
def test_a_textcat_learns_from_the_same_encoder(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    add_textcat(nlp)
    examples = make_examples_with_cats(nlp)
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


@pytest.mark.parametrize("cleaner", ["str_cleaner", "doc_cleaner"])
def test_a_listener_behind_a_cleaner_neither_learns_nor_predicts(
    make_nlp: MakeNlp, cleaner: str
) -> None:
    nlp = make_nlp()
    add_textcat(nlp)
    examples = make_examples_with_cats(nlp)
    nlp.initialize(lambda: examples)
    settings = {"attrs": {"_.trf_data": None}} if cleaner == "doc_cleaner" else {}
    nlp.add_pipe(cleaner, before="textcat", config=settings)
    problem = f"'textcat' reads the states of 'str_encoder', but comes after '{cleaner}'"
    for fail in (
        lambda: nlp.update(examples),
        lambda: nlp(TEXTS[0]),
        lambda: list(nlp.pipe(TEXTS)),
        lambda: nlp.initialize(lambda: examples),
    ):
        with pytest.raises(ValueError, match=problem):
            fail()
    with nlp.select_pipes(disable=cleaner):
        assert nlp(TEXTS[0]).cats


def test_a_listener_before_a_cleaner_learns_and_predicts(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.add_pipe("str_cleaner")
    add_textcat(nlp, before="str_cleaner")
    examples = make_examples_with_cats(nlp)
    nlp.initialize(lambda: examples)
    assert nlp.update(examples)["textcat"] > 0
    assert nlp(TEXTS[0]).cats


# The encoder that each head listens to.
UPSTREAM = {"str_ner": "one", "str_rel": "two"}
ORDERS = [
    ["one", "two", "str_ner", "str_rel"],
    ["two", "one", "str_ner", "str_rel"],
    ["one", "str_ner", "two", "str_rel"],
]


@pytest.fixture
def make_with_two_encoders(encoder_path: Path, tmp_path: Path) -> Callable[[list[str]], Language]:
    other = tmp_path / "other"
    init_encoder(TEXTS, other, layers=3, width=32, heads=4, max_length=128, dropout=0.0, seed=2)
    paths = {"one": encoder_path, "two": other}

    def make(order: list[str]) -> Language:
        nlp = spacy.blank("zh")
        for name in order:
            if name in paths:
                model = {"name": str(paths[name]), "focus_layers": 2}
                nlp.add_pipe("str_encoder", name=name, config={"model": model})
            else:
                tok2vec = {"upstream": UPSTREAM[name]}
                nlp.add_pipe(name, config={"model": {"tok2vec": tok2vec}})
        nlp.initialize(lambda: make_examples(nlp))
        return nlp

    return make


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_with_two_encoders_each_head_listens_to_its_own(
    make_with_two_encoders: Callable[[list[str]], Language], order: list[str], tmp_path: Path
) -> None:
    nlp = make_with_two_encoders(order)
    train(nlp, make_examples(nlp))
    scores = nlp.evaluate(make_examples(nlp))
    assert (scores["ents_f"], scores["rels_f"]) == (1.0, 1.0)
    expected = list(nlp.pipe(TEXTS))
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    assert_predicts_as(loaded, expected)
    last = [name for name in order if name in UPSTREAM.values()][-1]
    states = loaded.get_pipe(last).predict([expected[0]]).doc_data[0]
    assert numpy.array_equal(expected[0]._.trf_data.tensors[0], states.tensors[0])
    # As if the other encoder and its head had never been there.
    alone = spacy.load(tmp_path / "nlp", exclude=["two", "str_rel"])
    for doc in expected:
        assert [span.label_ for span in alone(doc.text).ents] == [e.label_ for e in doc.ents]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_head_does_not_read_another_encoder(
    make_with_two_encoders: Callable[[list[str]], Language], order: list[str]
) -> None:
    nlp = make_with_two_encoders(order)
    for head, encoder in UPSTREAM.items():
        [other] = {*UPSTREAM} - {head}
        with nlp.select_pipes(disable=[encoder, other]):
            doc = with_entities(nlp, ANNOTATIONS[0])
            with pytest.raises(ValueError, match="no encoder output"):
                nlp(doc)


def test_any_of_two_encoders_is_refused(
    make_with_two_encoders: Callable[[list[str]], Language],
) -> None:
    nlp = make_with_two_encoders(["one", "two"])
    for head in UPSTREAM:
        problem = f"'{head}' listens to any encoder .* but 'one' and 'two' come before it"
        with pytest.raises(ValueError, match=problem):
            nlp.add_pipe(head)
        nlp.remove_pipe(head)
