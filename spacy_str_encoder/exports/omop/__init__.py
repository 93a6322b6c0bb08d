"""NOTE_NLP, the table of terms that were found in notes, of the OMOP Common Data Model 5.4.

Source: https://ohdsi.github.io/CommonDataModel/cdm54.html#note_nlp
"""

from collections import Counter
from pathlib import Path
from typing import Any

from spacy.language import Language

from ...doc.origin import AnnotatedDocs, Origin
from ...files.parquet import to_string
from ..export import Export, Reported
from ..statements import check_meanings, find_reading
from .columns import COLUMNS, MAX_INTEGER
from .rows import Constants, clean, make_rows
from .tables import NOTE_COLUMNS, NOTES, ROWS, number_part, open_table

NUMBERED = (
    "numbers for texts whose identifier is not a whole number; see note_ids.csv in the folder of "
    "each part"
)
SHARED = "texts with the same whole number as another one of their part, as one note"


def write_omop(
    path: Path, docs: AnnotatedDocs, nlp: Language, pipeline: str, date: str
) -> Reported:
    """Write the rows of docs, as a folder of two tables. Numbers count from 1, see `number_part`.

    path (Path): The folder, which must not exist yet.
    docs (Iterable[tuple[dict[str, Any], Doc]]): The docs, with the origin of each text.
    nlp (Language): The pipeline that annotated them.
    pipeline (str): Its name, version and hash.
    date (str): The date of the run.
    RETURNS (Reported): What the rows can't hold, and what was chosen.
    """
    reported, constants = Reported(), Constants(find_reading(nlp), pipeline, date)
    rows = numbered = 0
    known: set[int] = set()
    path.mkdir()
    with (
        open_table(path / ROWS, COLUMNS) as write_row,
        open_table(path / NOTES, NOTE_COLUMNS) as write_note,
    ):
        for origin, doc in docs:
            note_id = read_note_id(origin.get("id"))
            if note_id is None:
                numbered += 1
                reported.chosen[NUMBERED] += 1
                note_id = -numbered
                write_note(_describe_note(note_id, origin, reported.chosen))
            reported.chosen[SHARED] += note_id in known
            known.add(note_id)
            for row in make_rows(doc, note_id, constants, reported):
                rows += 1
                write_row({"note_nlp_id": rows, **row})
    return Reported(+reported.lost, +reported.chosen)


def read_note_id(identifier: Any) -> int | None:
    """Read the number of a note from the identifier of its text.

    identifier (Any): The identifier.
    RETURNS (int | None): The number; None if it is no whole number from 0 that has a place in the
        column, or is written in another way, such as 007.
    """
    written = to_string(identifier) or ""
    # Other digits, and more than 10 of them, would be read too.
    if not (written.isascii() and written.isdecimal() and len(written) <= len(str(MAX_INTEGER))):
        return None
    number = int(written)
    return number if str(number) == written and number <= MAX_INTEGER else None


def _describe_note(note_id: int, origin: Origin, chosen: Counter[str]) -> dict[str, Any]:
    known = {name: origin.get(name) for name in ("source", "number")}
    return {"note_id": note_id, "id": clean(to_string(origin.get("id")), chosen), **known}


OMOP = Export(
    "omop", suffix="", write=write_omop, check=check_meanings, is_dated=True, number=number_part
)
