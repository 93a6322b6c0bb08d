import os
from collections.abc import Iterable
from pathlib import Path


def prepare(*, gpu_id: int, inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Choose the device and check the output files before a long run starts.

    gpu_id (int): The ID of the GPU, or a negative number for the CPU.
    inputs (Iterable[Path]): The files to read.
    outputs (Iterable[Path]): The files to write.
    RAISES (ValueError): If the GPU does not exist, or a file can't be written.
    """
    from spacy_str_encoder.files.whole import check_outputs
    from spacy_str_encoder.loading import require_gpu

    require_gpu(gpu_id)
    outputs = list(outputs)
    for path in outputs:
        if path.is_dir():
            raise ValueError(f"{path}: can't write to this file, since it is a folder")
    check_outputs(outputs, inputs)
    for path in outputs:
        _check_folder(path)


def _check_folder(path: Path) -> None:
    """Check that the folder of a file can be written to, without creating it yet."""
    folder = next(each for each in path.absolute().parents if each.exists())
    if not folder.is_dir():
        raise ValueError(f"{path}: can't write to this file, since {folder} is not a folder")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{path}: can't write to this file: no permission to write to {folder}")
