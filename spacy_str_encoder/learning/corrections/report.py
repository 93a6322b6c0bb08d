"""The report: what people changed, and what the training data have become, as plain data."""

from typing import TypedDict

from ...evaluation.report import Report as Scores
from .comparison import Case, Comparison
from .merging import Merged
from .pairing import Pairing


class Report(TypedDict):
    """The output of the command `corrections`.

    paired_by (str): Whether texts were paired by "id" or by "text".
    pairs (int): The number of pairs.
    unpaired_predicted (int): The number of predicted texts that were not paired.
    unpaired_corrected (int): The number of corrected texts that were not paired.
    unchanged (int): The number of pairs without a change.
    scores (Scores): The scores of the model with the corrected texts as gold, as `evaluate` writes
        them.
    changes (dict[str, list[Case]]): The changes by their kind, the most frequent kinds first.
    texts (int): The number of texts of the new training data.
    replaced (int): The number of old texts that were replaced by corrected ones.
    added (int): The number of corrected texts that were added.
    held_out (int): The number of texts that were left out, since they are held out.
    spans_key (str | None): The span group that docs have because entities overlap.
    """

    paired_by: str
    pairs: int
    unpaired_predicted: int
    unpaired_corrected: int
    unchanged: int
    scores: Scores
    changes: dict[str, list[Case]]
    texts: int
    replaced: int
    added: int
    held_out: int
    spans_key: str | None


def make_report(
    pairing: Pairing, comparison: Comparison, merged: Merged, spans_key: str | None
) -> Report:
    """Make the report.

    pairing (Pairing): The predicted and the corrected texts.
    comparison (Comparison): What people changed.
    merged (Merged): The new training data.
    spans_key (str | None): The span group that docs have because entities overlap.
    RETURNS (Report): The report.
    """
    return {
        "paired_by": pairing.by,
        "pairs": len(pairing.pairs),
        "unpaired_predicted": pairing.predicted,
        "unpaired_corrected": pairing.corrected,
        "unchanged": comparison.unchanged,
        "scores": comparison.scores,
        "changes": comparison.changes,
        "texts": len(merged.texts),
        "replaced": merged.replaced,
        "added": merged.added,
        "held_out": merged.held_out,
        "spans_key": spans_key,
    }
