"""Benchmarks of whole pipelines: prediction, training, a very long doc, and growth."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy
import spacy
import torch
from spacy.language import Language
from thinc.api import Adam

import floors
from encoders import PAIRS, PIECES, ROWS
from measure import Result, memory_above, ratio, seconds
from spacy_str_encoder.layers.crf import CRF, find_entities, resize_crf
from workload import (
    BERT_BASE,
    LONGEST,
    MINILM,
    Sentence,
    Shape,
    make_encoder,
    make_examples,
    make_pipeline,
    make_sentences,
    make_texts,
)

BATCH_SIZE = 32
PREDICTIONS = ((BERT_BASE, 4, "≤ 2.1"), (MINILM, 2, "≤ 2.0"))
# The last one has more long texts.
REAL_LENGTHS = (
    (BERT_BASE, 4, "≤ 1.75", 0.0),
    (MINILM, 2, "≤ 1.7", 0.0),
    (MINILM, 2, "≤ 1.7", 0.05),
)
# Texts of real lengths, and the size of the bare encoder's batches of them.
TEXTS, SMALL_BATCH = 96, 8
# The lengths of the entities in a doc of the maximum length for BERT.
LONG_DOC = (1, 2, 2, 3) * 50
# Tokens and labels of a doc whose entities may overlap.
TAGGED_DOC = (10_000, 20)
# A small encoder, so that growth outside of the encoder becomes visible.
SMALL = Shape("small", 4, 128, 4)
DOCS = (100, 300, 1000, 3000)
PIECES_A_DOC = (32, 64, 128, 256, 512)
ENTITIES_A_DOC = (2, 8, 16, 24, 32, 40, 48)
LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}


def measure(folder: Path) -> list[Result]:
    """Run the benchmarks.

    folder (Path): The folder for encoders.
    RETURNS (list[Result]): The results.
    """
    return [
        *(prediction(shape, k, target, folder) for shape, k, target in PREDICTIONS),
        *chain.from_iterable(real_lengths(*workload, folder) for workload in REAL_LENGTHS),
        against_spacy(folder),
        overlapping(folder),
        *training(folder),
    ]


def prediction(shape: Shape, focus_layers: int, target: str, folder: Path) -> Result:
    """Compare `nlp.pipe` with the bare encoder on the same batch, tokenized beforehand.

    shape (Shape): The size of the encoder.
    focus_layers (int): The number of focused layers, K.
    target (str): The target of the ratio.
    folder (Path): The folder for encoders.
    RETURNS (Result): The ratio.
    """
    nlp = make_pipeline(make_encoder(shape, folder), focus_layers=focus_layers, mask="pair")
    texts = remember(nlp, make_sentences(BATCH_SIZE))
    return ratio(
        f"nlp.pipe / the bare encoder: {shape.name}, Eq. 14, K={focus_layers}",
        lambda: list(nlp.pipe(texts, batch_size=BATCH_SIZE)),
        bare_encoder(nlp, [texts]),
        floor=passes(shape, focus_layers, PIECES),
        target=target,
    )


def real_lengths(
    shape: Shape, focus_layers: int, target: str, long_texts: float, folder: Path
) -> list[Result]:
    """Compare `nlp.pipe` on texts of real lengths, in random order, with the bare encoder on the
    same texts: tokenized beforehand, sorted by length, and in small batches, so that hardly any of
    it is padding.

    shape (Shape): The size of the encoder.
    focus_layers (int): The number of focused layers, K.
    target (str): The target of the ratio.
    long_texts (float): The share of texts of the maximum length.
    folder (Path): The folder for encoders.
    RETURNS (list[Result]): The ratio, and the positions that are computed for each piece.
    """
    path = make_encoder(shape, folder)
    nlp = make_pipeline(path, focus_layers=focus_layers, mask="pair", window=LONGEST)
    texts = remember(nlp, make_texts(TEXTS, long_texts=long_texts))
    ordered = sorted(texts, key=len)
    batches = [ordered[i : i + SMALL_BATCH] for i in range(0, len(ordered), SMALL_BATCH)]
    pieces = sum(len(text) + 2 for text in texts)
    name = f"{shape.name}, K={focus_layers}"
    if long_texts:
        name = f"{name}, {long_texts:.0%} of {LONGEST} pieces"
    time = ratio(
        f"nlp.pipe / the bare encoder, texts of real lengths: {name}",
        lambda: list(nlp.pipe(texts)),
        bare_encoder(nlp, batches),
        floor=passes(shape, focus_layers, pieces / len(texts)),
        target=target,
        repeats=5,
    )
    positions = count_positions(nlp, texts) / pieces
    title = f"positions computed / pieces, texts of real lengths: {name}"
    return [time, Result(title, positions, positions, positions, 1.0, "≤ 1.1")]


def bare_encoder(nlp: Language, batches: list[list[str]]) -> Callable[[], None]:
    """Tokenize texts, and make a function that runs the encoder of Hugging Face on them.

    nlp (Language): A pipeline with the encoder.
    batches (list[list[str]]): The texts.
    RETURNS (Callable): The function.
    """
    encoder = component(nlp, "str_encoder").model
    device = encoder.transformer.device
    tokenize = partial(encoder.tokenizer, padding=True, return_tensors="pt")
    pieces = [tokenize(texts).to(device) for texts in batches]

    @torch.no_grad()
    def encode() -> None:
        encoder.transformer.eval()
        for each in pieces:
            encoder.transformer(**each)

    return encode


def count_positions(nlp: Language, texts: list[str]) -> int:
    """Count the rows that run through the first layer of the encoder.

    nlp (Language): The pipeline.
    texts (list[str]): The texts.
    RETURNS (int): The number of rows, padding included.
    """
    counts: list[int] = []
    layer = component(nlp, "str_encoder").model.transformer.encoder.layer[0]
    hook = layer.intermediate.register_forward_hook(
        lambda module, rows, output: counts.append(output[..., 0].numel())
    )
    list(nlp.pipe(texts))
    hook.remove()
    return sum(counts)


def passes(shape: Shape, focus_layers: int, pieces: float) -> float:
    """RETURNS (float): The multiply-adds of a text with all its pairs, as passes of the encoder."""
    of_a_pair = floors.pair_mask(focus_layers, ROWS)
    return 1 + PAIRS * of_a_pair / floors.plain(shape.layers, pieces)


def against_spacy(folder: Path) -> Result:
    """Compare entity recognition with spaCy's own transformer and `ner`, on the same encoder.

    folder (Path): The folder for encoders.
    RETURNS (Result): The ratio.
    """
    path = make_encoder(BERT_BASE, folder)
    ours = make_pipeline(path, focus_layers=4, mask="pair")
    for name in ("known_entities", "str_rel"):
        ours.remove_pipe(name)
    theirs = spacy.blank("zh")
    model = ours.get_pipe_config("str_encoder")["model"]
    transformer = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(path),
        "get_spans": model["get_spans"],
        "tokenizer_config": {"use_fast": True},
    }
    theirs.add_pipe("transformer", config={"model": transformer})
    theirs.add_pipe("ner", config={"model": {"tok2vec": LISTENER}})
    theirs.add_pipe("doc_cleaner", config={"attrs": {"_.trf_data": None}, "silent": True})
    examples = list(make_examples(theirs, make_sentences(8)))
    theirs.initialize(lambda: examples)
    texts = [sentence.text for sentence in make_sentences(BATCH_SIZE)]
    return ratio(
        "str_encoder and str_ner / spaCy's transformer and ner: BERT-base",
        lambda: list(ours.pipe(texts, batch_size=BATCH_SIZE)),
        lambda: list(theirs.pipe(texts, batch_size=BATCH_SIZE)),
        target="≤ 1.0",
        repeats=11,
    )


def overlapping(folder: Path) -> Result:
    """Compare `nlp.pipe` whose entities may overlap with that of the paper's CRF.

    folder (Path): The folder for encoders.
    RETURNS (Result): The ratio.
    """
    build = partial(make_pipeline, make_encoder(MINILM, folder), focus_layers=2, mask="pair")
    nested, flat = build(may_overlap=True), build()
    sentences = make_sentences(BATCH_SIZE)
    texts = remember(nested, sentences)
    remember(flat, sentences)
    return ratio(
        "nlp.pipe, entities that overlap / the CRF: MiniLM, Eq. 14, K=2",
        lambda: list(nested.pipe(texts, batch_size=BATCH_SIZE)),
        lambda: list(flat.pipe(texts, batch_size=BATCH_SIZE)),
        target="≤ 1.1",
        repeats=11,
    )


def training(folder: Path) -> list[Result]:
    """Compare a training step of both tasks with one of entity recognition only.

    folder (Path): The folder for encoders.
    RETURNS (list[Result]): The ratios with all pairs, and with a share of the negative pairs.
    """
    nlp = make_pipeline(make_encoder(BERT_BASE, folder), focus_layers=4, mask="pair")
    nlp.remove_pipe("known_entities")
    examples = list(make_examples(nlp, make_sentences(8)))
    optimizer = Adam(1e-5)

    def step() -> None:
        nlp.update(examples, sgd=optimizer)
        # The encoder is updated after all components.
        component(nlp, "str_encoder").finish_update(optimizer)

    def step_of_entities() -> None:
        with nlp.select_pipes(disable=["str_rel"]):
            step()

    results = []
    for rate, name, target in ((1.0, "all pairs", "≤ 2.0"), (0.15, "negative_rate 0.15", "≤ 1.4")):
        component(nlp, "str_rel").negative_rate = rate
        title = f"a training step of both tasks / of NER alone: Eq. 14, K=4, {name}"
        results.append(ratio(title, step, step_of_entities, target=target, repeats=5))
    return results


def long_doc(folder: Path) -> list[Result]:
    """Predict the relations of one doc with 200 entities.

    folder (Path): The folder for encoders.
    RETURNS (list[Result]): The peak memory, and the time per pair relative to a usual sentence.
    """
    encoder = make_encoder(BERT_BASE, folder)
    nlp = make_pipeline(encoder, focus_layers=4, mask="pair", window=512)
    [long] = make_sentences(1, pieces=512, lengths=LONG_DOC)
    [usual] = make_sentences(1)
    pairs = len(LONG_DOC) * (len(LONG_DOC) - 1) // 2
    run_long, run_usual = relations_of(nlp, long), relations_of(nlp, usual)
    run_usual()
    on_gpu = component(nlp, "str_encoder").model.transformer.device.type == "cuda"
    memory = memory_above(run_long, on_gpu=on_gpu)
    title = f"one doc of {len(LONG_DOC)} entities ({pairs:,} pairs), Eq. 14, K=4"
    time = ratio(
        f"{title}: time of a pair / that in a doc of {PAIRS}",
        run_long,
        lambda: [run_usual() for _ in range(30)],
        target="≤ 1.0",
        repeats=2,
        scale=30 * PAIRS / pairs,
    )
    return [Result(f"{title}: peak memory, MB", memory, memory, memory, None, "≤ 500"), time]


def tags_of_long_doc() -> Result:
    """Find entities that may overlap in one very long doc, given the scores of its tags.

    RETURNS (Result): The peak memory.
    """
    tokens, labels = TAGGED_DOC
    crf = CRF()
    resize_crf(crf, [str(label) for label in range(labels)], nested=True)
    scores = numpy.random.default_rng(0).normal(size=(tokens, 1 + 4 * labels))
    emissions: Any = scores.astype("float32")
    find_entities(crf, [emissions[:100]])
    memory = memory_above(lambda: find_entities(crf, [emissions]), on_gpu=False)
    title = f"entities that overlap in {tokens:,} tokens, {labels} labels: peak memory, MB"
    return Result(title, memory, memory, memory, None, "≤ 300")


def relations_of(nlp: Language, sentence: Sentence) -> Callable[[], Any]:
    """Encode a sentence, and return a function that predicts its relations.

    nlp (Language): The pipeline.
    sentence (Sentence): The sentence.
    RETURNS (Callable): Function that runs `str_rel` only.
    """
    remember(nlp, [sentence])
    with nlp.select_pipes(disable=["str_rel", "doc_cleaner"]):
        doc = nlp(sentence.text)
    return lambda: nlp.get_pipe("str_rel")(doc)


def component(nlp: Language, name: str) -> Any:
    """Get a component, typed as Any.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    RETURNS (Any): The component.
    """
    return nlp.get_pipe(name)


def remember(nlp: Language, sentences: list[Sentence]) -> list[str]:
    """Set the entities that a pipeline assigns to sentences.

    nlp (Language): The pipeline.
    sentences (list[Sentence]): The sentences.
    RETURNS (list[str]): The texts of the sentences.
    """
    return component(nlp, "known_entities").remember(sentences)


def growth(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Time `nlp.pipe` on more docs, longer docs and docs with more pairs.

    folder (Path): The folder for encoders.
    RETURNS (dict[str, dict[str, list[float]]]): The sizes and seconds, by the quantity that grows.
    """
    nlp = make_pipeline(make_encoder(SMALL, folder), focus_layers=2, mask="pair", window=512)
    by_docs = {n: make_sentences(n) for n in DOCS}
    by_pieces = {n: make_sentences(50, pieces=n) for n in PIECES_A_DOC}
    by_pairs = {
        n * (n - 1) // 2: make_sentences(50, pieces=256, lengths=(2,) * n) for n in ENTITIES_A_DOC
    }
    kinds = {"docs": by_docs, "pieces a doc": by_pieces, "pairs a doc": by_pairs}
    return {kind: _time_each(nlp, sizes) for kind, sizes in kinds.items()}


def _time_each(nlp: Language, sizes: dict[int, list[Sentence]]) -> dict[str, list[float]]:
    times = [_pipe_seconds(nlp, sentences) for sentences in sizes.values()]
    return {"size": list(map(float, sizes)), "seconds": times}


def _pipe_seconds(nlp: Language, sentences: list[Sentence]) -> float:
    texts = remember(nlp, sentences)
    return min(seconds(lambda: list(nlp.pipe(texts))) for _ in range(2))
