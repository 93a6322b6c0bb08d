"""Merge a config with overlays, which contain only the settings that differ."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_config
from thinc.api import Config

# The training settings that list components.
LISTS = ("annotating_components", "frozen_components")


def main(
    base: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Complete config.")],
    overlays: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, help="Configs to merge into it; later ones override."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Config to write.")],
) -> None:
    """Write BASE with the settings of the OVERLAYS, and without unused components."""
    output.parent.mkdir(parents=True, exist_ok=True)
    merge_overlays(base, overlays).to_disk(output, interpolate=False)


def merge_overlays(base: Path, overlays: Sequence[Path]) -> Config:
    """Merge configs.

    A block with a different registered function replaces the original block; all other blocks are
    merged setting by setting. References such as `${paths.encoder}` are kept.

    base (Path): The complete config.
    overlays (Sequence[Path]): Configs with the settings that differ. Later ones override earlier
        ones.
    RETURNS (Config): The config, without the components that are not in its pipeline.
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
