"""The command: `python -m scripts.coronary`."""

from pathlib import Path
from typing import Annotated

import typer

from .corpus import generate, serialize


def main(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the JSON files.")
    ] = Path("assets/coronary"),
    size: Annotated[int, typer.Option(min=10, help="Total number of sentences.")] = 700,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 42,
) -> None:
    """Write train.json, dev.json, test_seen.json and test_unseen.json."""
    output.mkdir(parents=True, exist_ok=True)
    for name, sentences in generate(seed, size).items():
        (output / f"{name}.json").write_text(serialize(sentences), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
