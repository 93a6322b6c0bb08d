"""Progress of long commands without a terminal. Time is that of a clock that tests set."""

from functools import partial
from typing import Any

import pytest
from rich.progress import MofNCompleteColumn

from spacy_str_encoder.archive import Progress
from spacy_str_encoder.cli.annotate import describe_archive, show_progress
from spacy_str_encoder.cli.progress import Bar, describe_count, describe_rate, track


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def lines_of_loop(capsys: Any, *, count: int, seconds: float, total: int | None) -> list[str]:
    """The lines of a loop whose items take so many seconds each."""
    clock = Clock()
    seen = []
    for item in track(range(count), "Reading", total, clock=clock):
        seen.append(item)
        clock.time += seconds
    assert seen == [*range(count)]
    output = capsys.readouterr()
    assert output.out == ""
    return str(output.err).splitlines()


@pytest.mark.parametrize(
    "count, seconds, total, lines",
    [
        (29, 1, None, []),
        (119, 0.25, None, []),
        (1500, 1 / 32, None, ["Reading: 960 texts, 32 a second"]),
        (1200, 1 / 32, 5000, ["Reading: 960 of 5,000 texts, 32 a second"]),
        (70_000, 1 / 2048, None, ["Reading: 61,440 texts, 2,048 a second"]),
        (60, 1, 60, ["Reading: 30 of 60 texts, 1 a second", "Reading: 60 of 60 texts, 1 a second"]),
        # An item may take longer than that.
        (
            2,
            50,
            2,
            ["Reading: 1 of 2 texts, 50 seconds each", "Reading: 2 of 2 texts, 50 seconds each"],
        ),
        (0, 1, 0, []),
    ],
)
def test_a_line_every_30_seconds(
    capsys: Any, count: int, seconds: float, total: int | None, lines: list[str]
) -> None:
    assert lines_of_loop(capsys, count=count, seconds=seconds, total=total) == lines


@pytest.mark.parametrize(
    "count, seconds, described",
    [
        (0, 40, ""),
        (3, 0, ""),
        (61_440, 30, ", 2,048 a second"),
        (5, 2, ", 2.5 a second"),
        (30, 30, ", 1 a second"),
        # Rounded, this is one second each.
        (100, 104, ", 0.96 a second"),
        (10, 11, ", 1.1 seconds each"),
        (3, 40.5, ", 13.5 seconds each"),
        (1, 5000, ", 5,000 seconds each"),
    ],
)
def test_slow_items_are_described_by_their_seconds(
    count: int, seconds: float, described: str
) -> None:
    assert describe_rate(count, seconds) == described


def test_no_line_on_a_terminal(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "a second" not in "".join(lines_of_loop(capsys, count=60, seconds=1, total=60))


def test_a_line_about_updates(capsys: Any) -> None:
    clock = Clock()
    with Bar(
        MofNCompleteColumn(), describe=partial(describe_count, unit="update"), clock=clock
    ) as bar:
        task = bar.add_task("Pretraining", total=None)
        for step in (1, 2, 3):
            clock.time += 20
            bar.update(task, completed=step * 100, total=1000)
    assert capsys.readouterr().err == "Pretraining: 200 of 1,000 updates, 5 a second\n"


def test_a_line_about_an_archive(capsys: Any) -> None:
    clock = Clock()
    with Bar(describe=describe_archive, clock=clock) as bar:
        task = bar.add_task("loading", total=200)
        clock.time += 40
        progress = Progress(
            annotated=2200,
            annotated_now=1200,
            rejected=3,
            hidden=0,
            low_entities=0,
            low_relations=0,
            read=50,
            size=200,
        )
        show_progress(bar, task, progress)
    line = "Annotating: 2,200 texts, 3 rejected, 30 a second, 25 % of the input\n"
    assert capsys.readouterr().err == line
