"""Tags of tokens, such as B-PER and O, and the entities that they stand for."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..annotated_text import AnnotationError

# The letters of BIO, and of BIOES with its other names BILUO (spaCy) and BMES (Chinese corpora).
PREFIXES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}
TAG = re.compile(rf"O|([{''.join(PREFIXES)}])-(.+)", re.DOTALL)
BIO, IOB1, BIOES, BIOS = "BIO", "IOB1", "BIOES", "BIOS"


class Tag(NamedTuple):
    """Letter of BIOES (or O), and label."""

    prefix: str
    label: str


def parse_tag(tag: str) -> Tag:
    """Parse a tag.

    tag (str): The tag.
    RETURNS (Tag): The letter and the label; the label of O is empty.
    RAISES (AnnotationError): If it is not a tag.
    """
    match = TAG.fullmatch(tag)
    if match is None:
        letters = ", ".join(PREFIXES)
        raise AnnotationError(
            f"the last column must be O, or one of {letters} with a label, such as B-PER; got "
            f"{tag!r}"
        )
    return Tag(PREFIXES[match[1]], match[2]) if match[1] else Tag("O", "")


def find_chunks(tags: Sequence[Tag]) -> Iterator[tuple[int, int]]:
    """Find the entities of a sentence. Any sequence of tags has a reading, that of conlleval
    (https://www.cnts.ua.ac.be/conll2003/ner/).

    tags (Sequence[Tag]): The tags of its tokens.
    YIELDS (tuple[int, int]): The first token of each entity, and the one after the last.
    """
    start = 0
    for i, tag in enumerate([*tags, Tag("O", "")]):
        if i and not _continues(tags[i - 1], tag):
            if tags[start].label:
                yield start, i
            start = i


def _continues(before: Tag, tag: Tag) -> bool:
    return tag.prefix in "IE" and before.prefix in "BI" and tag.label == before.label


def find_scheme(sentences: Iterable[Sequence[Tag]]) -> str:
    """Find the scheme of a file. If it may be BIO or IOB1, this is the one that allows more of the
    entities.

    sentences (Iterable[Sequence[Tag]]): The tags of all sentences.
    RETURNS (str): BIO, IOB1, BIOES, or BIOS, which has no letter for the last token.
    """
    sentences = list(sentences)
    prefixes = {tag.prefix for tags in sentences for tag in tags}
    if prefixes & {"E", "S"}:
        return BIOES if "E" in prefixes else BIOS
    chunks = [(tags, chunk) for tags in sentences for chunk in find_chunks(tags)]
    allowed = {
        scheme: sum(is_valid(tags, chunk, scheme) for tags, chunk in chunks)
        for scheme in (BIO, IOB1)
    }
    return max(allowed, key=lambda scheme: allowed[scheme])


def is_valid(tags: Sequence[Tag], chunk: tuple[int, int], scheme: str) -> bool:
    """Check the tags of an entity.

    tags (Sequence[Tag]): The tags of its sentence.
    chunk (tuple[int, int]): Its first token, and the one after its last.
    scheme (str): The scheme.
    RETURNS (bool): Whether the scheme allows them.
    """
    start, end = chunk
    length = end - start
    if scheme == IOB1:
        # B only separates an entity from the one before.
        follows = start > 0 and tags[start - 1].label == tags[start].label
        expected = ("B" if follows else "I") + "I" * (length - 1)
    elif scheme in (BIOES, BIOS) and length == 1:
        expected = "S"
    else:
        expected = f"B{'I' * (length - 2)}E" if scheme == BIOES else "B" + "I" * (length - 1)
    return "".join(tag.prefix for tag in tags[start:end]) == expected
