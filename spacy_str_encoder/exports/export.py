"""An export: writes annotated docs in a form that a database takes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language

from ..doc.origin import AnnotatedDocs

RECORDS = "records, which this format can't hold"


@dataclass
class Reported:
    """Losses and choices in a part.

    lost (Counter[str]): The number of losses by reason, a plural noun phrase.
    chosen (Counter[str]): The number of choices by reason.
    """

    lost: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)


# Writes docs, with the origin of each text, to a file or folder that does not exist yet. The other
# arguments are the pipeline that annotated them, and its name, version and hash.
Write = Callable[[Path, AnnotatedDocs, Language, str], Reported]


@dataclass(frozen=True)
class Export:
    """A form that a database takes.

    name (str): The name of the format.
    suffix (str): The suffix of a file; empty for a folder.
    write (Callable[[Path, AnnotatedDocs, Language, str], Reported]): Writes docs.
    check (Callable[[Language], None]): Checks before anything is annotated that the pipeline has
        what is needed (ValueError), and that libraries are installed (ImportError).
    """

    name: str
    suffix: str
    write: Write
    check: Callable[[Language], None] = lambda nlp: None
