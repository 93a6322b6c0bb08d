"""Merge corrected texts into old training data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...doc.relation import SCORES
from ...doc.user_data import drop_values
from ...formats.annotated_text import AnnotatedEntity, AnnotatedText
from ...formats.fields import other_fields
from ...formats.label_studio.reader import KEPT
from ...formats.report import ConversionReport
from ...formats.source_doc import SourceDoc
from .changes import find_changes
from .pairing import get_id, get_key, is_same, match, show_both, unify

BOTH_KEPT = "ids of corrected texts with another text in the old data, which both are kept"
TWICE = "texts that were corrected several times, differently, which are all kept"
HELD_OUT = "texts that are held out"
HELD_OUT_ID = "texts with the id of a held-out text"
UNREPLACED = "{} of old texts, which are unannotated in the corrected ones"


@dataclass(frozen=True)
class Merged:
    """Training data.

    texts (list[AnnotatedText]): The texts: the old ones in their order, then those added.
    replaced (int): The number of old texts that were replaced.
    added (int): The number of texts that were added.
    held_out (int): The number of texts that were left out, since they are held out.
    """

    texts: list[AnnotatedText]
    replaced: int
    added: int
    held_out: int


def merge(
    corrected: Sequence[AnnotatedText],
    old: Sequence[AnnotatedText],
    held_out: Iterable[AnnotatedText],
    report: ConversionReport,
) -> Merged:
    """Replace old texts by corrected ones, and add the others. Of a text that occurs several times,
    the one with the same id is replaced, or else the first.

    corrected (Sequence[AnnotatedText]): The corrected texts.
    old (Sequence[AnnotatedText]): The old training data.
    held_out (Iterable[AnnotatedText]): The texts to leave out, of dev and test data.
    report (ConversionReport): The report, to count what is left out, ids whose texts differ, and
        texts that were corrected several times.
    RETURNS (Merged): The texts, without the scores of predictions.
    """
    held_out = [*held_out]
    new = _leave_out(corrected, held_out, report)
    texts = _leave_out(old, held_out, report)
    _report_contradictions(new, report)
    left_out = len(corrected) + len(old) - len(new) - len(texts)
    places = _find_old(new, texts)
    _report_other_texts([each for i, each in enumerate(new) if i not in places], texts, report)
    added = [each for i, each in enumerate(new) if i not in places]
    for i, j in places.items():
        _report_unannotated(texts[j], new[i], report)
        texts[j] = new[i]
    merged = [*map(_without_scores, [*texts, *added])]
    return Merged(merged, len(places), len(added), left_out)


def _leave_out(
    texts: Iterable[AnnotatedText], held_out: Iterable[AnnotatedText], report: ConversionReport
) -> list[AnnotatedText]:
    by_key = {get_key(each) for each in held_out}
    by_id = {get_id(each): each for each in held_out}
    by_id.pop(None, None)
    kept = []
    for annotated in texts:
        if get_key(annotated) in by_key:
            report.lose_other(HELD_OUT, annotated.place, "")
        elif (other := by_id.get(get_id(annotated))) is not None:
            report.lose_other(HELD_OUT_ID, annotated.place, show_both(other, annotated))
        else:
            kept.append(annotated)
    return kept


def _report_contradictions(new: Iterable[AnnotatedText], report: ConversionReport) -> None:
    """Report texts that occur several times with other annotations. Who is right is not known."""
    first: dict[str, AnnotatedText] = {}
    for annotated in new:
        one = first.setdefault(get_key(annotated), annotated)
        if (change := next(find_changes(unify(one), unify(annotated)), None)) is not None:
            kind, example = change
            report.choose(TWICE, annotated.place, f"unlike {one.place}: {kind}: {example}")


def _find_old(new: Sequence[AnnotatedText], old: Sequence[AnnotatedText]) -> dict[int, int]:
    """Find the old text of each new one, if there is any: one with the same id first."""
    places = dict(match(_get_id_and_key, new, old))
    left = [i for i in range(len(new)) if i not in places]
    free = [j for j in range(len(old)) if j not in {*places.values()}]
    found = match(get_key, [new[i] for i in left], [old[j] for j in free])
    return places | {left[i]: free[j] for i, j in found}


def _get_id_and_key(annotated: AnnotatedText) -> tuple[str, str] | None:
    found = get_id(annotated)
    return None if found is None else (found, get_key(annotated))


def _report_other_texts(
    added: Iterable[AnnotatedText], old: Iterable[AnnotatedText], report: ConversionReport
) -> None:
    by_id = {get_id(each): each for each in old}
    for annotated in added:
        other = by_id.get(get_id(annotated))
        if get_id(annotated) is not None and other is not None and not is_same(other, annotated):
            report.choose(BOTH_KEPT, annotated.place, show_both(other, annotated))


def _report_unannotated(old: AnnotatedText, new: AnnotatedText, report: ConversionReport) -> None:
    if old.relations and not new.has_relations:
        case = f"{len(old.relations)} of {old.place}"
        report.lose(UNREPLACED.format("relations"), new.place, case)
    attributes = sum(len(entity.attributes or {}) for entity in old.entities)
    if attributes and new.entities and all(each.attributes is None for each in new.entities):
        report.lose(UNREPLACED.format("attributes"), new.place, f"{attributes} of {old.place}")


def _without_scores(annotated: AnnotatedText) -> AnnotatedText:
    # What Label Studio says of a task holds its predictions.
    return replace(
        annotated,
        entities=[
            AnnotatedEntity(*each.place, attributes=each.attributes) for each in annotated.entities
        ],
        relations=[
            replace(each, score=None, score_given_entities=None) for each in annotated.relations
        ],
        meta=other_fields(annotated.meta, (KEPT,)),
        source=annotated.source and _drop_scores(annotated.source),
    )


def _drop_scores(source: SourceDoc) -> SourceDoc:
    doc = source.doc.copy()
    drop_values(doc, SCORES)
    return replace(source, doc=doc)
