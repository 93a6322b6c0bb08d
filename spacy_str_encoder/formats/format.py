"""Definition of an annotation format."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .annotated_text import AnnotatedText
from .report import ConversionReport

Read = Callable[[Path, ConversionReport], Iterator[AnnotatedText]]
Write = Callable[[Iterable[AnnotatedText], Path, ConversionReport], None]


@dataclass(frozen=True)
class ReadOptions:
    """Settings for formats that can be read in more than one way.

    events (bool): Whether to read the arguments of events as relations (brat).
    unannotated_empty (bool): Whether an empty file of annotations belongs to an unannotated text
        (brat).
    text_field (str | None): The field of the data with the text (Label Studio); detected if None.
    predictions (bool): Whether to read the predictions of a model: in place of annotations (Label
        Studio), or with their scores (brat and UIMA, which do not say who annotated a text).
    all_texts (bool): Whether to read tasks without an annotation too, as unannotated texts (Label
        Studio).
    """

    events: bool = False
    unannotated_empty: bool = False
    text_field: str | None = None
    predictions: bool = False
    all_texts: bool = False


DEFAULT_OPTIONS = ReadOptions()
# The option of the command line that sets each, and the formats it is for.
OPTIONS = {
    "events": ("--events", ["brat"]),
    "unannotated_empty": ("--empty-ann", ["brat"]),
    "text_field": ("--text-field", ["label-studio"]),
    "predictions": ("--predictions", ["label-studio", "brat", "uima"]),
}


def check_options(options: ReadOptions, names: Collection[str]) -> None:
    """Check that each setting is for the format of some input.

    options (ReadOptions): The settings.
    names (Collection[str]): The names of the formats of the inputs.
    RAISES (ValueError): If a setting would be ignored.
    """
    for field, (option, allowed) in OPTIONS.items():
        is_set = getattr(options, field) != getattr(DEFAULT_OPTIONS, field)
        if is_set and not {*allowed} & {*names}:
            raise ValueError(
                f"{option} requires an input in the format {' or '.join(allowed)}, got "
                f"{', '.join(dict.fromkeys(names))}"
            )


@dataclass(frozen=True)
class Format:
    """File format for annotated texts.

    name (str): The name on the command line.
    description (str): A short description.
    suffix (str): The suffix of its files; empty if the format is a folder.
    recognizes (Callable[[Path, Any], bool]): Function that tells if a file may be in this format.
        It gets the path, and the first text if the file holds JSON (else None).
    read (Callable[[Path, ConversionReport], Iterator[AnnotatedText]]): Function that reads a file.
    write (Callable[[Iterable[AnnotatedText], Path, ConversionReport], None] | None): Function that
        writes a file. The file must not exist yet. None if the format can only be read.
    needs_tokens (bool): Whether texts must have tokens to be written.
    keeps_unannotated (bool): Whether the format distinguishes texts with unannotated relations from
        texts without relations.
    keeps_missing_entities (bool): Whether the format distinguishes texts with unannotated entities
        from texts without entities.
    keeps_attributes (bool): Whether the format holds attributes of entities.
    keeps_missing_attributes (bool): Whether the format distinguishes entities with unannotated
        attributes from entities without attributes.
    holds_docs (bool): Whether the format is that of docs: overlapping entities need a span group.
    keeps_source (bool): Whether the format holds all of the doc that a text was read from.
    keeps_scores (Collection[str]): The probabilities that the format holds: those of "entities",
        "relations" or "attributes".
    keeps_identifiers (bool): Whether the format holds identifiers of entities.
    """

    name: str
    description: str
    suffix: str
    recognizes: Callable[[Path, Any], bool]
    read: Read
    write: Write | None = None
    needs_tokens: bool = False
    keeps_unannotated: bool = False
    keeps_missing_entities: bool = False
    keeps_attributes: bool = False
    keeps_missing_attributes: bool = False
    holds_docs: bool = False
    keeps_source: bool = False
    keeps_scores: Collection[str] = ()
    keeps_identifiers: bool = False

    @property
    def confuses_missing_attributes(self) -> bool:
        """RETURNS (bool): Whether the format holds attributes, but does not distinguish unannotated
        ones from none.
        """
        return self.keeps_attributes and not self.keeps_missing_attributes

    def require_write(self) -> Write:
        """Return the function that writes a file.

        RETURNS (Callable): The function.
        RAISES (ValueError): If the format can only be read.
        """
        if self.write is None:
            raise ValueError(
                f"the format '{self.name}' can only be read; set another one with --to"
            )
        return self.write
