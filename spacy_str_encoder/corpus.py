"""Read training data."""

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
from .doc.rel_component import adopt_rel
from .doc.relation import has_relations
from .files.docbin import read_docbin

RELATIONS = "doc._.relations"
Reader = Callable[[Language], Iterable[Example]]


def create_corpus(
    path: Path | None,
    limit: int = 0,
    share: float = 1.0,
    seed: int = 0,
    gold_entities: bool = False,
) -> Reader:
    """Create a reader of docs with entities and relations.

    Unlike `spacy.Corpus.v1`, it rejects a corpus without relations if a component predicts them,
    and has no `max_length`, which would split docs and lose relations. The encoder cuts long docs
    into windows. It also reads the relations of spaCy's project template `rel_component`.

    path (Path | None): A .spacy file, or a folder of .spacy files.
    limit (int): The maximum number of docs to read; 0 for all.
    share (float): The probability of each doc to be read, to measure the value of more annotations.
        A larger share contains all docs of a smaller one.
    seed (int): The seed of this selection, which is the same each time the corpus is read.
    gold_entities (bool): Whether to set the gold entities on the docs to predict, to train or score
        a pipeline without entity recognition.
    RETURNS (Callable[[Language], Iterable[Example]]): The reader.
    """
    if path is None:
        raise ValueError("A corpus needs a path, such as `--paths.train corpus/train.spacy`.")
    if not 0 < share <= 1:
        raise ValueError(
            f"The share of the corpus {path} must be above 0 and at most 1, got {share}."
        )
    reader = partial(read_corpus, path=Path(path), limit=limit, share=share, seed=seed)
    return partial(_with_gold_entities, read=reader, path=path) if gold_entities else reader


def read_corpus(
    nlp: Language, *, path: Path, limit: int = 0, share: float = 1.0, seed: int = 0
) -> Iterator[Example]:
    """Read docs with entities and relations.

    nlp (Language): The pipeline that tokenizes the texts again.
    path (Path): A .spacy file, or a folder of .spacy files.
    limit (int): The maximum number of docs to read; 0 for all.
    share (float): The probability of each doc to be read.
    seed (int): The seed of this selection.
    YIELDS (Example): The examples.
    RAISES (ValueError): If there are no .spacy files, a file is damaged, no doc has a text, or no
        doc has relations and a component predicts them.
    """
    if not path.exists():
        raise ValueError(
            f"Can't find the corpus {path}: no such file or folder. Set its path in the config, or "
            "by --paths.train and --paths.dev."
        )
    if path.suffix != FILE_TYPE and not any(path.rglob(f"*{FILE_TYPE}")):
        raise ValueError(
            f"The corpus {path} must be a {FILE_TYPE} file or a folder of {FILE_TYPE} files. Use "
            "`spacy-str-encoder convert` to create them from other formats."
        )
    if not any(map(len, _read_docs(path, nlp.vocab))):
        raise ValueError(
            f"The corpus {path} has no texts, so nothing can be learned or scored. Choose another "
            "file, or convert the annotations again."
        )
    for _, component in nlp.pipeline:
        if hasattr(component, "resume"):
            component.resume(nlp)
    predicted = {name for each in nlp.pipe_names for name in nlp.get_pipe_meta(each).assigns}
    if RELATIONS in predicted and not _has_any_relations(_read_docs(path, nlp.vocab)):
        raise ValueError(
            f"The corpus {path} has entities, but {RELATIONS} is not set on any doc. Set it on "
            "every annotated doc ([] if there are none), and save the DocBin with "
            "store_user_data=True."
        )
    random = Random(seed)
    examples = Corpus(path).make_examples(nlp, _read_docs(path, nlp.vocab))
    drawn = (example for example in examples if random.random() < share)
    yield from islice(drawn, limit or None)


def _read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    lost = 0
    for file in walk_corpus(path, FILE_TYPE):
        for number, doc in enumerate(read_docbin(file, vocab), start=1):
            lost += len(adopt_rel(doc).lost)
            yield set_place(doc, file, number)
    if lost:
        _warn_once(
            f"Relations in doc._.rel of the corpus {path} between tokens of which one is the start "
            f"of no entity ({lost}) are left out."
        )


def _with_gold_entities(nlp: Language, *, read: Reader, path: Path) -> Iterator[Example]:
    lost = 0
    for example in read(nlp):
        put_gold_entities(example)
        lost += count_lost_entities(example)
        yield example
    if lost:
        _warn_once(
            f"The corpus {path} is read with gold entities. Those that do not align with the "
            f"tokens of the pipeline ({lost}) are left out, and their relations count as missed."
        )


@cache
def _warn_once(message: str) -> None:
    # Training reads the corpus again for each epoch and evaluation.
    warnings.warn(message, stacklevel=3)


def _has_any_relations(docs: Iterable[Doc]) -> bool:
    has_entities = False
    for doc in docs:
        if has_relations(doc):
            return True
        has_entities = has_entities or len(doc.ents) > 0 or any(doc.spans.values())
    return not has_entities
