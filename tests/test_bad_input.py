import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from spacy.language import Language
from spacy.pipeline.functions import merge_entities
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import load_model_from_config, registry
from spacy.vocab import Vocab

from spacy_str_encoder import Relation
from spacy_str_encoder.layers import pair_chunks
from spacy_str_encoder.layers.encoder_shim import EncoderShim

from .pipelines import (
    ANNOTATIONS,
    LAYERS,
    Annotation,
    MakeNlp,
    build_trained,
    encoder_weights,
    found,
    make_example,
    make_examples,
    make_optimizer,
    moved_layers,
    scores,
    train,
    update,
    with_entities,
)

TEXTS = {
    "empty": "",
    "space": " ",
    "white space": " \n\t\u3000 ",
    "one token": "狭",
    "unknown characters": "龘靐齉齾",
    "emoji": "👩\u200d⚕\ufe0f无🙂狭窄👍🏽",
    "control characters": "左\x01主\x02干\x7f无\x9f狭窄",
    "only control characters": "\x01\x02\x7f",
    "zero-width characters": "左\u200b主\u200d干\ufeff无狭窄",
    "only zero-width characters": "\u200b\u200d\ufeff",
    "NUL": "左\x00主干",
    "only NUL": "\x00",
    "combining marks": "e\u0301\u0301\u0301无",
    "names of special pieces": "[CLS]无[SEP][PAD][MASK]",
}


def far_apart(nlp: Language, filler: int = 56) -> Doc:
    """A doc with two entities side by side, and a third one far from them."""
    doc = nlp.make_doc("左主干无" + "，" * filler + "左主干")
    doc.set_ents(
        [
            Span(doc, 0, 3, "BodyPart"),
            Span(doc, 3, 4, "Negation"),
            Span(doc, len(doc) - 3, len(doc), "BodyPart"),
        ]
    )
    return doc


def predict_relations(nlp: Language, doc: Doc) -> Doc:
    """Find the relations between the entities that a doc has."""
    with nlp.select_pipes(disable="str_ner"):
        return nlp(doc)


def coarse(nlp: Language, annotation: Annotation) -> Example:
    """An example whose predicted doc has tokens that cut through entities."""
    example = make_example(nlp, annotation)
    text = annotation[0]
    words = [text[0], *(text[i : i + 2] for i in range(1, len(text), 2))]
    return Example(Doc(nlp.vocab, words=words, spaces=[False] * len(words)), example.reference)


# Texts


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_is_predicted(nlp: Language, text: str) -> None:
    doc = nlp(text)
    (piped, _) = nlp.pipe([text, ANNOTATIONS[0][0]])
    assert doc.text == text
    assert found(piped) == found(doc)
    assert scores(piped) == pytest.approx(scores(doc), abs=1e-4)


def test_any_text_is_learned_from(nlp: Language) -> None:
    examples = []
    for text in filter(None, TEXTS.values()):
        reference = nlp.make_doc(text)
        reference.set_ents([Span(reference, 0, 1, "Degree")])
        reference._.relations = []
        examples.append(Example(nlp.make_doc(text), reference))
    losses = nlp.update([*examples, *make_examples(nlp)], sgd=make_optimizer())
    assert all(math.isfinite(loss) and loss > 0 for loss in losses.values())
    assert all(math.isfinite(score) for score in scores(nlp(ANNOTATIONS[0][0])))


def test_a_vocabulary_without_flags_puts_no_white_space_at_the_ends_of_entities(
    nlp: Language,
) -> None:
    doc = nlp.make_doc("  ".join("前降支近段轻度狭窄" * 5))
    [bare] = DocBin(docs=[doc]).get_docs(Vocab())
    assert not any(token.is_space for token in bare)
    found = [entity.text for entity in nlp(bare).ents]
    assert found and all(text == text.strip() for text in found)


@pytest.mark.slow
def test_ten_thousand_characters_are_predicted(make_nlp: MakeNlp) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS)
    filler, *_ = ANNOTATIONS[3]
    text = ANNOTATIONS[2][0] + filler * 1250
    entities, relations = found(nlp(text))
    assert len(text) > 10_000
    assert entities[:2] == [("左主干", "BodyPart"), ("无", "Negation")]
    assert ("无", "左主干", "Negative") in relations


def test_the_corpus_is_not_encoded_in_initialization(
    make_nlp: MakeNlp, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = make_nlp()
    sizes = []
    encode = EncoderShim.predict

    def predict(self: EncoderShim, inputs: Any) -> Any:
        sizes.append(inputs.kwargs["input_ids"].numel())
        return encode(self, inputs)

    monkeypatch.setattr(EncoderShim, "predict", predict)
    long = make_example(nlp, ("可" * 10_000, [(0, 1, "Degree")], []))
    nlp.initialize(lambda: [long, *make_examples(nlp)])
    assert sum(sizes) <= 512
    assert "Degree" in nlp.get_pipe("str_ner").labels


# Entities


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_entities_have_no_relations(nlp: Language, count: int) -> None:
    doc = nlp.make_doc("左主干无狭窄。")
    doc.set_ents([Span(doc, 0, 3, "BodyPart")][:count])
    assert predict_relations(nlp, doc)._.relations == []


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_sixty_entities_in_a_sentence_are_paired_in_chunks(
    make_nlp: MakeNlp, monkeypatch: pytest.MonkeyPatch, mask: str
) -> None:
    # A model that has never seen a pair without a relation.
    nlp = build_trained(make_nlp, ANNOTATIONS[:1], mask=mask, negative_rate=0.0)

    def sixty() -> Doc:
        doc = nlp.make_doc("狭窄" * 30)
        doc.set_ents([Span(doc, i, i + 1, "Degree") for i in range(60)])
        return doc

    at_once = predict_relations(nlp, sixty())
    monkeypatch.setattr(pair_chunks, "MAX_ROWS", 100)
    in_chunks = predict_relations(nlp, sixty())
    assert len(at_once._.relations) == 60 * 59 / 2
    assert found(in_chunks) == found(at_once)
    assert [r.score for r in in_chunks._.relations] == pytest.approx(
        [r.score for r in at_once._.relations], abs=1e-5
    )


def test_an_entity_without_pieces_has_no_relations(nlp: Language) -> None:
    doc = nlp.make_doc("左主干\x01无")
    doc.set_ents([Span(doc, 0, 3, "BodyPart"), Span(doc, 3, 4, "Negation")])
    with pytest.warns(
        UserWarning, match=r"candidate pairs without a window .* \(1 of 1\) get no relation"
    ):
        assert predict_relations(nlp, doc)._.relations == []


# Annotations


def test_unknown_labels_are_reported_once_and_trained_as_nothing(nlp: Language) -> None:
    annotation: Annotation = ("血流可。", [(0, 2, "Flow"), (2, 3, "Degree")], [(0, 1, "HasGrade")])
    examples = [make_example(nlp, annotation)] * 2
    with pytest.warns(UserWarning, match="was not known at initialization") as caught:
        for _ in range(2):
            losses = nlp.update(examples, sgd=False)
    messages = [str(warning.message) for warning in caught]
    assert [message.split(" ")[0] for message in messages] == ["str_ner:", "str_rel:"]
    assert "'Flow'" in messages[0] and "'HasGrade' with the head first" in messages[1]
    known = make_example(nlp, ("血流可。", [(2, 3, "Degree")], []))
    assert losses["str_ner"] == pytest.approx(nlp.update([known], sgd=False)["str_ner"])


def test_entities_and_relations_that_do_not_align_are_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    examples = [*make_examples(nlp), coarse(nlp, ANNOTATIONS[2])]
    with pytest.warns(UserWarning) as caught:
        nlp.initialize(lambda: examples)
    messages = [str(warning.message) for warning in caught]
    assert any(
        "str_ner: tokens of gold entities that do not align" in message for message in messages
    )
    assert any("str_rel: gold relations that do not align" in message for message in messages)


def test_entities_that_do_not_align_are_trained_as_none(nlp: Language) -> None:
    text, (_, negation), _ = ANNOTATIONS[2]
    split = coarse(nlp, (text, [(0, 2, "BodyPart"), negation], [(1, 0, "Negative")]))
    without = coarse(nlp, (text, [negation], []))
    assert nlp.update([split], sgd=False) == pytest.approx(nlp.update([without], sgd=False))


def test_aligned_entities_of_other_tokens_are_trained(nlp: Language) -> None:
    example = make_example(nlp, ANNOTATIONS[2])
    words = ["左主干", "无", "狭窄", "。"]
    reference = Doc(nlp.vocab, words=words, spaces=[False] * 4)
    reference.set_ents([Span(reference, 0, 1, "BodyPart"), Span(reference, 1, 2, "Negation")])
    body_part, negation = reference.ents
    reference._.relations = [Relation(negation, body_part, "Negative")]
    losses = nlp.update([Example(nlp.make_doc(reference.text), reference)], sgd=False)
    assert losses == pytest.approx(nlp.update([example], sgd=False))


def test_relations_of_spans_that_are_no_entities_are_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    examples = make_examples(nlp)
    reference = examples[2].reference
    other = Span(reference, 4, 6, "Degree")
    reference._.relations = [Relation(other, reference.ents[0], "Modifier")]
    with pytest.warns(
        UserWarning, match=r"str_rel: gold relations that connect spans .* \(1 of 9\)"
    ):
        nlp.initialize(lambda: examples)


def test_a_second_relation_of_a_pair_is_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    text, entities, relations = ANNOTATIONS[2]
    twice = make_example(nlp, (text, entities, [*relations, (0, 1, "Position")]))
    with pytest.warns(
        UserWarning, match=r"str_rel: gold relations that share their pair .* \(1 of 10\)"
    ):
        nlp.initialize(lambda: [*make_examples(nlp)[:2], twice])


def test_relations_of_spans_of_other_types_are_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    examples = make_examples(nlp)
    reference = examples[2].reference
    body_part, negation = reference.ents
    untyped = reference[negation.start : negation.end]
    reference._.relations = [Relation(untyped, body_part, "Negative")]
    with pytest.warns(
        UserWarning, match=r"str_rel: gold relations between spans of other types .* \(1\)"
    ):
        nlp.initialize(lambda: examples)


def test_tokens_that_nobody_annotated_are_counted(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    examples = make_examples(nlp)
    reference = examples[2].reference
    reference.set_ents(reference.ents, missing=[reference[4:6]], default="outside")
    with pytest.warns(
        UserWarning, match=r"str_ner: docs .* 2 unannotated tokens .* are trained as O"
    ):
        nlp.initialize(lambda: examples)


def test_tokens_that_were_merged_after_they_were_encoded_are_refused(trained: Language) -> None:
    annotation = ANNOTATIONS[0]
    doc = trained.get_pipe("str_encoder")(with_entities(trained, annotation))
    doc = merge_entities(doc)
    for component in ("str_ner", "str_rel"):
        with pytest.raises(ValueError, match=rf"has {len(doc)} tokens, but had 27 when"):
            trained.get_pipe(component)(doc)
    # Before they are encoded they may be.
    merged = merge_entities(with_entities(trained, annotation))
    assert len(trained(merged)) == len(doc)


# Windows


def test_pairs_that_no_window_holds_have_no_relation_and_one_warning_a_doc(
    make_nlp: MakeNlp,
) -> None:
    nlp = make_nlp(window=16, stride=12)
    nlp.initialize(lambda: make_examples(nlp))
    docs = [far_apart(nlp), far_apart(nlp)]
    with nlp.select_pipes(disable="str_ner"), pytest.warns(UserWarning) as caught:
        docs = list(nlp.pipe(docs))
    assert ["(2 of 3) get no relation" in str(warning.message) for warning in caught] == [
        True,
        True,
    ]
    for doc in docs:
        assert all(r.head.end <= 4 and r.tail.end <= 4 for r in doc._.relations)


@pytest.mark.parametrize("filler", [0, 8, 9, 10, 20, 56])
def test_leaving_out_what_is_too_far_apart_changes_nothing(make_nlp: MakeNlp, filler: int) -> None:
    nlp = make_nlp(window=16, stride=12)
    nlp.initialize(lambda: make_examples(nlp))
    answers = []
    for _ in range(2):
        with nlp.select_pipes(disable="str_ner"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            doc = nlp(far_apart(nlp, filler))
        answers.append((found(doc), [str(each.message) for each in caught]))
        # The second time, nothing is left out.
        layer = nlp.get_pipe("str_rel").model.get_ref("items2vectors")
        layer.attrs["get_reach"] = lambda layer, doc: None
    assert answers[0] == answers[1]


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_pairs_that_no_window_holds_are_not_learned_from(make_nlp: MakeNlp, mask: str) -> None:
    nlp = make_nlp(window=16, stride=12, mask=mask)
    nlp.initialize(lambda: make_examples(nlp))
    reference = far_apart(nlp)
    near, negation, far = reference.ents
    losses = []
    for relations in ([], [Relation(negation, far, "Position"), Relation(near, far, "Position")]):
        reference._.relations = relations
        example = Example(nlp.make_doc(reference.text), reference.copy())
        losses.append(nlp.update([example], sgd=False)["str_rel"])
    assert math.isfinite(losses[0])
    assert losses[0] == pytest.approx(losses[1]) != 0.0


def test_a_batch_of_pairs_that_no_window_holds_has_no_relation_loss(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=16, stride=12)
    nlp.initialize(lambda: make_examples(nlp))
    reference = far_apart(nlp)
    reference.set_ents([reference.ents[0], reference.ents[2]])
    reference._.relations = [Relation(*reference.ents, "Position")]
    example = Example(nlp.make_doc(reference.text), reference)
    before = encoder_weights(nlp)
    assert nlp.update([example], sgd=make_optimizer())["str_rel"] == 0.0
    nlp("")
    assert moved_layers(before, encoder_weights(nlp)) == list(range(LAYERS))


@pytest.mark.parametrize(
    ("windows", "left_out"),
    [([], 0), ([(1, 7)], 0), ([(0, 3), (4, 7)], 3), ([(0, 6)], 6), ([(2, 6), (0, 3)], 6)],
)
def test_a_span_getter_that_leaves_tokens_out_is_refused(
    make_nlp: MakeNlp, windows: list[tuple[int, int]], left_out: int
) -> None:
    @registry.span_getters("windows_that_leave_tokens_out")
    def make_getter() -> Callable[[list[Doc]], list[list[Span]]]:
        return lambda docs: [
            [doc[:]] if len(doc) > 10 else [doc[start:end] for start, end in windows]
            for doc in docs
        ]

    config = make_nlp().config
    getter = {"@span_getters": "windows_that_leave_tokens_out"}
    config["components"]["str_encoder"]["model"]["get_spans"] = getter
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    message = rf"in a doc of 7 tokens, token {left_out} is not\."
    with pytest.raises(ValueError, match=message):
        list(nlp.pipe([ANNOTATIONS[0][0], "左主干无狭窄。"]))


def test_a_stride_of_nothing_is_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=16, stride=0)
    nlp.initialize(lambda: make_examples(nlp))
    with pytest.raises(ValueError, match=r"stride of the windows .* at least 1"):
        nlp(ANNOTATIONS[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_windows_shorter_than_a_doc_find_everything(make_nlp: MakeNlp, mask: str) -> None:
    nlp = build_trained(make_nlp, ANNOTATIONS, mask=mask, window=16, stride=8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "str_rel: in a doc of .* tokens")
        result = nlp.evaluate(make_examples(nlp))
    assert max(len(text) for text, _, _ in ANNOTATIONS) > 16
    assert (result["ents_f"], result["rels_f"]) == (1.0, 1.0)


@pytest.mark.parametrize("mask", ["pair", "cls"])
def test_entities_beyond_the_last_piece_of_the_encoder_have_no_relation(
    make_nlp: MakeNlp, mask: str
) -> None:
    # The window has 207 tokens, of which the encoder reads 126.
    nlp = make_nlp(mask=mask, window=256, stride=192)
    nlp.initialize(lambda: make_examples(nlp))
    with pytest.warns(
        UserWarning, match=r"candidate pairs without a window .* \(2 of 3\) get no relation"
    ):
        doc = predict_relations(nlp, far_apart(nlp, filler=200))
    assert all(r.head.end <= 4 and r.tail.end <= 4 for r in doc._.relations)


@pytest.mark.slow
def test_a_truncated_doc_is_learned_from(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(window=256, stride=192)
    nlp.initialize(lambda: make_examples(nlp))
    reference = far_apart(nlp, filler=200)
    near, negation, far = reference.ents
    reference._.relations = [Relation(negation, near, "Negative"), Relation(near, far, "Position")]
    example = Example(nlp.make_doc(reference.text), reference)
    first = nlp.update([example], sgd=False)
    train(nlp, [example], steps=20)
    last = nlp.update([example], sgd=False)
    assert 0 <= last["str_rel"] < 0.5 * first["str_rel"]
    assert 0 <= last["str_ner"] < 0.5 * first["str_ner"]


# Negative pairs


@pytest.mark.parametrize("negative_rate", [-0.1, 1.1])
def test_a_negative_rate_out_of_range_is_refused(make_nlp: MakeNlp, negative_rate: float) -> None:
    with pytest.raises(ValueError, match="negative_rate must be from 0 to 1"):
        make_nlp(negative_rate=negative_rate)


@pytest.mark.slow
def test_a_negative_rate_of_zero_leaves_only_related_pairs(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(negative_rate=0.0)
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, make_examples(nlp), steps=40)
    doc = predict_relations(nlp, make_example(nlp, ANNOTATIONS[0]).reference.copy())
    entities = len(ANNOTATIONS[0][1])
    assert len(doc._.relations) == entities * (entities - 1) / 2


@pytest.mark.parametrize("stepping", ["at once", "later"])
def test_a_batch_of_which_no_pair_is_drawn_trains_entities(
    make_nlp: MakeNlp, stepping: str
) -> None:
    nlp = make_nlp(negative_rate=0.0)
    nlp.initialize(lambda: make_examples(nlp))
    text, entities, _ = ANNOTATIONS[0]
    unrelated = [make_example(nlp, (text, entities, []))]
    before = encoder_weights(nlp)
    losses = nlp.update(unrelated, sgd=False)
    update(nlp, unrelated, make_optimizer(), stepping)
    assert losses["str_rel"] == 0.0 < losses["str_ner"]
    assert moved_layers(before, encoder_weights(nlp)) == list(range(LAYERS))
    assert nlp.update(make_examples(nlp), sgd=False)["str_rel"] > 0.0


def test_what_nobody_sees_begins_and_ends_no_entity(nlp: Language) -> None:
    text = "\ufeff  \n 前降支 \n 近段  \u200b"
    emissions = nlp.get_pipe("str_ner").model.get_ref("output_layer").layers[0]
    # Every token would be an entity of its own.
    emissions.get_param("b")[4] += 100
    entities = nlp(text).ents
    assert entities
    assert all(entity.text == entity.text.strip("\ufeff\u200b \n") for entity in entities)


# Each alone is a token that begins and ends nothing: zero-width and control characters, spaces.
INVISIBLE = "\u200b\u200d\ufeff\u00ad\u2060\u202e\x00\x07\x7f\x85\xa0\u3000\u2028\u2029\t\n"


@pytest.mark.parametrize("spans_key", [None, "sc"])
@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
def test_what_nobody_sees_is_no_entity(
    make_nlp: MakeNlp, invisible: str, spans_key: str | None
) -> None:
    nlp = make_nlp(ner={"spans_key": spans_key}, spans_key=spans_key)
    examples = make_examples(nlp)
    for example in examples:
        example.reference.spans["sc"] = list(example.reference.ents)
    nlp.initialize(lambda: examples)
    emissions = nlp.get_pipe("str_ner").model.get_ref("output_layer").layers[0]
    emissions.get_param("b")[4] += 100
    doc = Doc(nlp.vocab, words=["左", invisible, invisible * 2, "冠"], spaces=[False] * 4)
    found = nlp(doc).spans["sc"] if spans_key else nlp(doc).ents
    texts = {entity.text for entity in found}
    # With random weights, an entity may also reach from one to the other.
    assert {"左", "冠"} <= texts
    assert all({text[0], text[-1]} <= {"左", "冠"} for text in texts)


def refuse_windows(docs: Iterable[Doc]) -> list[list[Span]]:
    return [[doc[1:]] if doc.text.startswith("坏") else [doc[:]] for doc in docs]


@Language.component("lose_states")
def lose_states(doc: Doc) -> Doc:
    if doc.text.startswith("丢"):
        doc._.trf_data = None
    return doc


@pytest.mark.parametrize(
    ("text", "name"),
    [("坏。", "str_encoder"), ("丢。", "str_ner"), ("丢左主干无狭窄。", "str_rel")],
)
def test_a_doc_that_fails_takes_no_others_with_it(trained: Language, text: str, name: str) -> None:
    texts = [text for text, _, _ in ANNOTATIONS]
    expected = [found(doc) for doc in trained.pipe(texts)]
    trained.get_pipe("str_encoder").model.attrs["get_spans"] = refuse_windows
    trained.add_pipe("lose_states", before="str_rel" if name == "str_rel" else "str_ner")
    failed = []
    trained.set_error_handler(lambda *call: failed.append(call))
    docs = list(trained.pipe([*texts[:2], text, *texts[2:]]))
    assert [found(doc) for doc in docs] == expected
    [(component, _, refused, error)] = failed
    assert component == name
    assert [doc.text for doc in refused] == [text]
    assert isinstance(error, ValueError)


def test_without_an_error_handler_the_error_is_that_of_the_doc(trained: Language) -> None:
    trained.get_pipe("str_encoder").model.attrs["get_spans"] = refuse_windows
    with pytest.raises(ValueError, match="in a doc of 2 tokens, token 0 is not"):
        list(trained.pipe(["左主干无狭窄。", "坏。"]))
