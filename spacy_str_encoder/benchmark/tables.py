"""The speed of a pipeline for a terminal of 80 columns."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from ..doc.plurals import count_noun
from ..tables import make_table
from .machine import Machine
from .run import Report, Speed, Target

# Texts of an archive to plan for.
MANY = 1_000_000


def lay_out(report: Report) -> Iterator[Table | Text]:
    """Lay out a report.

    report (Report): The report.
    YIELDS (Table | Text): The texts and tables to print, in this order.
    """
    machine, texts = report["machine"], report["texts"]
    yield from map(Text, _describe(machine))
    yield Text(
        f"{count_noun(texts, 'text')} of "
        f"{count_noun(round(report['characters'] / texts), 'character')} on average, "
        f"{report['batch_size']} at a time, {count_noun(report['rounds'], 'round')} after warming "
        "up"
    )
    for reason, count in report["rejected"].items():
        yield Text(f"left out ({count:,}): rejected texts ({reason})")
    yield _lay_out_speed(report)
    yield _lay_out_components(report["seconds"], texts)
    yield Text(_extrapolate(report["texts_per_second"], machine))
    if report["target"] is not None:
        yield Text(_explain(report["target"], machine))


def _describe(machine: Machine) -> Iterator[str]:
    cores = count_noun(machine["cores"], "logical core")
    yield f"{machine['processor']}, {cores}; {count_noun(machine['threads'], 'thread')} in use"
    if machine["gpu"] is not None:
        yield f"GPU: {machine['gpu']}"
    encoders = ", ".join(f"{value} ({name})" for name, value in machine["precision"].items())
    units = "units" if machine["has_bfloat16_units"] else "no units"
    yield (
        f"PyTorch {machine['torch']}; precision: {encoders or 'no encoder'}; {units} for bfloat16"
    )


def _lay_out_speed(report: Report) -> Table:
    table = make_table("Speed", ["per second"], ["median", "lowest", "highest"])
    table.add_row("texts", *_spell(report["texts_per_second"]))
    table.add_row("characters", *_spell(report["characters_per_second"]))
    return table


def _spell(speed: Speed) -> list[str]:
    return [*map(_round, (speed["median"], speed["lowest"], speed["highest"]))]


def _round(figure: float) -> str:
    return f"{figure:,.1f}" if figure < 100 else f"{figure:,.0f}"


def _lay_out_components(seconds: dict[str, float], texts: int) -> Table:
    table = make_table("Time in the median round", ["component"], ["ms per text", "share"])
    total = sum(seconds.values())
    for name, each in seconds.items():
        table.add_row(Text(name), f"{1000 * each / texts:.2f}", f"{each / total:.1%}")
    table.add_section()
    table.add_row("all", f"{1000 * total / texts:.2f}", "100.0%")
    return table


def _extrapolate(speed: Speed, machine: Machine) -> str:
    hours = _round(MANY / speed["median"] / 3600)
    return f"{MANY:,} texts: {hours} hours on one {'core' if machine['gpu'] is None else 'GPU'}"


def _explain(target: Target, machine: Machine) -> str:
    speed = f"{count_noun(target['texts_per_second'], 'text')} per second"
    if machine["gpu"] is not None:
        return f"for {speed}: {count_noun(target['processes'], 'such GPU')}"
    cores = count_noun(target["processes"], "core")
    return f"for {speed}: {cores} like this one, a process on each"
