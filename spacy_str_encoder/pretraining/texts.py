"""Which texts to train on, and which to measure perplexity with."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..formats.annotated_text import AnnotatedText
from ..formats.raw_texts import read_raw_texts
from ..formats.report import ConversionReport
from ..formats.split import split_texts


def hold_out(
    texts: list[AnnotatedText], held_out: str, *, seed: int, report: ConversionReport
) -> tuple[list[AnnotatedText], list[AnnotatedText]]:
    """Divide texts into those to train on and those to measure perplexity with.

    texts (list[AnnotatedText]): All texts.
    held_out (str): The share that is held out, such as "0.05", or a file of other texts.
    seed (int): The seed of the choice.
    report (ConversionReport): Counts the texts that are left out since they are held out too.
    RETURNS (tuple[list[AnnotatedText], list[AnnotatedText]]): The texts to train on, and those held
        out. No text is in both.
    RAISES (ValueError): If it is neither a share nor a file, or one of the two would be empty.
    """
    share = _parse_share(held_out)
    if share is not None:
        parts = split_texts(texts, {"train": 1 - share, "held-out": share}, seed=seed)
        return parts["train"], parts["held-out"]
    kept_apart = read_raw_texts([Path(held_out)], report)
    kept = list(_without_repeats(texts, {annotated.text for annotated in kept_apart}, report))
    if not kept:
        raise ValueError(f"{held_out}: all texts are held out, and there is none to train on")
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
            report.lose("texts that are held out too", annotated.place, repr(annotated.text[:40]))
        else:
            yield annotated
