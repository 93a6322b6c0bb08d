"""The command: `python -m scripts.selection`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_str_encoder.cli.errors import errors_as_one_line
from spacy_str_encoder.cli.overrides import parse_overrides
from spacy_str_encoder.doc.plurals import count_noun
from spacy_str_encoder.files.docbin import read_docbin
from spacy_str_encoder.files.locks import locked

from ..tables.options import GpuId
from ..tables.settings import TableSettings
from ..tables.systems import System
from ..tables.trials import plan_trials
from .figures import Row, lay_out, make_row, write_figures
from .rounds import Plan, simulate

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
TOO_FEW = "{path}: there must be more than {needed}, for all rounds to differ; got {count:,}"


def main(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="Config of the pipeline.")],
    corpus: Annotated[
        Path, typer.Argument(help="Folder with train.spacy, dev.spacy and the test set.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Output folder.")],
    encoder: Annotated[
        str | None, typer.Option(help="Encoder.", show_default="from the config")
    ] = None,
    test: Annotated[str, typer.Option(help="Test set, the NAME of NAME.spacy.")] = "test",
    start: Annotated[int, typer.Option(min=1, help="Texts of the first round.")] = 50,
    step: Annotated[int, typer.Option(min=1, help="Texts that each further round adds.")] = 50,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds after the first.")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="Updates of each training.")] = 600,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    gpu_id: GpuId = -1,
) -> None:
    """Simulate annotation in rounds, with texts that `select` chooses, and with texts at random.

    Further options change settings of the config, such as --components.str_ner.spans_key sc. Rounds
    that have a result are not trained again. Writes figures.jsonl and curves.png to OUTPUT.
    """
    rows: list[Row] = []
    folder = output.resolve()
    with errors_as_one_line():
        encoder = encoder or load_config(config)["paths"]["encoder"]
        settings = TableSettings(config, encoder, corpus.resolve(), (test,), seeds, steps)
        system = System("start", overrides=parse_overrides(context.args))
        trials = plan_trials([system], settings, gpu_id=gpu_id)
        docs = [*read_docbin(settings.part("train"), Vocab())]
        if len(docs) <= (needed := start + rounds * step):
            words = {"needed": count_noun(needed, "text"), "count": len(docs)}
            raise ValueError(TOO_FEW.format(path=settings.part("train"), **words))
        with locked(folder, run="simulates"):
            for trial in trials:
                for done, result in simulate(Plan(trial, docs, folder, start, step, rounds)):
                    rows.append(make_row(done, result, docs, test))
                    f1 = ", ".join(f"{task} {f:.1f}" for task, f in rows[-1]["f1"].items())
                    typer.echo(f"{done.trial.name} ({done.way}): {len(done.chosen)} texts: {f1}")
                write_figures(folder, rows)
    Console().print(lay_out(rows))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(context_settings=CONTEXT)(main)
    app()
