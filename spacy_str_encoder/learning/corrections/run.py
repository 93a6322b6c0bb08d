"""From files of predicted and of corrected texts to a file of training data."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from spacy.language import Language

from ...doc.entities import SPANS_KEY
from ...files.docbin import SUFFIX
from ...files.whole import check_outputs
from ...formats.annotated_text import AnnotatedText
from ...formats.docs import make_tokenizer
from ...formats.entities import has_overlaps
from ...formats.format import ReadOptions
from ...formats.label_studio.annotation import PREDICTED
from ...formats.label_studio.annotation import UNANNOTATED as UNSUBMITTED
from ...formats.loss_share import check_loss
from ...formats.registry import all_formats
from ...formats.report import ConversionReport
from ...formats.targets import DEFAULT, choose_target, is_file_of
from ...formats.texts import read_texts
from ...formats.writer import TextWriter
from .comparison import compare
from .held_out import read_held_out
from .merging import merge
from .pairing import Pairing, pair_texts
from .report import Report, make_report

FILE = f"train{SUFFIX}"
UNANNOTATED = "corrected texts without any annotation"
OF_TASKS = (PREDICTED, UNSUBMITTED)
PREDICTIONS = ReadOptions(predictions=True)


@dataclass(frozen=True)
class Settings:
    """Settings of corrections.

    gold (Path | None): The old training data; None if the corrected texts are all there is.
    held_out (Sequence[Path]): Dev and test data, whose texts are not to be trained on.
    lang (str | None): The language of texts without tokens.
    spans_key (str | None): The span group of docs for all entities. If None, docs have "sc" if any
        entities overlap.
    no_unannotated (bool): Whether corrected texts with unannotated relations have none.
    allow_loss (bool): Whether more than half of all entities may be lost.
    """

    gold: Path | None = None
    held_out: Sequence[Path] = ()
    lang: str | None = None
    spans_key: str | None = None
    no_unannotated: bool = False
    allow_loss: bool = False


def learn_corrections(
    predicted: Path,
    corrected: Path,
    output: Path,
    settings: Settings,
    conversion: ConversionReport,
    *,
    others: Sequence[Path] = (),
) -> tuple[Path, Report]:
    """Say what people changed, and write training data with the corrected texts.

    predicted (Path): The texts as a model annotated them: a file or folder in any format.
    corrected (Path): The texts as people corrected them.
    output (Path): The .spacy file to write, or a folder for "train.spacy".
    settings (Settings): The settings.
    conversion (ConversionReport): The report, to count losses, choices and invalid texts.
    others (Sequence[Path]): Other files that will be written.
    RETURNS (tuple[Path, Report]): The file, and the report.
    RAISES (ValueError): If something can't be read or written, no corrected text is annotated or
        among the predicted ones, no text is left to train on, or more than half of the entities
        would be lost.
    """
    nlp = make_tokenizer(settings.lang)
    target = _find_target(output, nlp)
    gold = [] if settings.gold is None else [settings.gold]
    check_outputs([target, *others], [predicted, corrected, *gold, *settings.held_out])
    read = partial(read_texts, nlp=nlp, report=conversion, spans_key=settings.spans_key)
    said = [*read(predicted, options=PREDICTIONS, no_missing_entities=True, no_unannotated=True)]
    # Where people have left no entity, there is none.
    found = read(corrected, annotated_entities=True, no_unannotated=settings.no_unannotated)
    new = _require_annotated(found, corrected, conversion)
    pairing = pair_texts(said, new, conversion)
    _require_pairs(pairing, predicted, corrected)
    old = [*chain.from_iterable(map(read, gold))]
    held_out = read_held_out(settings.held_out, nlp, conversion, spans_key=settings.spans_key)
    merged = merge(new, old, held_out, conversion)
    if not merged.texts:
        raise ValueError(f"{corrected}: all texts are held out; nothing is written")
    key = settings.spans_key or _find_group([*old, *merged.texts])
    overlaps = any(map(has_overlaps, merged.texts))
    report = make_report(pairing, compare(pairing.pairs), merged, key if overlaps else None)
    writer = TextWriter(all_formats(nlp, spans_key=key)[DEFAULT], nlp, conversion)
    _write(merged.texts, target, writer, settings)
    return target, report


def _find_target(output: Path, nlp: Language) -> Path:
    formats = all_formats(nlp)
    target = choose_target(DEFAULT, output, formats)
    return output if is_file_of(target, output, formats) else output / FILE


def _require_annotated(
    texts: Iterable[AnnotatedText], path: Path, report: ConversionReport
) -> list[AnnotatedText]:
    annotated, before = [], report.losses
    for each in texts:
        if each.has_entities:
            annotated.append(each)
        else:
            report.lose_other(UNANNOTATED, each.place, "")
    if not annotated:
        left_out = report.losses - before
        raise ValueError(
            f"{path}: there must be annotated texts, got none{_advise_on_missing(left_out)}"
        )
    return annotated


def _advise_on_missing(left_out: Counter[str]) -> str:
    if UNANNOTATED in left_out:
        return "; if the texts have no entities, convert them with `convert --entities none`"
    listed = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    advice = "; submit them in Label Studio" if left_out.keys() & {*OF_TASKS} else ""
    return f"; left out: {listed}{advice}" if listed else ""


def _require_pairs(pairing: Pairing, predicted: Path, corrected: Path) -> None:
    if not pairing.pairs:
        raise ValueError(
            f"{predicted} and {corrected} must have texts in common, got none "
            f"({pairing.predicted} predicted and {pairing.corrected} corrected texts, compared by "
            f"{pairing.by}); nothing is written"
        )


def _write(
    texts: Iterable[AnnotatedText], target: Path, writer: TextWriter, settings: Settings
) -> None:
    with ExitStack() as files:
        writer.begin(texts, target, files)
        if not settings.allow_loss:
            check_loss(writer.report, lang=settings.lang, flat=False)


def _find_group(texts: Iterable[AnnotatedText]) -> str | None:
    """Choose the span group: if any text was read from one, or has entities that overlap."""
    return SPANS_KEY if any(map(_needs_group, texts)) else None


def _needs_group(annotated: AnnotatedText) -> bool:
    had_group = annotated.source is not None and annotated.source.spans_key is not None
    return had_group or has_overlaps(annotated)
