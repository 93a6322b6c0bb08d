"""Rows of NOTE_NLP: one for each entity of a doc."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span

from ...doc.codes import get_codes
from ..export import Reported
from ..statements import Reading, Statement, count_scores, count_unknown, read_statements
from .columns import LEXICAL_VARIANT, MAX_INTEGER, NLP_SYSTEM, NO_CONCEPT, SNIPPET
from .modifiers import join_modifiers, list_modifiers

# Characters on each side of a term.
CONTEXT = 50
YES, NO = "Y", "N"
CODES = "codes and other identifiers that are not used as a concept, which NOTE_NLP can't hold"
UNFIT = f"concepts whose best code is not a whole number up to {MAX_INTEGER:,}, which become 0"
CUT = f"ends of terms after {LEXICAL_VARIANT} characters, which lexical_variant can't hold"
MODIFIERS = "modifiers for which term_modifiers has no room"
NULLS = "spaces for null characters, which databases refuse"
NULL = "\0"


@dataclass(frozen=True)
class Constants:
    """Values that all rows of an archive have in common.

    reading (Reading): How the statements of the pipeline are read.
    system (str): The name, version and hash of the pipeline.
    date (str): The date of the run.
    """

    reading: Reading
    system: str
    date: str


def make_rows(
    doc: Doc, note_id: int, constants: Constants, reported: Reported
) -> Iterator[dict[str, Any]]:
    """Make the rows of a doc.

    doc (Doc): The doc.
    note_id (int): The number of its note.
    constants (Constants): What all rows have in common.
    reported (Reported): Counts what the rows can't hold.
    YIELDS (dict[str, Any]): The values by column, all but `note_nlp_id`.
    """
    common = {
        "note_id": note_id,
        "section_concept_id": NO_CONCEPT,
        "nlp_system": constants.system[:NLP_SYSTEM],
        "nlp_date": constants.date,
        "nlp_datetime": f"{constants.date} 00:00:00",
    }
    statements = [*read_statements(doc, constants.reading)]
    reported.lost.update(count_scores(doc, statements))
    reported.lost.update(count_unknown(statements, constants.reading))
    for statement in statements:
        own = _describe(statement, constants.reading, reported.lost)
        yield {**common, **{name: clean(value, reported.chosen) for name, value in own.items()}}


def _describe(statement: Statement, reading: Reading, lost: Counter[str]) -> dict[str, Any]:
    entity, meanings = statement.entity, statement.meanings
    names = reading.meanings.modifiers
    modifiers, left_out = join_modifiers([*list_modifiers(statement, names)])
    concept, source_concept = _find_concepts(entity, reading, lost)
    lost[CUT] += len(entity.text) > LEXICAL_VARIANT
    lost[MODIFIERS] += left_out
    return {
        "snippet": _cut_snippet(entity),
        "offset": entity.start_char,
        "lexical_variant": entity.text[:LEXICAL_VARIANT],
        "note_nlp_concept_id": concept,
        "note_nlp_source_concept_id": source_concept,
        "term_exists": None if statement.exists is None else YES if statement.exists else NO,
        "term_temporal": next((each for each in ("past", "planned") if each in meanings), None),
        "term_modifiers": modifiers,
    }


def _find_concepts(entity: Span, reading: Reading, lost: Counter[str]) -> tuple[int, int]:
    codes = get_codes(entity) or []
    systems = (reading.meanings.concept_system, reading.meanings.source_concept_system)
    # The best code of a system decides: the next one would be another concept.
    first_of = {each["system"]: each["code"] for each in reversed(codes)}
    best = [first_of.get(system, "") for system in systems]
    fit = [each for each in best if _is_number(each)]
    # The best code stands in `kb_id_` too.
    identifiers = {*(each["code"] for each in codes), entity.kb_id_, entity.id_}
    lost[UNFIT] += len([*filter(None, best)]) - len(fit)
    lost[CODES] += len(identifiers - {"", *best})
    concept, source_concept = (int(each) if each in fit else NO_CONCEPT for each in best)
    return concept, source_concept


def _is_number(code: str) -> bool:
    is_short = len(code) <= len(str(MAX_INTEGER))
    return is_short and code.isdecimal() and code.isascii() and int(code) <= MAX_INTEGER


def _cut_snippet(entity: Span) -> str:
    text, start, end = entity.doc.text, entity.start_char, entity.end_char
    context = max(0, min(CONTEXT, (SNIPPET - (end - start)) // 2))
    return text[max(0, start - context) : end + context][:SNIPPET]


def clean(value: Any, chosen: Counter[str]) -> Any:
    """Replace null characters by spaces.

    value (Any): The value of a cell.
    chosen (Counter[str]): Counts them.
    RETURNS (Any): The value that databases take.
    """
    if not isinstance(value, str) or NULL not in value:
        return value
    chosen[NULLS] += value.count(NULL)
    return value.replace(NULL, " ")
