"""Benchmarks of predictions in bfloat16 and int8, and of the work outside of the model."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock

import torch
from spacy.language import Language

from measure import Result, not_measured, ratio, seconds, share
from pipelines import BATCH_SIZE, bare_encoder, component, remember
from spacy_str_encoder.layers import encoder_shim, run_focused
from spacy_str_encoder.pipeline import str_ner
from workload import BERT_BASE, MINILM, Shape, make_encoder, make_pipeline, make_sentences

SPEED_UPS = ((MINILM, 2, "≥ 2.5"), (BERT_BASE, 4, "≥ 3"))
# Units for products of int8, on x86 and on Arm.
INT8_UNITS = ("avx512_vnni", "avx_vnni", "i8mm")
# The layers of the encoder, the focused layers, and the CRF. The few multiplications of the tagger
# and the classifier of pairs count as work outside.
MODEL_PARTS: tuple[tuple[Any, str], ...] = (
    (encoder_shim, "encode"),
    (run_focused, "focus_pair"),
    (str_ner, "find_entities"),
)


def has_int8_units() -> bool:
    """RETURNS (bool): Whether the processor has units for int8."""
    return any(torch.cpu.get_capabilities().get(name, False) for name in INT8_UNITS)


def measure(folder: Path, device: torch.device) -> list[Result]:
    """Run the benchmarks.

    folder (Path): The folder for encoders.
    device (torch.device): The device.
    RETURNS (list[Result]): The results.
    """
    has_bfloat16 = encoder_shim.has_bfloat16_units(device)
    has_int8 = device.type == "cpu" and has_int8_units()
    with one_thread():
        return [
            *(
                speed_up("bfloat16", shape, k, target, folder, is_possible=has_bfloat16)
                for shape, k, target in SPEED_UPS
            ),
            against_bare_encoder(folder, is_possible=has_bfloat16),
            speed_up("int8", BERT_BASE, 4, "≥ 1.6", folder, is_possible=has_int8),
            outside_of_model(folder, is_possible=has_bfloat16),
        ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread, as an archive is annotated fastest: with a process for each core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pipeline_in(precision: str, shape: Shape, focus_layers: int, folder: Path) -> Language:
    """Build a pipeline that predicts in some precision.

    precision (str): The precision.
    shape (Shape): The size of the encoder.
    focus_layers (int): The number of focused layers, K.
    folder (Path): The folder for encoders.
    RETURNS (Language): The pipeline.
    """
    nlp = make_pipeline(make_encoder(shape, folder), focus_layers=focus_layers, mask="pair")
    component(nlp, "str_encoder").precision = precision
    return nlp


def piped(nlp: Language) -> Callable[[], Any]:
    """Make the function that is timed.

    nlp (Language): The pipeline.
    RETURNS (Callable): Function that runs the pipeline on sentences.
    """
    texts = remember(nlp, make_sentences(BATCH_SIZE))
    return lambda: list(nlp.pipe(texts, batch_size=BATCH_SIZE))


def speed_up(
    precision: str, shape: Shape, focus_layers: int, target: str, folder: Path, *, is_possible: bool
) -> Result:
    """Compare `nlp.pipe` in float32 with that in lower precision.

    precision (str): The precision.
    shape (Shape): The size of the encoder.
    focus_layers (int): The number of focused layers, K.
    target (str): The target of the ratio.
    folder (Path): The folder for encoders.
    is_possible (bool): Whether the device has units for the precision.
    RETURNS (Result): The ratio.
    """
    name = f"nlp.pipe in float32 / in {precision}: {shape.name}, Eq. 14, K={focus_layers}"
    if not is_possible:
        return not_measured(name, target)
    sides = (pipeline_in(each, shape, focus_layers, folder) for each in ("float32", precision))
    return ratio(name, *map(piped, sides), target=target)


def against_bare_encoder(folder: Path, *, is_possible: bool) -> Result:
    """Compare `nlp.pipe` in bfloat16 with the bare encoder in float32.

    folder (Path): The folder for encoders.
    is_possible (bool): Whether the device has units for bfloat16.
    RETURNS (Result): The ratio.
    """
    name, target = "nlp.pipe in bfloat16 / the bare encoder in float32: BERT-base, K=4", "≤ 0.55"
    if not is_possible:
        return not_measured(name, target)
    nlp = pipeline_in("bfloat16", BERT_BASE, 4, folder)
    work = piped(nlp)
    texts = [sentence.text for sentence in make_sentences(BATCH_SIZE)]
    return ratio(name, work, bare_encoder(nlp, [texts]), target=target)


def outside_of_model(folder: Path, *, is_possible: bool) -> Result:
    """Measure the share of `nlp.pipe` that is neither layers of the encoder nor heads.

    folder (Path): The folder for encoders.
    is_possible (bool): Whether the device has units for bfloat16.
    RETURNS (Result): The share in percent.
    """
    name, target = "work outside of encoder and heads in bfloat16, %: MiniLM, K=2", "≤ 22"
    if not is_possible:
        return not_measured(name, target)
    work = piped(pipeline_in("bfloat16", MINILM, 2, folder))

    def percent() -> float:
        with timed_parts() as parts:
            whole = seconds(work)
        return 100 * (1 - sum(parts) / whole)

    return share(name, percent, target=target)


@contextmanager
def timed_parts() -> Iterator[list[float]]:
    """Time the parts of the model.

    YIELDS (list[float]): The seconds of each call.
    """
    times: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                times.append(perf_counter() - start)

        return run

    with ExitStack() as stack:
        for module, name in MODEL_PARTS:
            patch = mock.patch.object(module, name, timed(getattr(module, name)))
            stack.enter_context(patch)
        yield times
