"""What an interrupted run leaves, and how its end is written."""

import shutil
from pathlib import Path
from typing import Any

import srsly

from ..files.whole import written_whole
from ..init_encoder import check_output

# Inside of the output, until the run is complete.
CHECKPOINTS = "pretraining_checkpoints"
RUN = "run.json"
# In a checkpoint that was written to its end.
WHOLE = "whole"
# Without it, no folder is an encoder.
CONFIG = "config.json"


def open_checkpoints(output: Path, run: dict[str, Any], *, force: bool) -> Path:
    """Prepare the folder for checkpoints, and keep those of the same run.

    output (Path): The folder that the encoder is to be written to.
    run (dict[str, Any]): All that the result depends on.
    force (bool): Allow an output that is not empty, and remove the checkpoints of another run.
    RETURNS (Path): The folder.
    RAISES (ValueError): If the output must not be written.
    """
    folder = output / CHECKPOINTS
    earlier = srsly.read_json(folder / RUN) if (folder / RUN).exists() else None
    if earlier == run:
        return folder
    if earlier is not None and not force:
        changed = ", ".join(name for name in run if earlier.get(name) != run[name])
        raise ValueError(
            f"{folder}: the checkpoints are of another run ({changed} changed); repeat the command "
            "of that run, name another folder, or use --force to lose them"
        )
    check_output(output, force=force)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with written_whole(folder / RUN) as unfinished:
        srsly.write_json(unfinished, run)
    return folder


def name_checkpoint(folder: Path, step: int) -> Path:
    """RETURNS (Path): The folder of the checkpoint after a step, as the Trainer names it."""
    return folder / f"checkpoint-{step}"


def keep_only(folder: Path, step: int) -> None:
    """Mark a checkpoint as complete, and remove those before it.

    folder (Path): The folder with the checkpoints.
    step (int): The step of the checkpoint.
    """
    kept = name_checkpoint(folder, step)
    (kept / WHOLE).touch()
    for other in folder.glob("checkpoint-*"):
        if other != kept:
            shutil.rmtree(other)


def find_last_step(folder: Path) -> int:
    """Find the checkpoint to go on from.

    folder (Path): The folder with the checkpoints.
    RETURNS (int): The step of the last one that was written to its end; 0 if there is none.
    """
    whole = [mark.parent.name for mark in folder.glob(f"checkpoint-*/{WHOLE}")]
    return max((int(name.rpartition("-")[2]) for name in whole), default=0)


def publish(finished: Path, output: Path) -> None:
    """Move a complete encoder to its place, and remove the checkpoints.

    finished (Path): The folder with the encoder, among the checkpoints.
    output (Path): The folder that it is moved to. Files of the same names are replaced.
    """
    (output / CONFIG).unlink(missing_ok=True)
    for file in sorted(finished.iterdir(), key=lambda file: file.name == CONFIG):
        file.replace(output / file.name)
    shutil.rmtree(output / CHECKPOINTS)
