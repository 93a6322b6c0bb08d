"""The tables, as Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from spacy_str_encoder.evaluation.bootstrap import Difference
from spacy_str_encoder.evaluation.outcomes import TASKS, Task
from spacy_str_encoder.modules.masks import MaskName

from . import paper
from .differences import compare
from .results import Kept, Results, Spreads, sum_up
from .settings import TableSettings, list_changes
from .systems import (
    COMPARED,
    DEFAULT,
    MASKS,
    focused_name,
    goes_beyond_paper,
    name_of_base,
)

NOTES = """\
**The corpora differ.** The paper's figures are for Chinese BERT-base on private reports of coronary
arteriography (Xue et al. 2019, arXiv 1908.07721). Ours are for the encoder `{encoder}`, which has
{layers} layers, on the corpus `{corpus}`. Compare systems with each other, not our figures with the
paper's.

Figures are precision / recall / F1 in percent, strict and micro-averaged. Ours are mean ± standard
deviation over seeds. Each training keeps the checkpoint with the best score on dev, as weighted by
the config. A dash (–) means that the paper has no figure, or that the system was not trained.

- Config: `{config}`; {updates}; seeds: {seeds}.
- "STR-encoder" without K is the one of the config, `{base}`.
- With every seed, the STR-encoders start from the same encoder weights and from new random heads.
  The compared systems start from new random weights. They follow their papers, but are not copies:
  `configs/systems` lists the differences. Of these, only the RCN sees the types of the entities.
- Command: `{command}`
- Commit: {commits}.
- Total training time of all trials: {hours:.1f} hours on one core."""
MISSING = "–"
# The system of the base config, whichever K and mask it has.
BASE = "str_encoder"
TITLES = {**COMPARED, BASE: "STR-encoder", DEFAULT: "STR-encoder, as in the config"}
TEST_TABLES: dict[str, list[tuple[str, Task]]] = {
    "Table II: entities": [
        ("bilstm_crf", "entities"),
        ("rdcnn", "entities"),
        ("joint_bilstm", "entities"),
        (BASE, "entities"),
        (DEFAULT, "entities"),
    ],
    "Table III: relations between gold entities": [
        ("rcn", "relations_gold_entities"),
        ("cnn", "relations_gold_entities"),
        ("joint_bilstm", "relations_gold_entities"),
        (BASE, "relations_gold_entities"),
        (DEFAULT, "relations_gold_entities"),
    ],
    "Table IV: relations between predicted entities": [
        ("joint_bilstm", "relations"),
        (BASE, "relations"),
        (DEFAULT, "relations"),
    ],
    "Table VI: separate and joint training": [
        ("only_ner", "entities"),
        (BASE, "entities"),
        ("only_rc", "relations_gold_entities"),
        (BASE, "relations_gold_entities"),
    ],
}


def write_tables(
    results: Results,
    settings: TableSettings,
    *,
    layers: int,
    focus_layers: Sequence[int],
    failed: Sequence[str],
) -> str:
    """Set the figures of the paper and ours side by side.

    results (Mapping[str, Sequence[Kept]]): The results of each system, one a seed.
    settings (TableSettings): What they were made with.
    layers (int): The layers of the encoder.
    focus_layers (Sequence[int]): The values of K to compare.
    failed (Sequence[str]): The trials that failed.
    RETURNS (str): The Markdown.
    """
    suffix = " (quick)" if settings.is_quick else ""
    absent = None if goes_beyond_paper(settings.base) else DEFAULT
    sections = {
        title: _test_table([row for row in rows if row[0] != absent], results, settings)
        for title, rows in TEST_TABLES.items()
    }
    sections["Table V: K and mask, on dev"] = _focus_table(results, layers, focus_layers)
    sections["Differences in F1"] = _difference_table(results, settings)
    notes = _notes(results, settings, failed, layers=layers)
    lines = [f"# The paper's tables and ours{suffix}", "", *notes]
    # Up to VI, Roman numbers have the order of the alphabet, and D comes before T.
    for title, table in sorted(sections.items()):
        lines += ["", f"## {title}{suffix}", "", *table]
    return "\n".join([*lines, ""])


def _notes(
    results: Results, settings: TableSettings, failed: Sequence[str], *, layers: int
) -> Iterator[str]:
    trained = {name: trials for name, trials in results.items() if name != BASE}
    kept = [each for trials in trained.values() for each in trials]
    yield NOTES.format(
        encoder=settings.encoder,
        layers=layers,
        corpus=settings.corpus,
        config=settings.base,
        updates=settings.updates,
        seeds=settings.seeds,
        base=name_of_base(settings.base),
        command=settings.command,
        commits=", ".join(sorted({result["commit"] for result in kept})) or MISSING,
        hours=sum(result["seconds"] for result in kept) / 3600,
    )
    if goes_beyond_paper(settings.base):
        yield '- "As in the config" has all its extensions beyond the paper. Other rows have none.'
    for change in list_changes(settings.changes):
        system, _, changed = change.partition(":")
        yield f"- `{system}` has `{changed}`."
    if settings.is_quick:
        yield "- **A quick run:** fewer updates than in the config, only to check that it works."
    if failed:
        yield f"- **Failed and missing below:** {', '.join(failed)}."
    counts = {name: len(trials) for name, trials in trained.items()}
    if fewer := [f"{name} ({n})" for name, n in counts.items() if n < settings.seeds]:
        yield f"- **Fewer seeds than {settings.seeds}:** {', '.join(fewer)}."


def _test_table(
    rows: Iterable[tuple[str, Task]], results: Results, settings: TableSettings
) -> Iterator[str]:
    tests = [f"ours, {test}" for test in settings.tests]
    yield from _header("system", "task", "paper", *tests, "parameters")
    for name, task in rows:
        found = results.get(name, ())
        figures = paper.TEST.get(name, {}).get(task)
        ours = [_ours(sum_up(found, test, task)) for test in settings.tests]
        yield _row(TITLES[name], TASKS[task], _paper(figures), *ours, _size(found))


def _difference_table(results: Results, settings: TableSettings) -> Iterator[str]:
    """Compare the STR-encoder with each system of the other tables, task by task."""
    compared = dict.fromkeys(
        row for rows in TEST_TABLES.values() for row in rows if row[0] != BASE and row[0] in results
    )
    yield from [
        "F1 of the STR-encoder minus F1 of the other system, with a 95 % interval and a p-value "
        "from a paired bootstrap over texts. Several seeds are pooled.",
        "",
        *_header("system", "task", *settings.tests),
    ]
    for name, task in compared:
        found = [
            compare(results.get(BASE, ()), results[name], test, task) for test in settings.tests
        ]
        yield _row(TITLES[name], TASKS[task], *map(_difference, found))


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return MISSING
    low, high = (100 * end for end in difference["interval"])
    size = f"{100 * difference['difference']:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"{size}, p = {difference['p_value']:.4f}"


def _focus_table(results: Results, layers: int, focus_layers: Sequence[int]) -> Iterator[str]:
    yield from _header(
        "mask", "K", "NER, paper", "NER, ours", "RC, paper", "RC, ours", "parameters"
    )
    for mask, title in MASKS.items():
        of_paper = {k for other, k in paper.DEV if other == mask}
        for k in sorted(of_paper | set(focus_layers)):
            yield _row(title, str(k), *_focus_cells(results, mask, k))
    yield from [
        "",
        f"The paper's encoder has 12 layers, ours {layers}. With K = 1, both masks give the same "
        "model, which is trained once: only the row of `[CLS]` of the last layer is used, and "
        "under either mask it sees only `[CLS]` and the pair. RC is between predicted entities.",
    ]


def _focus_cells(results: Results, mask: MaskName, focus_layers: int) -> Iterator[str]:
    found = results.get(focused_name(mask, focus_layers), ())
    of_paper = paper.DEV.get((mask, focus_layers), {})
    tasks: tuple[Task, Task] = ("entities", "relations")
    for task in tasks:
        yield _paper(of_paper.get(task))
        yield _ours(sum_up(found, "dev", task))
    yield _size(found)


def _header(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*["---"] * len(names))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _paper(figures: paper.Figures | None) -> str:
    return MISSING if figures is None else " / ".join(f"{value:.2f}" for value in figures)


def _ours(spreads: Spreads | None) -> str:
    return MISSING if spreads is None else " / ".join(map(str, spreads))


def _size(results: Sequence[Kept]) -> str:
    return f"{results[0]['parameters']:,}" if results else MISSING
