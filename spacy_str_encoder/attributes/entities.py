"""Entities whose attributes are to be found."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Span


@dataclass(frozen=True)
class DocEntities:
    """Entities of a doc.

    doc (Doc): The doc.
    entities (Sequence[Span]): The entities.
    """

    doc: Doc
    entities: Sequence[Span]

    def __len__(self) -> int:
        return len(self.entities)
