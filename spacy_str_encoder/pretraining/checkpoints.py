"""Checkpoints of a run, and the folder of the finished encoder."""

import shutil
from pathlib import Path
from typing import Any

import srsly

from ..files.whole import written_whole
from ..init_encoder import check_output

# The folder within the output, until the run is complete.
CHECKPOINTS = "pretraining_checkpoints"
RUN = "run.json"
# The marker file of a complete checkpoint.
WHOLE = "whole"
# The file that makes a folder a loadable encoder.
CONFIG = "config.json"


def open_checkpoints(output: Path, run: dict[str, Any], *, force: bool) -> Path:
    """Prepare the folder for checkpoints, and keep those of the same run.

    output (Path): The folder to write the encoder to.
    run (dict[str, Any]): Everything that the result depends on.
    force (bool): Whether to allow an output that is not empty, and to remove the checkpoints of
        another run.
    RETURNS (Path): The folder for checkpoints.
    RAISES (ValueError): If the output is not empty, or has checkpoints of another run, and `force`
        is not set.
    """
    folder = output / CHECKPOINTS
    earlier = srsly.read_json(folder / RUN) if (folder / RUN).exists() else None
    if earlier == run:
        return folder
    if earlier is not None and not force:
        changed = ", ".join(name for name in run if earlier.get(name) != run[name])
        raise ValueError(
            f"{folder}: the checkpoints belong to another run ({changed} changed); repeat the "
            "command of that run, choose another folder, or use --force to delete them"
        )
    check_output(output, force=force)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with written_whole(folder / RUN) as unfinished:
        srsly.write_json(unfinished, run)
    return folder


def name_checkpoint(folder: Path, step: int) -> Path:
    """Get the folder of a checkpoint, under the name that the Trainer uses.

    folder (Path): The folder with the checkpoints.
    step (int): The step of the checkpoint.
    RETURNS (Path): The folder of the checkpoint.
    """
    return folder / f"checkpoint-{step}"


def keep_only(folder: Path, step: int) -> None:
    """Mark a checkpoint as complete, and remove all others.

    folder (Path): The folder with the checkpoints.
    step (int): The step of the checkpoint.
    """
    kept = name_checkpoint(folder, step)
    (kept / WHOLE).touch()
    for other in folder.glob("checkpoint-*"):
        if other != kept:
            shutil.rmtree(other)


def find_last_step(folder: Path) -> int:
    """Find the checkpoint to resume from.

    folder (Path): The folder with the checkpoints.
    RETURNS (int): The step of the last complete checkpoint; 0 if there is none.
    """
    whole = [mark.parent.name for mark in folder.glob(f"checkpoint-*/{WHOLE}")]
    return max((int(name.rpartition("-")[2]) for name in whole), default=0)


def publish(finished: Path, output: Path) -> None:
    """Move a finished encoder to the output folder, and remove the checkpoints.

    finished (Path): The folder with the encoder, next to the checkpoints.
    output (Path): The output folder. Files with the same names are replaced.
    """
    (output / CONFIG).unlink(missing_ok=True)
    for file in sorted(finished.iterdir(), key=lambda file: file.name == CONFIG):
        file.replace(output / file.name)
    shutil.rmtree(output / CHECKPOINTS)
