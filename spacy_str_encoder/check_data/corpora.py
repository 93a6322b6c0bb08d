"""The corpora that a config names."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from spacy.language import Language
from spacy.training import Example
from spacy.util import dot_to_object, resolve_dot_names


def find_path(nlp: Language, corpus: str) -> Path | None:
    """Find the path of a corpus.

    nlp (Language): The pipeline.
    corpus (str): The dotted name of the corpus, such as `corpora.train`.
    RETURNS (Path | None): The path; None if its reader has none.
    """
    settings = dot_to_object(nlp.config.interpolate(), corpus)
    path = settings.get("path") if isinstance(settings, Mapping) else None
    return None if path is None else Path(path)


def read(nlp: Language, corpus: str) -> Iterator[Example]:
    """Read a corpus.

    nlp (Language): The pipeline.
    corpus (str): The dotted name of the corpus.
    YIELDS (Example): Its examples.
    """
    [reader] = resolve_dot_names(nlp.config.interpolate(), [corpus])
    yield from reader(nlp)
