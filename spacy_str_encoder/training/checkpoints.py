"""The pipelines of a training, and the folder that they are in."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

from spacy.language import Language
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST, clean_output_dir

from ..files.whole import put_back, replaced_whole
from .state import STATE

PIPELINES = (DIR_MODEL_BEST, DIR_MODEL_LAST)


def check_free(output: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that nothing is lost in the output folder.

    output (Path): The folder.
    resume (bool): Whether an interrupted run may be there.
    overwrite (bool): Whether anything may be there.
    RAISES (ValueError): If a pipeline is there.
    """
    found = [name for name in PIPELINES if (output / name).exists()]
    if not found or overwrite or (resume and (output / STATE).exists()):
        return
    if resume:
        raise ValueError(
            f"{output} must hold an interrupted run, got {found[0]} without {STATE}, so --resume "
            "has nothing to go on from; choose another folder, or use --overwrite to train again"
        )
    raise ValueError(
        f"{output} must hold no pipeline, got {found[0]}; use --resume to continue an interrupted "
        "run, --overwrite to train again, or another folder"
    )


def recover(output: Path) -> None:
    """Put pipelines back whose replacement was interrupted.

    output (Path): The folder.
    """
    for name in PIPELINES:
        put_back(output / name)


def clear(output: Path) -> None:
    """Remove the pipelines and the state of another run.

    output (Path): The folder.
    """
    # The state goes first, so that no later run resumes from it without its pipelines.
    (output / STATE).unlink(missing_ok=True)
    clean_output_dir(output)


def save_pipelines(
    output: Path,
    nlp: Language,
    averages: dict[Any, Any] | None,
    before_to_disk: Callable[[Language], Language],
    *,
    is_best: bool,
) -> None:
    """Save a pipeline with averaged parameters. Each folder is written whole, `model-last` first,
    so that one of both is there at any moment.

    output (Path): The folder.
    nlp (Language): The pipeline.
    averages (dict[tuple[int, str], FloatsXd] | None): The averages, if there are any.
    before_to_disk (Callable[[Language], Language]): The callback of the config.
    is_best (bool): Whether it is the best one so far.
    """
    with replaced_whole(output / DIR_MODEL_LAST) as folder, nlp.use_params(averages):
        before_to_disk(nlp).to_disk(folder)
    if is_best:
        with replaced_whole(output / DIR_MODEL_BEST) as folder:
            copytree(output / DIR_MODEL_LAST, folder)
