"""Refuse a conversion that loses most of the entities."""

from collections import Counter

from .brat.lines import DISCONTINUOUS
from .entities import INVISIBLE, MISALIGNED, NOT_IN_GROUP, OVERLAPPING
from .report import ConversionReport
from .writer import CHINESE

# Entities lost in reading, which are not among those that are counted in writing.
IN_READING = (DISCONTINUOUS, INVISIBLE, NOT_IN_GROUP)
ALLOW = "--allow-loss leaves them out"


def check_loss(report: ConversionReport, *, lang: str | None, flat: bool) -> None:
    """Check that no more than half of all entities are lost.

    report (ConversionReport): The report of the whole conversion.
    lang (str | None): The language of texts without tokens.
    flat (bool): Whether to ignore overlapping entities, which users asked to leave out.
    RAISES (ValueError): If more are lost, with the share, and a likely remedy.
    """
    reasons = (*IN_READING, MISALIGNED) if flat else (*IN_READING, MISALIGNED, OVERLAPPING)
    losses, lost = report.losses, Counter({reason: report.losses[reason] for reason in reasons})
    total = report.entities + sum(losses[reason] for reason in IN_READING)
    if 2 * lost.total() <= total:
        return
    [(reason, count)] = lost.most_common(1)
    if reason == MISALIGNED:
        problem = f"{_share(count, total)} of the entities do not align with words"
        raise ValueError(f"{problem}: {_explain_tokens(report, lang)}; {ALLOW}")
    share = _share(lost.total(), total)
    raise ValueError(f"{share} of the entities would be lost, most of them {reason}; {ALLOW}")


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %"


def _explain_tokens(report: ConversionReport, lang: str | None) -> str:
    if CHINESE.format(lang=lang) in report.chosen:
        return f"the language is {lang}, the text looks Chinese; use --lang zh"
    expand = "`convert --alignment expand` moves them to the borders of words"
    if lang is None:
        return f"the words are the tokens of the input; {expand}"
    return f"the language is {lang}; use another --lang if it is wrong; {expand}"
