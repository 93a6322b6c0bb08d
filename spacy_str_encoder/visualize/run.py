"""Views of the predictions of a pipeline."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..doc.min_scores import ScoreFilter
from ..evaluation.examples import with_predicted_entities
from ..evaluation.runs import Track, no_track
from ..formats.raw_texts import is_text_file, read_raw_texts
from ..formats.report import ConversionReport
from ..loading import default_values, entity_group, relation_setting
from .views import DocView, compare_docs, view_doc


def read_texts(source: str, report: ConversionReport, *, text_field: str = "text") -> list[str]:
    """Read texts.

    source (str): A text, or a file of texts as in `formats.raw_texts`.
    report (ConversionReport): Counts the texts that are left out.
    text_field (str): The field, or column, of the text in a file.
    RETURNS (list[str]): The texts.
    RAISES (ValueError): If the source is the name of a file that does not exist or can't be read.
    """
    if not is_path(source):
        return [source]
    return [raw.text for raw in read_raw_texts([Path(source)], report, text_field=text_field)]


def is_path(source: str) -> bool:
    """Distinguish the name of a file from a text.

    source (str): A text, or the name of a file.
    RETURNS (bool): Whether the source is a name: it exists, or has the suffix of a file of texts.
    """
    try:
        return is_text_file(Path(source)) or Path(source).exists()
    except OSError:
        # The text is too long to be a name.
        return False


def view_texts(
    nlp: Language,
    texts: Sequence[str],
    *,
    low: ScoreFilter | None = None,
    track: Track = no_track,
) -> list[DocView]:
    """View the predictions of a pipeline.

    nlp (Language): The pipeline.
    texts (Sequence[str]): The texts.
    low (ScoreFilter | None): Leaves out predictions with low scores.
    track (Track): Shows the progress.
    RETURNS (list[DocView]): The views, in the order of the texts.
    """
    spans_key, defaults = entity_group(nlp), default_values(nlp)
    docs = map(low or _keep_all, track(nlp.pipe(texts), "Predicting", len(texts)))
    return [view_doc(doc, spans_key=spans_key, defaults=defaults) for doc in docs]


def view_differences(
    nlp: Language,
    gold: Sequence[Doc],
    *,
    low: ScoreFilter | None = None,
    track: Track = no_track,
) -> list[DocView]:
    """View the differences between the predictions of a pipeline and gold docs.

    nlp (Language): The pipeline.
    gold (Sequence[Doc]): The gold docs.
    low (ScoreFilter | None): Leaves out predictions with low scores.
    track (Track): Shows the progress.
    RETURNS (list[DocView]): The views with their numbers, the worst first.
    """
    symmetric = relation_setting(nlp, "symmetric") or ()
    compare = partial(
        compare_docs,
        symmetric=symmetric,
        spans_key=entity_group(nlp),
        defaults=default_values(nlp),
    )
    examples = track(with_predicted_entities(nlp, gold), "Predicting", len(gold))
    drop = low or _keep_all
    return sort_views(compare(drop(each.predicted), each.reference) for each in examples)


def _keep_all(doc: Doc) -> Doc:
    return doc


def sort_views(views: Iterable[DocView]) -> list[DocView]:
    """Number views and sort them, the worst first.

    views (Iterable[DocView]): The views of compared docs.
    RETURNS (list[DocView]): The views, those with the most errors per gold annotation first, and
        among equals, those with the most errors.
    """
    numbered = [replace(view, number=number) for number, view in enumerate(views, start=1)]
    return sorted(numbered, key=lambda view: (-view.error_rate, -view.errors))
