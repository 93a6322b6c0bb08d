"""Masked language modeling with transformers' Trainer."""

from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, TypedDict

import numpy
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    DataCollatorForTokenClassification,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from ..encoders import without_warnings
from .batches import Batch, MaskedBatches
from .checkpoints import find_last_step, keep_only, name_checkpoint
from .masking import IGNORED
from .model import MaskedModel
from .settings import PretrainingSettings

try:
    import accelerate  # noqa: F401
except ImportError as error:
    raise ImportError(
        "pretraining requires accelerate; install it with pip install 'spacy_str_encoder[pretrain]'"
    ) from error

# The share of the steps during which the learning rate rises.
WARMUP = 0.1
WEIGHT_DECAY = 0.01
# Gets the number of finished steps, the total number, and the perplexity if just measured.
Show = Callable[[int, int, float | None], None]


class Evaluation(TypedDict):
    """Evaluation during training.

    step (int): The number of finished steps.
    loss (float | None): The mean training loss since the previous evaluation; None before training.
    perplexity (float): The perplexity on the held-out texts.
    """

    step: int
    loss: float | None
    perplexity: float


class Watcher(TrainerCallback):
    """Callback that shows the progress and keeps only the last complete checkpoint.

    No checkpoint is saved after the last step, since the Trainer would resume from it with an
    additional step.
    """

    def __init__(self, show: Show) -> None:
        """Create the callback.

        show (Show): Function that shows the progress.
        """
        self.show = show

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show the step; no checkpoint is saved after the last."""
        control.should_save = control.should_save and state.global_step < state.max_steps
        self.show(state.global_step, state.max_steps, None)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float], **kwargs: Any
    ) -> None:
        """Show the perplexity.

        RAISES (ValueError): If it is not a number any more.
        """
        perplexity = metrics["eval_perplexity"]
        # Raised before a checkpoint replaces the last good one.
        if not isfinite(perplexity):
            raise ValueError(
                f"training has diverged, with a perplexity of {perplexity} after step "
                f"{state.global_step}; lower the learning rate"
            )
        self.show(state.global_step, state.max_steps, perplexity)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark the checkpoint as complete, and remove those before it."""
        keep_only(Path(args.output_dir), state.global_step)


def show_nothing(step: int, steps: int, perplexity: float | None) -> None:
    """Ignore the progress."""


def train(
    model: MaskedModel,
    batches: MaskedBatches,
    held_out: Sequence[Batch],
    settings: PretrainingSettings,
    *,
    folder: Path,
    on_gpu: bool = False,
    show: Show = show_nothing,
) -> list[Evaluation]:
    """Train a masked language model, from its last checkpoint if there is one.

    model (MaskedModel): The model, whose weights are updated.
    batches (MaskedBatches): The batches for training.
    held_out (Sequence[list[dict[str, list[int]]]]): The batches for measuring perplexity, with
        fixed masks.
    settings (PretrainingSettings): The settings.
    folder (Path): The folder for checkpoints.
    on_gpu (bool): Whether to train on the first visible GPU.
    show (Show): Function that shows the progress.
    RETURNS (list[Evaluation]): The evaluations, of which the first precedes training.
    RAISES (ValueError): If the perplexity is no longer finite.
    """
    step = find_last_step(folder)
    trainer = Trainer(
        model=model.transformer,
        args=_make_arguments(settings, folder, on_gpu=on_gpu, is_new=not step),
        # This collator pads the labels as well as the pieces.
        data_collator=partial(_pad, DataCollatorForTokenClassification(model.tokenizer)),
        train_dataset=batches,
        eval_dataset=held_out,
        compute_metrics=_measure_perplexity,
        preprocess_logits_for_metrics=_find_losses,
        callbacks=[Watcher(show)],
    )
    trainer.remove_callback(PrinterCallback)
    # Otherwise it warns that the checkpoint lacks tied weights, which is expected.
    with without_warnings():
        trainer.train(resume_from_checkpoint=str(name_checkpoint(folder, step)) if step else None)
    if trainer.state.global_step % settings.save_every:
        trainer.evaluate()
    return _list_evaluations(trainer.state.log_history)


def _make_arguments(
    settings: PretrainingSettings, folder: Path, *, on_gpu: bool, is_new: bool
) -> Any:
    every = settings.save_every
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps or -1,
        num_train_epochs=settings.epochs,
        # Each item of the datasets is a batch already.
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        learning_rate=settings.learn_rate,
        warmup_ratio=WARMUP,
        weight_decay=WEIGHT_DECAY,
        seed=settings.seed,
        **{f"{event}_strategy": "steps" for event in ("eval", "logging", "save")},
        **{f"{event}_steps": every for event in ("eval", "logging", "save")},
        eval_on_start=is_new,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        disable_tqdm=True,
        report_to=[],
    )


def _pad(collate: Any, batches: list[Batch]) -> Any:
    [batch] = batches
    return collate(batch)


def _find_losses(logits: Tensor, labels: Tensor) -> Tensor:
    # shape: (windows, pieces)
    return cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)


def _measure_perplexity(evaluated: Any) -> dict[str, float]:
    # The mean over all masked pieces: a mean over batches would depend on the batches.
    losses = evaluated.predictions[evaluated.label_ids != IGNORED]
    return {"perplexity": float(numpy.exp(losses.mean(dtype="float64")))}


def _list_evaluations(history: Sequence[dict[str, Any]]) -> list[Evaluation]:
    losses = {entry["step"]: entry["loss"] for entry in history if "loss" in entry}
    measured = {
        entry["step"]: entry["eval_perplexity"] for entry in history if "eval_perplexity" in entry
    }
    return [
        {"step": step, "loss": losses.get(step), "perplexity": perplexity}
        for step, perplexity in measured.items()
    ]
