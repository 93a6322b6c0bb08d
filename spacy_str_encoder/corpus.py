"""Reading training data."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from random import Random

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.training.corpus import FILE_TYPE, walk_corpus
from spacy.vocab import Vocab

from .doc.entities import count_lost_entities, put_gold_entities
from .doc.origin import set_place
from .doc.relation import has_relations
from .files.docbin import read_docbin

Reader = Callable[[Language], Iterable[Example]]


def create_corpus(
    path: Path | None,
    limit: int = 0,
    share: float = 1.0,
    seed: int = 0,
    gold_entities: bool = False,
) -> Reader:
    """Read docs with entities and relations.

    Unlike `spacy.Corpus.v1`, this refuses a corpus that has lost its relations, and has no
    `max_length`, which would lose them: long docs are what the encoder's windows are for.

    path (Path | None): A .spacy file, or a folder of them.
    limit (int): How many docs to read at most; 0 for all.
    share (float): Each doc is read with this probability, to see what more annotations are worth.
        The docs of a smaller share are among those of a larger one.
    seed (int): The seed of that draw, which is the same each time the corpus is read.
    gold_entities (bool): Whether the docs to predict on have the gold entities already, so that a
        pipeline which finds no entities is scored on relations between correct ones.
    RETURNS (Callable[[Language], Iterable[Example]]): The reader.
    """
    if path is None:
        raise ValueError("A corpus needs a path, such as `--paths.train corpus/train.spacy`.")
    if not 0 < share <= 1:
        raise ValueError(
            f"The share of the corpus {path} must be above 0 and at most 1, not {share}."
        )
    reader = partial(read_corpus, path=Path(path), limit=limit, share=share, seed=seed)
    return partial(_with_gold_entities, read=reader, path=path) if gold_entities else reader


def read_corpus(
    nlp: Language, *, path: Path, limit: int = 0, share: float = 1.0, seed: int = 0
) -> Iterator[Example]:
    """Read docs with entities and relations.

    nlp (Language): Tokenizes the texts anew.
    path (Path): A .spacy file, or a folder of them.
    limit (int): How many docs to read at most; 0 for all.
    share (float): The probability of each doc to be read.
    seed (int): The seed of that draw.
    YIELDS (Example): The examples.
    RAISES (ValueError): If there are no such files, one is damaged, or no doc has relations set.
    """
    if not path.exists():
        raise ValueError(f"Can't find the corpus {path}: no such file or folder.")
    if path.suffix != FILE_TYPE and not any(path.rglob(f"*{FILE_TYPE}")):
        raise ValueError(
            f"The corpus {path} is no {FILE_TYPE} file, nor a folder of such files. "
            "`spacy-str-encoder convert` makes them of annotations in other formats."
        )
    if not _has_any_relations(_read_docs(path, nlp.vocab)):
        raise ValueError(
            f"The corpus {path} has entities, but no doc has relations, not even an empty list. "
            "Set doc._.relations on every doc ([] if it has none), and save the DocBin with "
            "store_user_data=True."
        )
    random = Random(seed)
    examples = Corpus(path).make_examples(nlp, _read_docs(path, nlp.vocab))
    drawn = (example for example in examples if random.random() < share)
    yield from islice(drawn, limit or None)


def _read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    for file in walk_corpus(path, FILE_TYPE):
        for number, doc in enumerate(read_docbin(file, vocab), start=1):
            yield set_place(doc, file, number)


def _with_gold_entities(nlp: Language, *, read: Reader, path: Path) -> Iterator[Example]:
    lost = 0
    for example in read(nlp):
        put_gold_entities(example)
        lost += count_lost_entities(example)
        yield example
    if lost:
        _warn_once(
            f"The corpus {path} is read with gold entities, of which {lost} do not align with the "
            "tokens of the pipeline; they are left out, and their relations are missed."
        )


@cache
def _warn_once(message: str) -> None:
    # Training reads a corpus again for each epoch and evaluation.
    warnings.warn(message, stacklevel=3)


def _has_any_relations(docs: Iterable[Doc]) -> bool:
    has_entities = False
    for doc in docs:
        if has_relations(doc):
            return True
        has_entities = has_entities or len(doc.ents) > 0 or any(doc.spans.values())
    return not has_entities
