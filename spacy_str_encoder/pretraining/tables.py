"""Summary of a run for a terminal of 80 columns."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from ..doc.plurals import count_noun
from ..tables import make_table
from .run import Summary


def lay_out(summary: Summary) -> Iterator[Table | Text]:
    """Lay out a summary.

    summary (Summary): The summary.
    YIELDS (Table | Text): The texts and tables to print, in this order.
    """
    sizes = summary["sizes"]
    yield Text(
        f"{count_noun(sizes['texts'], 'text')} in {count_noun(sizes['windows'], 'window')} of "
        f"{count_noun(sizes['pieces'], 'piece')}; "
        f"{count_noun(sizes['held_out_texts'], 'text')} held out"
    )
    if sizes["unknown_pieces"]:
        share = 100 * sizes["unknown_pieces"] / sizes["pieces"]
        yield Text(f"{share:.1f} % of the pieces are unknown to the encoder and were never masked")
    if summary["has_fresh_head"]:
        yield Text("The encoder had no language modeling head and was given a new one")
    if summary["resumed_at"]:
        yield Text(f"Resumed from step {summary['resumed_at']:,} of an interrupted run")
    table = make_table("Masked word prediction", [], ["step", "training loss", "perplexity"])
    for row in summary["evaluations"]:
        loss = "-" if row["loss"] is None else f"{row['loss']:.3f}"
        table.add_row(f"{row['step']:,}", loss, f"{row['perplexity']:,.2f}")
    yield table
