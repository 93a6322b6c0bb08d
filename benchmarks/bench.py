"""Benchmark the focused layers, with ratios of times that carry over to other machines."""

import os
import platform
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import spacy
import torch
import typer

import encoders
import pipelines
import precisions
import report
from spacy_str_encoder.modules.precision import BFLOAT16_UNITS

OUTPUT = Path(__file__).parents[1] / "docs" / "benchmarks"


def main(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = OUTPUT,
    gpu: Annotated[bool, typer.Option(help="Measure on the GPU.")] = False,
) -> None:
    """Print a table of results and of earlier ones in OUTPUT, and write JSON and plots."""
    if gpu:
        spacy.require_gpu()
    device = torch.device("cuda" if gpu else "cpu")
    name = "gpu" if gpu else "cpu"
    earlier = report.read_earlier(output / f"{name}.json")
    with TemporaryDirectory() as folder:
        # This comes first, since memory is fragmented later.
        long_doc = [*pipelines.long_doc(Path(folder)), pipelines.tags_of_long_doc()]
        results = [
            *encoders.measure(device),
            *pipelines.measure(Path(folder)),
            *precisions.measure(Path(folder), device),
            *long_doc,
        ]
        growth = pipelines.growth(Path(folder))
    report.show(results, earlier)
    report.save(output / f"{name}.json", results, growth, machine(device))
    report.draw_results(output / f"{name}_ratios.png", results)
    report.draw_growth(output / f"{name}_growth.png", growth)


def machine(device: torch.device) -> dict[str, str | int]:
    """Describe the hardware and software of the measurement.

    device (torch.device): The device.
    RETURNS (dict[str, str | int]): The description.
    """
    capabilities = torch.cpu.get_capabilities()
    units = (*BFLOAT16_UNITS, *precisions.INT8_UNITS)
    on_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else capabilities["cpu_name"],
        "units": ", ".join(name for name in units if capabilities.get(name, False)),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    typer.run(main)
