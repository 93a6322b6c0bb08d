import gc
from collections.abc import Sequence
from pathlib import Path

import numpy
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_str_encoder.arrays import IntArray
from spacy_str_encoder.pairs.candidates import all_pairs

from .pipelines import (
    ANNOTATIONS,
    DIRECTIONS,
    LAYERS,
    TEXT,
    Annotation,
    Arrays,
    MakeNlp,
    Recorder,
    assert_sum,
    build_trained,
    encoder_gradients,
    encoder_weights,
    finish_update,
    found,
    head_weights,
    make_example,
    make_examples,
    make_optimizer,
    moved_layers,
    scores,
    texts_only,
    train,
    update,
)

# It trains.
pytestmark = pytest.mark.slow

# How the step comes: by `nlp.update(sgd=...)`, or by `finish_update` after it.
STEPPINGS = ["at once", "later"]
# A head that does not learn from a batch, and why.
SILENT_HEADS = [
    ("str_ner", "frozen"),
    ("str_ner", "disabled"),
    ("str_rel", "frozen"),
    ("str_rel", "disabled"),
    ("str_rel", "unannotated"),
]
NEW_LABELS: Annotation = (
    "血流可，狭窄重",
    [(0, 2, "Flow"), (2, 3, "Degree"), (4, 6, "Degree"), (6, 7, "Degree")],
    [(0, 1, "HasGrade"), (3, 2, "Modifier")],
)


@pytest.fixture
def examples(nlp: Language) -> list[Example]:
    return make_examples(nlp)


# Learning


def test_training_learns_all_entities_and_relations(trained: Language) -> None:
    result = trained.evaluate(make_examples(trained))
    assert (result["ents_f"], result["rels_f"]) == (1.0, 1.0)


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_both_directions_of_a_label_are_learned_apart(make_nlp: MakeNlp, mask: str) -> None:
    nlp = build_trained(make_nlp, DIRECTIONS, mask=mask)
    result = {doc.text: found(doc)[1] for doc in nlp.pipe(text for text, _, _ in DIRECTIONS)}
    assert result == {
        "A>B": [("A", "B", "beats")],
        "A<B": [("B", "A", "beats")],
        "C>D": [("C", "D", "beats")],
        "C<D": [("D", "C", "beats")],
    }


@pytest.mark.parametrize("medium", ["disk", "bytes"])
def test_a_saved_pipeline_predicts_the_same(trained: Language, tmp_path: Path, medium: str) -> None:
    train(trained, make_examples(trained), steps=2)
    if medium == "disk":
        trained.to_disk(tmp_path)
        loaded = spacy.load(tmp_path)
    else:
        loaded = spacy.blank("zh").from_config(trained.config).from_bytes(trained.to_bytes())
    for text, _, _ in ANNOTATIONS:
        assert found(loaded(text)) == found(trained(text))
        assert scores(loaded(text)) == pytest.approx(scores(trained(text)), abs=1e-6)


def test_training_leaves_nothing_behind(nlp: Language, examples: list[Example]) -> None:
    optimizer = nlp.create_optimizer()
    counts = []
    for _ in range(3):
        for _ in range(5):
            nlp.update(examples, sgd=optimizer)
        gc.collect()
        counts.append(sum(type(each) is torch.Tensor for each in gc.get_objects()))
    assert counts[1] == counts[2]


def test_the_same_seed_gives_the_same_model(make_nlp: MakeNlp) -> None:
    models = []
    for _ in range(2):
        fix_random_seed(7)
        nlp = make_nlp(negative_rate=0.5)
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        train(nlp, make_examples(nlp), steps=5, drop=0.2)
        models.append([component.model.to_bytes() for _, component in nlp.pipeline])
    assert models[0] == models[1]


def test_a_loaded_pipeline_goes_on_learning(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp()
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, make_examples(nlp), steps=10)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    optimizer = loaded.resume_training()
    optimizer.learn_rate = 5e-3
    before = loaded.evaluate(make_examples(loaded))["rels_f"]
    for _ in range(80):
        loaded.update(make_examples(loaded), sgd=optimizer)
    assert before < loaded.evaluate(make_examples(loaded))["rels_f"] == 1.0


# What the encoder gets


@pytest.mark.parametrize("stepping", STEPPINGS)
@pytest.mark.parametrize(("head", "reason"), SILENT_HEADS)
def test_the_whole_encoder_learns_while_one_head_is_silent(
    nlp: Language, examples: list[Example], head: str, reason: str, stepping: str
) -> None:
    before = encoder_weights(nlp)
    if reason == "unannotated":
        update(nlp, texts_only(nlp, examples, entities=True), make_optimizer(), stepping)
    elif reason == "frozen":
        update(nlp, examples, make_optimizer(), stepping, exclude=[head])
    else:
        with nlp.select_pipes(disable=head):
            update(nlp, examples, make_optimizer(), stepping)
    assert moved_layers(before, encoder_weights(nlp)) == list(range(LAYERS))


@pytest.mark.parametrize("stepping", STEPPINGS)
@pytest.mark.parametrize("reason", ["frozen", "disabled", "unannotated"])
def test_nothing_moves_when_both_heads_are_silent(
    nlp: Language, examples: list[Example], reason: str, stepping: str
) -> None:
    heads = ["str_ner", "str_rel"]
    before = encoder_weights(nlp)
    if reason == "unannotated":
        update(nlp, texts_only(nlp, examples), make_optimizer(), stepping)
    elif reason == "frozen":
        update(nlp, examples, make_optimizer(), stepping, exclude=heads)
    else:
        with nlp.select_pipes(disable=heads):
            update(nlp, examples, make_optimizer(), stepping)
    assert moved_layers(before, encoder_weights(nlp)) == []


def test_a_batch_after_a_silent_one_is_learned(nlp: Language, examples: list[Example]) -> None:
    nlp.update(texts_only(nlp, examples), sgd=make_optimizer())
    nlp.update(examples, sgd=make_optimizer(), exclude=["str_ner", "str_rel"])
    before = encoder_weights(nlp)
    update(nlp, examples, make_optimizer(), "at once")
    assert moved_layers(before, encoder_weights(nlp)) == list(range(LAYERS))


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_gradients_of_both_heads_are_summed(make_nlp: MakeNlp, mask: str) -> None:
    nlp = make_nlp(mask=mask)
    nlp.initialize(lambda: make_examples(nlp))
    examples = make_examples(nlp)
    both = encoder_gradients(nlp, examples)
    entities = encoder_gradients(nlp, examples, exclude=["str_rel"])
    relations = encoder_gradients(nlp, examples, exclude=["str_ner"])
    assert_sum(both, entities, relations)


def test_gradients_of_accumulated_batches_are_summed(
    nlp: Language, examples: list[Example]
) -> None:
    first, second = examples[:1], examples[1:]
    both = encoder_gradients(nlp, first, second)
    assert_sum(both, encoder_gradients(nlp, first), encoder_gradients(nlp, second))


def test_a_silent_batch_keeps_the_gradients_of_earlier_ones(
    nlp: Language, examples: list[Example]
) -> None:
    empty = [Example(nlp.make_doc(""), nlp.make_doc(""))]
    assert_sum(encoder_gradients(nlp, examples, empty), encoder_gradients(nlp, examples))


def test_a_step_after_accumulated_batches_waits_for_the_last_gradients(
    nlp: Language, examples: list[Example]
) -> None:
    first, second = examples[:1], examples[1:]
    recorder = Recorder()
    nlp.update(first, sgd=False)
    nlp.update(second, sgd=recorder)
    nlp(TEXT)
    stepped = {name: gradient for name, (gradient,) in recorder.of_encoder(nlp).items()}
    assert_sum(stepped, encoder_gradients(nlp, first), encoder_gradients(nlp, second))


@pytest.mark.parametrize("stepping", STEPPINGS)
def test_each_parameter_is_stepped_once_per_update(
    nlp: Language, examples: list[Example], stepping: str
) -> None:
    recorder = Recorder()
    for _ in range(3):
        update(nlp, examples, recorder, stepping)
    parameters = list(nlp.get_pipe("str_encoder").model.transformer.parameters())
    assert len(recorder.of_encoder(nlp)) == len(parameters)
    assert {len(calls) for calls in recorder.calls.values()} == {3}


@pytest.mark.parametrize("due_at", ["prediction", "saving", "to_bytes", "next update"])
def test_the_last_step_is_made_before_anyone_can_miss_it(
    nlp: Language, examples: list[Example], tmp_path: Path, due_at: str
) -> None:
    recorder = Recorder()
    nlp.update(examples, sgd=recorder)
    assert recorder.of_encoder(nlp) == {}
    if due_at == "prediction":
        nlp(TEXT)
    elif due_at == "saving":
        nlp.to_disk(tmp_path)
    elif due_at == "to_bytes":
        nlp.to_bytes()
    else:
        nlp.update(examples, sgd=False)
    assert {len(calls) for calls in recorder.of_encoder(nlp).values()} == {1}


# Empty and unannotated docs


@pytest.mark.parametrize("place", [0, 1, 4])
def test_an_empty_doc_changes_neither_losses_nor_gradients(
    nlp: Language, examples: list[Example], place: int
) -> None:
    empty = Example(nlp.make_doc(""), nlp.make_doc(""))
    with_empty = [*examples[:place], empty, *examples[place:]]
    losses = nlp.update(examples, sgd=False)
    finish_update(nlp, Recorder())
    assert nlp.update(with_empty, sgd=False) == pytest.approx(losses, rel=1e-4)
    finish_update(nlp, Recorder())
    assert_sum(encoder_gradients(nlp, with_empty), encoder_gradients(nlp, examples))


def test_a_batch_of_empty_docs_has_no_loss(nlp: Language) -> None:
    empty = [Example(nlp.make_doc(""), nlp.make_doc("")) for _ in range(2)]
    losses = nlp.update(empty, sgd=make_optimizer())
    assert losses == {"str_encoder": 0.0, "str_ner": 0.0, "str_rel": 0.0}


def test_docs_without_relation_annotation_have_no_relation_loss(
    nlp: Language, examples: list[Example]
) -> None:
    losses = nlp.update(texts_only(nlp, examples, entities=True), sgd=False)
    assert losses["str_rel"] == 0.0 < losses["str_ner"]


def test_docs_without_any_annotation_have_no_loss(nlp: Language, examples: list[Example]) -> None:
    losses = nlp.update(texts_only(nlp, examples), sgd=False)
    assert losses == {"str_encoder": 0.0, "str_ner": 0.0, "str_rel": 0.0}


def test_unannotated_docs_change_neither_losses_nor_gradients(
    nlp: Language, examples: list[Example]
) -> None:
    mixed = [*texts_only(nlp, examples[1:2]), examples[0], *texts_only(nlp, examples[2:])]
    assert nlp.update(mixed, sgd=False) == pytest.approx(
        nlp.update(examples[:1], sgd=False), rel=1e-4
    )
    finish_update(nlp, Recorder())
    assert_sum(encoder_gradients(nlp, mixed), encoder_gradients(nlp, examples[:1]))


def test_annotated_docs_without_relations_do_have_a_loss(
    nlp: Language, examples: list[Example]
) -> None:
    (unrelated,) = texts_only(nlp, examples[:1], entities=True)
    unrelated.reference._.relations = []
    assert nlp.update([unrelated], sgd=False)["str_rel"] > 0.0


# Frozen and annotating components


def test_a_frozen_encoder_gets_no_gradients_and_the_heads_learn(
    nlp: Language, examples: list[Example]
) -> None:
    options = {"exclude": ["str_encoder"], "annotates": ["str_encoder"]}
    before = encoder_weights(nlp)
    first = nlp.update(examples, sgd=False, **options)
    train(nlp, examples, steps=20, **options)
    last = nlp.update(examples, sgd=False, **options)
    transformer = nlp.get_pipe("str_encoder").model.transformer
    assert moved_layers(before, encoder_weights(nlp)) == []
    assert all(parameter.grad is None for parameter in transformer.parameters())
    assert not any(module.training for module in transformer.modules())
    assert last["str_ner"] < 0.8 * first["str_ner"]
    assert last["str_rel"] < 0.8 * first["str_rel"]


@pytest.mark.parametrize("left_out", ["by a head without targets", "by frozen heads"])
def test_an_encoder_can_be_frozen_after_a_batch_was_left_out(
    nlp: Language, examples: list[Example], left_out: str
) -> None:
    if left_out == "by frozen heads":
        nlp.update(examples, sgd=False, exclude=["str_ner", "str_rel"])
    else:
        nlp.update(texts_only(nlp, examples), sgd=False)
    finish_update(nlp, Recorder())
    losses = nlp.update(examples[:1], sgd=False, exclude=["str_encoder"], annotates=["str_encoder"])
    assert losses["str_ner"] > 0.0 < losses["str_rel"]
    assert encoder_gradients(nlp) == {}


@pytest.mark.parametrize("frozen", ["str_ner", "str_rel"])
def test_a_frozen_head_stays_as_it_is(nlp: Language, examples: list[Example], frozen: str) -> None:
    (other,) = {"str_ner", "str_rel"} - {frozen}
    before = {name: head_weights(nlp, name) for name in (frozen, other)}
    train(nlp, examples, steps=2, exclude=[frozen])
    assert head_weights(nlp, frozen) == before[frozen]
    assert head_weights(nlp, other) != before[other]


def test_what_str_ner_finds_wrongly_is_learned_from_if_it_annotates(
    nlp: Language, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    predicted = [(0, 2, 0, 1.0), (4, 6, 1, 1.0)]
    monkeypatch.setattr(nlp.get_pipe("str_ner"), "predict", lambda docs: [predicted for _ in docs])
    asked: list[set[tuple[int, int, str]]] = []

    def propose(doc: Doc, entities: Sequence[Span]) -> IntArray:
        asked.append({(span.start, span.end, span.label_) for span in entities})
        return all_pairs(doc, entities)

    nlp.get_pipe("str_rel").candidates = propose
    losses = nlp.update(examples[:1], sgd=False, annotates=["str_encoder", "str_ner"])
    labels = nlp.get_pipe("str_ner").labels
    gold = {(span.start, span.end, span.label_) for span in examples[0].reference.ents}
    assert asked == [gold | {(0, 2, labels[0]), (4, 6, labels[1])}]
    examples = make_examples(nlp)
    assert losses["str_rel"] > nlp.update(examples[:1], sgd=False)["str_rel"]


def test_gold_entities_are_learned_from_if_none_are_found(
    nlp: Language, examples: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = nlp.update(make_examples(nlp), sgd=False)
    monkeypatch.setattr(nlp.get_pipe("str_ner"), "predict", lambda docs: [[] for _ in docs])
    losses = nlp.update(examples, sgd=False, annotates=["str_encoder", "str_ner"])
    assert losses["str_rel"] == pytest.approx(expected["str_rel"])


def test_predicted_entities_of_a_trained_pipeline_learn_as_gold_ones(trained: Language) -> None:
    examples = make_examples(trained)
    predicted = trained.update(examples, sgd=False, annotates=["str_encoder", "str_ner"])
    gold = trained.update(examples, sgd=False)
    assert predicted["str_rel"] == pytest.approx(gold["str_rel"], rel=1e-4)


# Labels that come later


def add_new_labels(nlp: Language) -> None:
    nlp.get_pipe("str_ner").add_label("Flow")
    nlp.get_pipe("str_rel").add_label("HasGrade")


def test_new_labels_leave_old_predictions_as_they_were(trained: Language) -> None:
    docs = list(trained.pipe(text for text, _, _ in ANNOTATIONS))
    emissions = trained.get_pipe("str_ner").model.predict(docs)
    before = [found(doc) for doc in docs]
    add_new_labels(trained)
    for old, new in zip(emissions, trained.get_pipe("str_ner").model.predict(docs), strict=True):
        numpy.testing.assert_array_equal(new[:, : old.shape[1]], old)
    assert [found(trained(doc.text)) for doc in docs] == before


def test_new_labels_of_a_trained_pipeline_are_learned_and_saved(
    trained: Language, tmp_path: Path
) -> None:
    add_new_labels(trained)
    train(trained, [*make_examples(trained), make_example(trained, NEW_LABELS)])
    trained.to_disk(tmp_path)
    doc = spacy.load(tmp_path)(NEW_LABELS[0])
    assert found(doc) == (
        [("血流", "Flow"), ("可", "Degree"), ("狭窄", "Degree"), ("重", "Degree")],
        [("血流", "可", "HasGrade"), ("重", "狭窄", "Modifier")],
    )


def test_new_labels_of_an_untrained_pipeline_are_learned(nlp: Language) -> None:
    add_new_labels(nlp)
    train(nlp, [make_example(nlp, NEW_LABELS)])
    assert found(nlp(NEW_LABELS[0]))[1] == [
        ("血流", "可", "HasGrade"),
        ("重", "狭窄", "Modifier"),
    ]


def test_labels_added_before_initialization_are_kept(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    add_new_labels(nlp)
    nlp.initialize(lambda: make_examples(nlp))
    assert "Flow" in nlp.get_pipe("str_ner").labels
    assert {"HasGrade", "Modifier"} <= set(nlp.get_pipe("str_rel").labels)


def test_an_optimizer_with_moments_copes_with_new_labels(
    nlp: Language, examples: list[Example]
) -> None:
    optimizer = make_optimizer()
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    add_new_labels(nlp)
    new = [make_example(nlp, NEW_LABELS)]
    first = nlp.update(new, sgd=optimizer)
    for _ in range(10):
        last = nlp.update(new, sgd=optimizer)
    assert last["str_ner"] < first["str_ner"]
    assert last["str_rel"] < first["str_rel"]


def all_weights(nlp: Language) -> Arrays:
    """The weights of both torch modules."""
    crf = nlp.get_pipe("str_ner").model.get_ref("crf").shims[0]._model
    state = {name: tensor.detach().numpy().copy() for name, tensor in crf.state_dict().items()}
    return {**encoder_weights(nlp), **state}


def test_averaged_weights_are_used_while_they_are_asked_for(
    nlp: Language, examples: list[Example]
) -> None:
    optimizer = Adam(5e-3, use_averages=True)
    history = []
    for _ in range(20):
        nlp.update(examples, sgd=False)
        finish_update(nlp, optimizer)
        history.append(all_weights(nlp))
    with pytest.raises(KeyError), nlp.use_params(optimizer.averages):
        averaged = all_weights(nlp)
        raise KeyError("What happens meanwhile makes no difference.")
    for name, last in history[-1].items():
        expected = numpy.zeros_like(last)
        for step, weights in enumerate(history, start=1):
            expected += (1 - (1 + step) / (10 + step)) * (weights[name] - expected)
        numpy.testing.assert_allclose(averaged[name], expected, atol=1e-5)
        numpy.testing.assert_array_equal(all_weights(nlp)[name], last)


def test_a_step_that_is_due_is_made_before_averages_are_used(
    nlp: Language, examples: list[Example]
) -> None:
    optimizer = Adam(5e-3, use_averages=True)
    nlp.update(examples, sgd=optimizer)
    nlp.update(examples, sgd=optimizer)
    with nlp.use_params(optimizer.averages):
        averages = {key: average.copy() for key, average in optimizer.averages.items()}
        nlp(TEXT)
    own = encoder_weights(nlp)
    nlp(TEXT)
    for name, weights in encoder_weights(nlp).items():
        numpy.testing.assert_array_equal(weights, own[name])
    for key, average in optimizer.averages.items():
        numpy.testing.assert_array_equal(average, averages[key])


def test_an_empty_batch_has_no_loss(nlp: Language) -> None:
    assert nlp.get_pipe("str_rel").update([]) == {"str_rel": 0.0}


def test_a_known_label_is_not_added_again(nlp: Language) -> None:
    assert nlp.get_pipe("str_ner").add_label("BodyPart") == 0
    assert nlp.get_pipe("str_rel").add_label("Modifier", "<") == 0
    assert nlp.get_pipe("str_rel").add_label("Modifier", "><") == 1
    assert nlp.get_pipe("str_rel").label_data["Modifier"] == "<>"


def test_a_direction_that_is_none_is_refused(nlp: Language) -> None:
    with pytest.raises(ValueError, match="'>' \\(head first\\) and '<'"):
        nlp.get_pipe("str_rel").add_label("Modifier", "->")
