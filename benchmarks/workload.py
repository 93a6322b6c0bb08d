"""Workload of the benchmarks: sentences, encoders with random weights, and pipelines."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from random import Random
from statistics import NormalDist

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_str_encoder import Relation
from spacy_str_encoder.doc.entities import SPANS_KEY
from spacy_str_encoder.init_encoder import init_encoder

# Each of these is one piece. Their meaning does not affect the times.
CHARACTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 400)]
ENTITY_LENGTHS = (1, 1, 2, 2, 2, 2, 3, 3)
ENTITY_LABELS = ("BodyPart", "Degree", "Location", "Negation", "Quantifier")
RELATION_LABELS = ("Modifier", "Negative", "Percentage", "Position")
# Pieces of the longest text, which is one window.
LONGEST = 400
# In the paper's corpus, 14 % of the pairs have a relation: 2,219 of 15,386.
RELATIONS = 4


@dataclass(frozen=True)
class Shape:
    """Size of an encoder."""

    name: str
    layers: int
    width: int
    heads: int


BERT_BASE = Shape("BERT-base", 12, 768, 12)
MINILM = Shape("MiniLM", 6, 384, 12)


@dataclass(frozen=True)
class Sentence:
    """Text with entities.

    text (str): The text, with one piece per character.
    entities (list[tuple[int, int]]): The start and end of each entity.
    """

    text: str
    entities: list[tuple[int, int]]


def make_sentences(
    count: int, *, pieces: int = 64, lengths: tuple[int, ...] = ENTITY_LENGTHS, seed: int = 0
) -> list[Sentence]:
    """Make sentences with entities at random positions.

    count (int): The number of sentences.
    pieces (int): The number of pieces per sentence, including `[CLS]` and `[SEP]`.
    lengths (tuple[int, ...]): The number of pieces of each entity.
    seed (int): The random seed.
    RETURNS (list[Sentence]): The sentences.
    """
    random = Random(seed)
    return [_make_sentence(random, pieces - 2, lengths) for _ in range(count)]


def make_texts(count: int, *, long_texts: float = 0.0, seed: int = 0) -> list[Sentence]:
    """Make texts that differ in length as real ones do: the median has 45 pieces, and one in twenty
    has 180 or more.

    count (int): The number of texts.
    long_texts (float): The share of texts that have the maximum length instead.
    seed (int): The random seed.
    RETURNS (list[Sentence]): The texts, in random order.
    """
    random = Random(seed)
    spread = log(180 / 45) / NormalDist().inv_cdf(0.95)
    lengths = [round(random.lognormvariate(log(45), spread)) for _ in range(count)]
    for i in random.sample(range(count), round(long_texts * count)):
        lengths[i] = LONGEST
    shortest = sum(ENTITY_LENGTHS) + 2
    return [
        _make_sentence(random, min(max(length, shortest), LONGEST) - 2, ENTITY_LENGTHS)
        for length in lengths
    ]


def _make_sentence(random: Random, length: int, lengths: tuple[int, ...]) -> Sentence:
    # Characters outside of entities (0) and entities, in random order.
    parts = [0] * (length - sum(lengths)) + list(lengths)
    random.shuffle(parts)
    entities, start = [], 0
    for part in parts:
        if part:
            entities.append((start, start + part))
        start += part or 1
    return Sentence("".join(random.choices(CHARACTERS, k=length)), entities)


def make_encoder(shape: Shape, folder: Path) -> Path:
    """Write an encoder with random weights.

    shape (Shape): The size of the encoder.
    folder (Path): The folder for encoders.
    RETURNS (Path): The folder of the encoder.
    """
    path = folder / shape.name
    if not path.exists():
        init_encoder(
            CHARACTERS, path, layers=shape.layers, width=shape.width, heads=shape.heads, seed=0
        )
    return path


def make_pipeline(
    encoder: Path, *, focus_layers: int, mask: str, window: int = 128, may_overlap: bool = False
) -> Language:
    """Build an untrained pipeline.

    The predictions of an untrained `str_ner` are arbitrary. It does all of its work, and another
    component then replaces its predictions by the entities of the workload.

    encoder (Path): The folder of the encoder.
    focus_layers (int): The number of focused layers, K.
    mask (str): The mask.
    window (int): The length of windows, in tokens.
    may_overlap (bool): Whether entities may overlap.
    RETURNS (Language): The pipeline.
    """
    nlp = spacy.blank("zh")
    spans = {
        "@span_getters": "spacy-transformers.strided_spans.v1",
        "window": window,
        "stride": window,
    }
    model = {"name": str(encoder), "focus_layers": focus_layers, "get_spans": spans}
    nlp.add_pipe("str_encoder", config={"model": model})
    key = SPANS_KEY if may_overlap else None
    nlp.add_pipe("str_ner", config={"spans_key": key})
    nlp.add_pipe("known_entities")
    nlp.add_pipe("str_rel", config={"model": {"mask": mask}, "spans_key": key})
    nlp.add_pipe("doc_cleaner", config={"attrs": {"_.trf_data": None}, "silent": True})
    examples = list(make_examples(nlp, make_sentences(8)))
    nlp.initialize(lambda: examples)
    return nlp


class KnownEntities:
    """Component that sets the entities of known sentences."""

    def __init__(self) -> None:
        self.entities: dict[str, list[tuple[int, int]]] = {}

    def remember(self, sentences: list[Sentence]) -> list[str]:
        """Replace the known sentences.

        sentences (list[Sentence]): The sentences.
        RETURNS (list[str]): The texts of the sentences.
        """
        self.entities = {sentence.text: sentence.entities for sentence in sentences}
        return list(self.entities)

    def __call__(self, doc: Doc) -> Doc:
        entities = self.entities.get(doc.text, [])
        doc.spans[SPANS_KEY] = [Span(doc, start, end, "BodyPart") for start, end in entities]
        doc.set_ents([*doc.spans[SPANS_KEY]])
        return doc


@Language.factory("known_entities")
def make_known_entities(nlp: Language, name: str) -> KnownEntities:
    """Construct the component."""
    return KnownEntities()


def make_examples(nlp: Language, sentences: list[Sentence]) -> Iterator[Example]:
    """Annotate sentences, with all labels of entities and relations.

    nlp (Language): The pipeline that tokenizes them.
    sentences (list[Sentence]): The sentences.
    YIELDS (Example): The examples.
    """
    for sentence in sentences:
        reference = nlp.make_doc(sentence.text)
        spans = [
            Span(reference, start, end, ENTITY_LABELS[i % len(ENTITY_LABELS)])
            for i, (start, end) in enumerate(sentence.entities)
        ]
        reference.set_ents(spans)
        reference.spans[SPANS_KEY] = spans
        reference._.relations = [
            Relation(spans[i], spans[i + 1], RELATION_LABELS[i]) for i in range(RELATIONS)
        ]
        yield Example(nlp.make_doc(sentence.text), reference)
