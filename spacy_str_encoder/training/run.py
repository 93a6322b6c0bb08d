"""Train a pipeline by spaCy's own loop, and save a state at each evaluation."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training.initialize import init_nlp
from spacy.training.loop import (
    create_before_to_disk_callback,
    create_evaluation_callback,
    create_train_batches,
    train_while_improving,
    update_meta,
)
from spacy.util import load_config, registry, resolve_dot_names
from thinc.api import fix_random_seed, set_gpu_allocator

from ..doc.languages import check_language_of
from ..files.locks import locked
from .checkpoints import check_free, clear, recover, save_pipelines
from .fingerprint import describe_run, find_changes
from .randomness import unchanged_random, with_own_random
from .replay import Replay
from .state import (
    Evaluation,
    State,
    read_state,
    restore_state,
    save_begun,
    save_finished,
    save_state,
)

# Of training data that does not end, this much is compared with that of an interrupted run.
SAMPLE = 100
Show = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """Request to train a pipeline.

    config (Path): The config.
    output (Path): The folder to write to.
    overrides (dict[str, Any]): Values that override the config, by dotted name of the setting.
    gpu_id (int): The ID of the GPU, or -1 for the CPU.
    code (Path | None): The file of Python code that the config needs.
    resume (bool): Whether to continue an interrupted run of the folder.
    overwrite (bool): Whether to replace another run of the folder.
    """

    config: Path
    output: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    gpu_id: int = -1
    code: Path | None = None
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Setup:
    """The [training] block of a config, with the data that it names."""

    settings: dict[str, Any]
    train: Callable[[Language], Any]
    dev: Callable[[Language], Any]


def train(request: Request, show: Show = print) -> None:
    """Train a pipeline, and write it to a folder, as `spacy train` does.

    request (Request): The request.
    show (Callable[[str], None]): Function that shows what is done.
    RAISES (ValueError): If the config is invalid, the folder holds another run, or the run that is
        to be resumed differs.
    """
    check_free(request.output, resume=request.resume, overwrite=request.overwrite)
    with locked(request.output, run="is training"):
        recover(request.output)
        config = load_config(request.config, overrides=request.overrides, interpolate=False)
        check_language_of(config)
        nlp = init_nlp(config, use_gpu=request.gpu_id)
        setup = _set_up(nlp, use_gpu=request.gpu_id)
        run = _describe(nlp, setup, code=request.code)
        state = _find_state(request, run, show)
        if state is not None and state.is_finished:
            show(f"{request.output}: this run is finished; to train again, use --overwrite alone")
            return
        if state is None:
            clear(request.output)
            save_begun(request.output, state := State(run))
        if state.evaluations:
            show(f"Resuming after update {state.step}")
        _show_settings(nlp, setup, show)
        _train(nlp, setup, request.output, state)
        show(f"Saved the pipeline to {request.output / 'model-last'}")


def _set_up(nlp: Language, *, use_gpu: int) -> Setup:
    """RETURNS (Setup): The setup, made in the same order as in spaCy's `train`, so that
    the same random numbers are drawn.
    """
    config = nlp.config.interpolate()
    if (seed := config["training"]["seed"]) is not None:
        fix_random_seed(seed)
    if use_gpu >= 0 and (allocator := config["training"]["gpu_allocator"]):
        set_gpu_allocator(allocator)
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    train, dev = resolve_dot_names(config, [settings["train_corpus"], settings["dev_corpus"]])
    if settings["max_epochs"] >= 0:
        examples = list(train(nlp))
        return Setup(settings, lambda nlp: examples, dev)
    return Setup(settings, train, dev)


def _describe(nlp: Language, setup: Setup, *, code: Path | None) -> dict[str, Any]:
    limit = SAMPLE if setup.settings["max_epochs"] < 0 else None
    with unchanged_random():
        return describe_run(nlp, islice(setup.train(nlp), limit), setup.dev(nlp), code=code)


def _find_state(request: Request, run: dict[str, Any], show: Show) -> State | None:
    """RETURNS (State | None): The state to go on from; None to start."""
    if not request.resume:
        return None
    try:
        state = read_state(request.output)
        if state is None or not state.evaluations:
            return None
        _require_same(request.output, state.run, run)
    except ValueError as error:
        if not request.overwrite:
            raise
        show(f"Training again: {error}")
        return None
    return state


def _require_same(output: Path, earlier: dict[str, Any], run: dict[str, Any]) -> None:
    if run["config"]["training.seed"] == repr(None):
        raise ValueError("training.seed must be a number to use --resume, got null")
    if changes := find_changes(earlier, run):
        raise ValueError(
            f"{output}: --resume needs the same run, but {changes}; undo the change, choose "
            "another folder, or use --overwrite to train again"
        )


def _show_settings(nlp: Language, setup: Setup, show: Show) -> None:
    settings = setup.settings
    show(f"Pipeline: {nlp.pipe_names}")
    for name, label in (
        ("frozen_components", "Frozen components"),
        ("annotating_components", "Set annotations on update for"),
    ):
        if settings[name]:
            show(f"{label}: {settings[name]}")
    if settings["max_steps"]:
        show(f"Updates: {settings['max_steps']:,}")
    show(f"Initial learn rate: {settings['optimizer'].learn_rate}")


def _train(nlp: Language, setup: Setup, output: Path, state: State) -> None:
    settings = setup.settings
    optimizer, frozen = settings["optimizer"], settings["frozen_components"]
    before_to_disk = create_before_to_disk_callback(settings["before_to_disk"])
    replay = Replay(nlp, state, lambda: restore_state(output, state, nlp, optimizer))

    def save(*, is_best: bool) -> None:
        save_pipelines(output, nlp, optimizer.averages, before_to_disk, is_best=is_best)

    with nlp.select_pipes(disable=frozen):
        log_step, finalize = settings["logger"](nlp, sys.stdout, sys.stderr)
    try:
        for info, is_best in _iterate(nlp, setup, replay):
            if is_best is not None:
                with nlp.select_pipes(disable=frozen):
                    update_meta(settings, nlp, info)
            if is_best is not None and not replay.is_past:
                save(is_best=is_best)
                info["output_path"] = str(output / "model-last")
                state.evaluations.append(_to_evaluation(info))
                save_state(output, state, nlp, optimizer)
            log_step(info if is_best is not None else None)
    finally:
        finalize()
    save(is_best=False)
    save_finished(output, state)


def _iterate(
    nlp: Language, setup: Setup, replay: Replay
) -> Iterator[tuple[dict[str, Any], bool | None]]:
    """YIELDS (tuple[dict[str, Any], bool | None]): Each update, and whether it made the best
    pipeline so far; None if it was not evaluated.
    """
    settings = setup.settings
    batches = create_train_batches(nlp, setup.train, settings["batcher"], settings["max_epochs"])
    evaluate = create_evaluation_callback(nlp, setup.dev, settings["score_weights"])
    before_update = settings["before_update"]
    steps = train_while_improving(
        cast(Language, replay),
        settings["optimizer"],
        replay.count(with_own_random(batches)),
        replay.evaluating(evaluate),
        exclude=settings["frozen_components"],
        annotating_components=settings["annotating_components"],
        before_update=before_update and (lambda _, step: before_update(nlp, step)),
        **{name: settings[name] for name in PASSED},
    )
    yield from ((info, is_best) for _, info, is_best in steps)


PASSED = (
    "dropout",
    "accumulate_gradient",
    "patience",
    "max_steps",
    "eval_frequency",
)


def _to_evaluation(info: dict[str, Any]) -> Evaluation:
    scores = {name: info[name] for name in ("step", "score", "other_scores")}
    return Evaluation(**scores, losses=dict(info["losses"]))
