"""Statistics as tables, for a terminal of 80 columns."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, filterfalse, starmap
from typing import Any

from rich.table import Table
from rich.text import Text

from ..distances import BINS, find_bin, name_bin
from ..pairs.candidates import all_pairs
from ..tables import make_table
from .advice import give_advice
from .advice.labels import RARE
from .advice.wording import percent
from .collect import TRAIN, Statistics
from .findings import CHECKS, Check, Finding
from .proposals import list_config_lines, propose_constraints
from .reach import ALL_PAIRS, ALTERNATIVES, CONFIGURED
from .split import SplitStatistics

LONGEST_BAR = 20
# Maximum number of labels or triples in a table; the JSON report lists all.
MOST_ROWS = 30
# Entities without any attribute, and the counts of them.
WITHOUT_ATTRIBUTES = {"(none)": "without_attributes", "(unannotated)": "unannotated_attributes"}


def lay_out(statistics: Statistics) -> Iterator[Table]:
    """Lay out statistics and advice as tables.

    statistics (Statistics): The statistics.
    YIELDS (Table): Each table that has rows.
    """
    layouts = (
        _size_table,
        _entity_table,
        _attribute_table,
        _relation_table,
        _triple_table,
        _distance_table,
        _reach_table,
        _balance_table,
        _findings_table,
        _advice_table,
        _constraints_table,
        _config_table,
    )
    tables = (make(statistics) for make in layouts)
    return (table for table in tables if table.row_count)


def _size_table(statistics: Statistics) -> Table:
    """Lay out the size of the data."""
    table = make_table("Size", [""], statistics.splits)
    splits = statistics.splits.values()
    for name in ("docs", "tokens", "entities", "relations"):
        table.add_row(name, *(f"{getattr(split, name):,}" for split in splits))
    if statistics.settings.tokenizer is not None:
        rates = (split.pieces / max(split.tokens, 1) for split in splits)
        table.add_row("pieces per token", *(f"{rate:.2f}" for rate in rates))
    for check in filter(_is_of_docs, CHECKS):
        counts = [split.findings[check.name].count for split in splits]
        if any(counts):
            table.add_row(check.words, *(f"{count:,}" for count in counts))
    longest = (max((doc.tokens for doc in split.longest), default=0) for split in splits)
    table.add_row("tokens of the longest doc", *(f"{tokens:,}" for tokens in longest))
    return table


def _entity_table(statistics: Statistics) -> Table:
    """Lay out the entities by label."""
    counts = [split.entity_labels for split in statistics.splits.values()]
    table = make_table(f"Entities{_left_out(counts)}", ["label"], [*statistics.splits, ""])
    for label, cells in _most_frequent(counts):
        table.add_row(Text(label), *cells, _mark(statistics.train.entity_labels[label]))
    return table


def _attribute_table(statistics: Statistics) -> Table:
    """Lay out the attributes by entity type and value, with the entities that have none."""
    splits = statistics.splits.values()
    counts = [split.attributes for split in splits]
    headers = ["type", "attribute", "value"]
    table = make_table(f"Attributes{_left_out(counts)}", headers, [*statistics.splits, ""])
    for attribute, cells in _most_frequent(counts):
        mark = _mark(statistics.train.attributes[attribute])
        table.add_row(*map(Text, attribute), *cells, mark)
    for entity_type in sorted({each for split in counts for each, _, _ in split}):
        for words, name in WITHOUT_ATTRIBUTES.items():
            numbers = [getattr(split, name)[entity_type] for split in splits]
            if any(numbers):
                cells = [f"{number:,}" for number in numbers]
                table.add_row(Text(entity_type), Text(words, style="dim"), "", *cells, "")
    return table


def _relation_table(statistics: Statistics) -> Table:
    """Lay out the relations by label, and their directions in the training data."""
    train = statistics.train
    counts = [split.relation_labels for split in statistics.splits.values()]
    headers = [*statistics.splits, "head first", "both ways", ""]
    table = make_table(f"Relations{_left_out(counts)}", ["label"], headers)
    for label, cells in _most_frequent(counts):
        count = train.relation_labels[label]
        head_first = percent(train.relation_classes[label, ">"], count) if count else "-"
        mutual = f"{train.count_mutual(label):,}"
        table.add_row(Text(label), *cells, head_first, mutual, _mark(count))
    return table


def _triple_table(statistics: Statistics) -> Table:
    """Lay out the relations by label and types of head and tail."""
    counts = [split.triples for split in statistics.splits.values()]
    headers = ["head", "label", "tail"]
    table = make_table(f"Triples{_left_out(counts)}", headers, [*statistics.splits, ""])
    for triple, cells in _most_frequent(counts):
        mark = "" if statistics.train.triples[triple] else "not in train"
        table.add_row(*map(Text, triple), *cells, Text(mark, style="red"))
    return table


def _distance_table(statistics: Statistics) -> Table:
    """Lay out the relations by the number of tokens between their entities."""
    bins = [_count_bins(split.distances) for split in statistics.splits.values()]
    table = make_table("Tokens between head and tail", ["tokens"], statistics.splits)
    table.add_column(f"share in {TRAIN}", overflow="fold")
    for name, *counts in zip(starmap(name_bin, BINS), *bins, strict=True):
        bar = "█" * round(LONGEST_BAR * counts[0] / max(sum(bins[0]), 1))
        table.add_row(name, *(f"{count:,}" for count in counts), bar)
    return table


def _reach_table(statistics: Statistics) -> Table:
    """Lay out the shares of relations and pairs that candidate pairs cover."""
    splits = statistics.splits
    headers = [f"{name}\n{share}" for name in splits for share in ("covered", "pairs")]
    table = make_table(
        "Candidate pairs: covered relations and pairs, in %", ["candidates"], headers
    )
    counts = ((split.relations, split.reach[ALL_PAIRS].pairs) for split in splits.values())
    table.add_row("number of all", *(f"{count:,}" for both in counts for count in both))
    configured = [] if statistics.settings.task.candidates is all_pairs else [CONFIGURED]
    for name in (*ALTERNATIVES, *configured):
        cells = [cell for split in splits.values() for cell in _reach_cells(split, name)]
        if set(cells) != {"-"}:
            table.add_row(name, *cells)
    return table


def _balance_table(statistics: Statistics) -> Table:
    """Lay out the candidate pairs that str_rel learns from."""
    balance = statistics.balance
    table = make_table("Candidate pairs of str_rel", ["pairs"], [TRAIN, "learned from"])
    kept = balance.negative_rate * balance.unrelated
    table.add_row("with a relation", f"{balance.related:,}", f"{balance.related:,}")
    table.add_row("without a relation", f"{balance.unrelated:,}", f"{kept:,.0f}")
    return table


def _findings_table(statistics: Statistics) -> Table:
    """Lay out the findings, each with an example."""
    table = make_table("To check", [""], statistics.splits)
    for name, findings in _gather_findings(statistics).items():
        found = [case for each in findings.values() for case in each.examples]
        if found:
            counts = (findings.get(split, Finding()).count for split in statistics.splits)
            what = Text.assemble(name, "\n", (f"  {found[0]}", "dim"))
            table.add_row(what, *(f"{count:,}" for count in counts))
    return table


def _advice_table(statistics: Statistics) -> Table:
    """Lay out the advice."""
    table = Table.grid(padding=(0, 1))
    table.title, table.title_justify = "Advice", "left"
    table.add_column()
    # Otherwise, rich cuts lines in which wide characters, such as Chinese, do not fit.
    table.add_column(overflow="fold")
    for advice in give_advice(statistics):
        table.add_row("-", Text(advice))
    return table


def _constraints_table(statistics: Statistics) -> Table:
    """Lay out the constraints that the data never break."""
    table = make_table("Constraints never broken", ["label", ""], [TRAIN, "could be broken"])
    for each in propose_constraints(statistics):
        counts = f"{each.evidence.cases:,}", f"{each.evidence.open:,}"
        table.add_row(Text(each.constraint.label), Text(each.words), *counts)
    return table


def _config_table(statistics: Statistics) -> Table:
    """Lay out the lines of a config that declare these, so that they can be copied."""
    table = Table.grid()
    table.title, table.title_justify = "Constraints for the config", "left"
    table.add_column(overflow="fold")
    for line in list_config_lines(statistics):
        table.add_row(Text(line))
    return table


def _gather_findings(statistics: Statistics) -> dict[str, dict[str, Finding]]:
    """Gather the findings by description and split."""
    gathered: dict[str, dict[str, Finding]] = defaultdict(dict)
    for split, found in statistics.splits.items():
        for check in filterfalse(_is_of_docs, CHECKS):
            gathered[check.words][split] = found.findings[check.name]
        for reason, finding in found.lost.items():
            gathered[f"left out: {reason}"][split] = finding
        for reason, finding in found.chosen.items():
            gathered[f"chosen: {reason}"][split] = finding
        for name, finding in found.breaking.items():
            gathered[f"relations that break {name}"][split] = finding
    for (split, other), repeats in statistics.repeats.items():
        gathered[f"texts that are already in {other}"][split] = repeats.docs
        gathered[f"texts annotated differently in {other}"][split] = repeats.annotated_otherwise
    return gathered


def _is_of_docs(check: Check) -> bool:
    return check.of == "docs"


def _reach_cells(split: SplitStatistics, name: str) -> tuple[str, str]:
    reach, every = split.reach[name], split.reach[ALL_PAIRS]
    if not every.pairs or reach.docs < every.docs:
        return "-", "-"
    reached = reach.relations / split.relations if split.relations else 0.0
    return f"{100 * reached:.1f}", f"{100 * reach.pairs / every.pairs:.1f}"


def _count_bins(distances: Counter[int]) -> list[int]:
    bins = [0] * len(BINS)
    for distance, count in distances.items():
        bins[find_bin(distance)] += count
    return bins


def _most_frequent(counts: Sequence[Counter[Any]]) -> Iterator[tuple[Any, list[str]]]:
    """Yield the most frequent keys of all splits, and their counts in each split."""
    for key, _ in sum(counts, Counter[Any]()).most_common(MOST_ROWS):
        yield key, [f"{split[key]:,}" for split in counts]


def _left_out(counts: Sequence[Counter[Any]]) -> str:
    keys = set(chain.from_iterable(counts))
    return f" (the {MOST_ROWS} most frequent of {len(keys)})" if len(keys) > MOST_ROWS else ""


def _mark(count: int) -> Text:
    """Mark labels that are missing or rare in the training data."""
    if not count:
        return Text(f"not in {TRAIN}", style="red")
    return Text("rare" if count < RARE else "", style="yellow")
