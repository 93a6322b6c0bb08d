"""The report for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from ...doc.plurals import count_noun
from ...evaluation.tables import lay_out as lay_out_scores
from ...tables import make_table
from .comparison import Case
from .report import Report

# The JSON report has all kinds of changes, and all examples.
MAX_KINDS = 10


def lay_out(report: Report) -> Iterator[Table | Text]:
    """Lay out what people changed, and what became of the training data.

    report (Report): The report.
    YIELDS (Table | Text): The blocks to print, in order.
    """
    pairs, unchanged = report["pairs"], report["unchanged"]
    corrected = pairs + report["unpaired_corrected"]
    if 2 * pairs < corrected:
        yield Text(
            f"Only {pairs:,} of {count_noun(corrected, 'corrected text')} "
            f"{'was' if pairs == 1 else 'were'} predicted too: scores and corrections say nothing "
            "of the others. Is PREDICTED made of the same texts?",
            style="bold",
        )
    yield Text(
        f"{count_noun(pairs, 'text')} paired by {report['paired_by']}; not paired: "
        f"{report['unpaired_predicted']:,} predicted, {report['unpaired_corrected']:,} corrected"
    )
    yield from lay_out_scores(report["scores"])
    yield Text(
        f"texts without a change: {unchanged:,} of {pairs:,} ({100 * unchanged / pairs:.1f} %)"
    )
    if report["changes"]:
        yield _changes_table(report["changes"])
    yield Text(
        f"{count_noun(report['texts'], 'text')} to train on: {report['replaced']:,} replaced, "
        f"{report['added']:,} added; {report['held_out']:,} left out, since they are held out"
    )


def _changes_table(changes: Mapping[str, list[Case]]) -> Table:
    left = f" ({MAX_KINDS} of {len(changes)})" if len(changes) > MAX_KINDS else ""
    table = make_table(f"Most frequent corrections{left}", ["correction", "example"], ["times"])
    for kind, cases in [*changes.items()][:MAX_KINDS]:
        table.add_row(Text(kind), Text(cases[0]["example"]), f"{len(cases):,}")
    return table
