"""Pretrain an encoder on files of texts, and write it to a folder."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

import srsly

from ..doc.plurals import count_noun
from ..formats.annotated_text import AnnotatedText
from ..formats.raw_texts import read_raw_texts
from ..formats.report import ConversionReport
from .batches import MaskedBatches, batch_by_length
from .checkpoints import find_last_step, open_checkpoints, publish
from .masking import MaskedWindows, make_masking, mask_once
from .model import MaskedModel, load_masked_model
from .settings import PretrainingSettings
from .texts import hold_out
from .training import Evaluation, Show, show_nothing, train
from .windows import Window, count_unknown, cut_texts

METRICS = "pretraining.json"
# The masks of held-out texts never change, so that perplexities on the same texts can be compared
# across settings.
HELD_OUT_SEED = 0
HELD_OUT_RATE = 0.15


class Sizes(TypedDict):
    """Sizes of the data.

    texts (int): The number of texts for training.
    held_out_texts (int): The number of held-out texts.
    windows (int): The number of windows for training.
    pieces (int): The number of pieces in these windows.
    unknown_pieces (int): The number of unknown pieces among them.
    """

    texts: int
    held_out_texts: int
    windows: int
    pieces: int
    unknown_pieces: int


class Summary(TypedDict):
    """Summary of a run.

    encoder (str): The name of the encoder.
    has_fresh_head (bool): Whether the head was newly initialized, since the encoder had none.
    settings (dict[str, Any]): The settings.
    sizes (Sizes): The sizes of the data.
    lost (dict[str, int]): The counts of what was left out, by reason.
    resumed_at (int): The step from which the run was resumed, or 0.
    evaluations (list[Evaluation]): The training loss and perplexity in the course of training.
    """

    encoder: str
    has_fresh_head: bool
    settings: dict[str, Any]
    sizes: Sizes
    lost: dict[str, int]
    resumed_at: int
    evaluations: list[Evaluation]


@dataclass(frozen=True)
class TextPart:
    """Texts and their windows."""

    texts: list[AnnotatedText]
    windows: list[Window]


def pretrain(
    encoder: str,
    texts: Iterable[Path],
    output: Path,
    settings: PretrainingSettings,
    report: ConversionReport,
    *,
    text_field: str = "text",
    held_out: str = "0.05",
    force: bool = False,
    on_gpu: bool = False,
    show: Show = show_nothing,
) -> Summary:
    """Train an encoder to predict masked words of texts, and write it to a folder.

    encoder (str): The encoder, as in `spacy_str_encoder.encoders.load_encoder`.
    texts (Iterable[Path]): Files or folders with texts.
    output (Path): The folder to write to. An interrupted run resumes from the checkpoints in it.
    settings (PretrainingSettings): The settings.
    report (ConversionReport): The report, to count what is left out.
    text_field (str): The field, or column, of the text.
    held_out (str): The share of the texts to hold out for measuring perplexity, or a file of texts.
    force (bool): Whether to write to a folder that is not empty and replace files in it.
    on_gpu (bool): Whether to train on the first visible GPU.
    show (Show): Function that shows the progress.
    RETURNS (Summary): The summary of the run, also written to pretraining.json in the folder.
    RAISES (ValueError): If a file can't be read or written, or there are no texts to train on.
    """
    model = load_masked_model(encoder, seed=settings.seed)
    all_texts = read_raw_texts(texts, report, text_field=text_field)
    divided = hold_out(
        all_texts, held_out, seed=settings.seed, report=report, text_field=text_field
    )
    parts = [_cut(part, model, report) for part in divided]
    folder = open_checkpoints(output, _describe_run(model, parts, settings), force=force)
    resumed_at = find_last_step(folder)
    evaluations = _train(model, parts, settings, folder=folder, on_gpu=on_gpu, show=show)
    summary: Summary = {
        "encoder": encoder,
        "has_fresh_head": model.has_fresh_head,
        "settings": asdict(settings),
        "sizes": _count(parts, model),
        "lost": dict(report.losses),
        "resumed_at": resumed_at,
        "evaluations": evaluations,
    }
    _write(model, summary, folder / "finished")
    publish(folder / "finished", output)
    return summary


def _cut(texts: list[AnnotatedText], model: MaskedModel, report: ConversionReport) -> TextPart:
    length = model.tokenizer.model_max_length
    windows = cut_texts(texts, model.tokenizer, report, length=length)
    if not windows:
        others = f" and {count_noun(len(texts) - 1, 'other')}" if len(texts) > 1 else ""
        raise ValueError(
            f"{texts[0].place}: the encoder has no pieces for this text"
            f"{others}; choose another encoder"
        )
    return TextPart(texts, windows)


def _describe_run(
    model: MaskedModel, parts: Iterable[TextPart], settings: PretrainingSettings
) -> dict[str, Any]:
    """Describe everything that the weights depend on. A run may resume only if it is the same."""
    weights, texts = sha256(), sha256()
    for tensor in model.transformer.state_dict().values():
        weights.update(tensor.numpy().tobytes())
    for part in parts:
        for window in part.windows:
            texts.update(window.pieces.tobytes() + window.words.tobytes())
        texts.update(b"held out")
    return {"encoder": weights.hexdigest(), "texts": texts.hexdigest(), **asdict(settings)}


def _train(
    model: MaskedModel, parts: Iterable[TextPart], settings: PretrainingSettings, **options: Any
) -> list[Evaluation]:
    windows, held_out = (part.windows for part in parts)
    masking = make_masking(model.tokenizer, rate=settings.mask_rate)
    fixed = make_masking(model.tokenizer, rate=HELD_OUT_RATE)
    masked = MaskedWindows(windows, masking, seed=settings.seed)
    examples = mask_once(held_out, fixed, seed=HELD_OUT_SEED)
    return train(
        model,
        MaskedBatches(masked, size=settings.batch_size, seed=settings.seed),
        batch_by_length(examples, size=settings.batch_size),
        settings,
        **options,
    )


def _count(parts: Iterable[TextPart], model: MaskedModel) -> Sizes:
    learned, held_out = parts
    return {
        "texts": len(learned.texts),
        "held_out_texts": len(held_out.texts),
        "windows": len(learned.windows),
        "pieces": sum(len(window.pieces) for window in learned.windows),
        "unknown_pieces": count_unknown(learned.windows, model.tokenizer),
    }


def _write(model: MaskedModel, summary: Summary, folder: Path) -> None:
    model.transformer.save_pretrained(folder)
    # Otherwise the saved tokenizer would silently truncate texts to the length of the windows.
    model.tokenizer.backend_tokenizer.no_truncation()
    model.tokenizer.save_pretrained(folder)
    srsly.write_json(folder / METRICS, summary)
