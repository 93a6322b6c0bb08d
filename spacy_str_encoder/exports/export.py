"""An export: writes annotated docs in a form that a database takes."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language

from ..doc.origin import AnnotatedDocs

RECORDS = "records, which this format can't hold"
SCORES = "scores of {kind}, which this format can't hold"


@dataclass
class Reported:
    """Losses and choices in a part.

    lost (Counter[str]): The number of losses by reason, a plural noun phrase.
    chosen (Counter[str]): The number of choices by reason.
    """

    lost: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)


# Writes docs, with the origin of each text, to a file or folder that does not exist yet. The other
# arguments are the pipeline that annotated them, its name, version and hash, and the date of the
# run.
Write = Callable[[Path, AnnotatedDocs, Language, str, str], Reported]
# Numbers what is in a part on from the last numbers of the parts before it, and returns the last
# ones of this part.
Number = Callable[[Path, Mapping[str, int]], dict[str, int]]


@dataclass(frozen=True)
class Export:
    """A form that a database takes.

    name (str): The name of the format.
    suffix (str): The suffix of a file; empty for a folder.
    write (Callable[[Path, AnnotatedDocs, Language, str, str], Reported]): Writes docs.
    check (Callable[[Language], None]): Checks before anything is annotated that the pipeline has
        what is needed (ValueError), and that libraries are installed (ImportError).
    is_dated (bool): Whether the date of the run is written.
    number (Callable[[Path, Mapping[str, int]], dict[str, int]] | None): Numbers what is in a part,
        once all parts before it are complete; None if nothing is numbered.
    """

    name: str
    suffix: str
    write: Write
    check: Callable[[Language], None] = lambda nlp: None
    is_dated: bool = False
    number: Number | None = None
