from collections.abc import Iterable
from pathlib import Path


def prepare(*, gpu_id: int, inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Let what can fail fail before the long part.

    gpu_id (int): The number of the GPU; the CPU if it is negative.
    inputs (Iterable[Path]): The files that are read.
    outputs (Iterable[Path]): The files that are going to be written. Their folders are made.
    RAISES (ValueError): If there is no such GPU, or a file can't be written.
    """
    import spacy

    from spacy_str_encoder.files.whole import check_outputs

    if gpu_id >= 0:
        spacy.require_gpu(gpu_id)
    outputs = list(outputs)
    check_outputs(outputs, inputs)
    for path in outputs:
        if path.is_dir():
            raise ValueError(f"{path}: can't write a file, since this is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
