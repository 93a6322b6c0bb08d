"""Merge a config with overlays, which hold only what differs from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_config
from thinc.api import Config

# Where components are named beside the pipeline.
LISTS = ("annotating_components", "frozen_components")


def main(
    base: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The whole config.")],
    overlays: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="What differs; the last one counts."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The config to write.")],
) -> None:
    """Write BASE with everything that the OVERLAYS set, without components that are not used."""
    output.parent.mkdir(parents=True, exist_ok=True)
    merge_overlays(base, overlays).to_disk(output, interpolate=False)


def merge_overlays(base: Path, overlays: Sequence[Path]) -> Config:
    """Merge configs.

    A block that names another registered function than the one it takes the place of is taken as
    a whole; any other is merged setting by setting. References such as `${paths.encoder}` stay.

    base (Path): The whole config.
    overlays (Sequence[Path]): Configs that hold only what differs; later ones go first.
    RETURNS (Config): The config, without the components that its pipeline does not name.
    """
    config = load_config(base, interpolate=False)
    for overlay in overlays:
        config = config.merge(load_config(overlay, interpolate=False))
    _keep_pipeline(config)
    return config


def _keep_pipeline(config: Config) -> None:
    pipeline = config["nlp"]["pipeline"]
    for section in (config["components"], config["initialize"].get("components", {})):
        for name in section.keys() - set(pipeline):
            del section[name]
    for setting in LISTS:
        named = config["training"].get(setting, [])
        config["training"][setting] = [name for name in named if name in pipeline]


if __name__ == "__main__":
    typer.run(main)
