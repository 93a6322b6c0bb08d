"""Split texts into those for training and held-out ones."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..formats.annotated_text import AnnotatedText
from ..formats.raw_texts import read_raw_texts
from ..formats.report import ConversionReport
from ..formats.split import split_texts


def hold_out(
    texts: list[AnnotatedText],
    held_out: str,
    *,
    seed: int,
    report: ConversionReport,
    text_field: str = "text",
) -> tuple[list[AnnotatedText], list[AnnotatedText]]:
    """Split texts into those for training and those for measuring perplexity.

    texts (list[AnnotatedText]): All texts.
    held_out (str): The share to hold out, such as "0.05", or a file of other texts.
    seed (int): The seed of the split.
    report (ConversionReport): The report, to count texts that are left out of training because the
        held-out file contains them.
    text_field (str): The field, or column, of the text in a file of other texts.
    RETURNS (tuple[list[AnnotatedText], list[AnnotatedText]]): The texts for training and the
        held-out texts. No text is in both.
    RAISES (ValueError): If `held_out` is neither a share nor a file, or one part would be empty.
    """
    share = _parse_share(held_out)
    if share is not None:
        parts = split_texts(texts, {"train": 1 - share, "held-out": share}, seed=seed)
        return parts["train"], parts["held-out"]
    kept_apart = read_raw_texts([Path(held_out)], report, text_field=text_field)
    kept = list(_without_repeats(texts, {annotated.text for annotated in kept_apart}, report))
    if not kept:
        raise ValueError(f"{held_out}: contains all texts, so that none are left for training")
    return kept, kept_apart


def _parse_share(held_out: str) -> float | None:
    try:
        share = float(held_out)
    except ValueError:
        return None
    if not 0 < share < 1:
        raise ValueError(f"held-out ({held_out}) must be a file, or a share above 0 and below 1")
    return share


def _without_repeats(
    texts: Iterable[AnnotatedText], held_out: set[str], report: ConversionReport
) -> Iterator[AnnotatedText]:
    for annotated in texts:
        if annotated.text in held_out:
            report.lose_other(
                "texts that are also held out", annotated.place, repr(annotated.text[:40])
            )
        else:
            yield annotated
