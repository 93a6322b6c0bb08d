"""The machine that a speed belongs to."""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

import torch
from spacy.language import Language

from ..forks import PARALLELISM
from ..loading import get_precision
from ..modules.precision import has_bfloat16_units


class Machine(TypedDict):
    """The hardware and software of a measurement.

    processor (str): The name of the processor.
    cores (int): The number of its logical cores.
    gpu (str | None): The name of the GPU; None on the CPU.
    threads (int): The number of threads of PyTorch.
    torch (str): The version of PyTorch.
    precision (dict[str, str]): The precision of each encoder by the name of its component.
    has_bfloat16_units (bool): Whether the GPU, or else the processor, has units for bfloat16.
    """

    processor: str
    cores: int
    gpu: str | None
    threads: int
    torch: str
    precision: dict[str, str]
    has_bfloat16_units: bool


def describe_machine(nlp: Language, *, gpu_id: int) -> Machine:
    """Describe the hardware and software that a pipeline runs on.

    nlp (Language): The pipeline.
    gpu_id (int): The ID of the GPU; -1 for the CPU.
    RETURNS (Machine): The description.
    """
    device = torch.device("cuda", gpu_id) if gpu_id >= 0 else torch.device("cpu")
    return {
        "processor": _name_processor(),
        "cores": os.cpu_count() or 1,
        "gpu": torch.cuda.get_device_name(device) if gpu_id >= 0 else None,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "precision": get_precision(nlp),
        "has_bfloat16_units": has_bfloat16_units(device),
    }


def _name_processor() -> str:
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return str(capabilities.get("cpu_name") or platform.processor() or platform.machine())


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread, of PyTorch and of the tokenizers library: archives are annotated fastest by a
    process for each core.
    """
    threads, parallelism = torch.get_num_threads(), os.environ.get(PARALLELISM)
    torch.set_num_threads(1)
    os.environ[PARALLELISM] = "false"
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if parallelism is None:
            del os.environ[PARALLELISM]
        else:
            os.environ[PARALLELISM] = parallelism
