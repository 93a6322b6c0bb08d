"""Annotation of archives on Ray: on one machine, or on a cluster whose machines share the folders
of the archive, the output and the pipeline.
"""

import logging
import pickle
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from .chunks import Chunk, ChunkReader
from .manifest import Part
from .parts import PartWriter

try:
    import pyarrow
    import ray
    from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy
except ImportError as error:
    raise ImportError("--engine ray needs Ray: pip install 'spacy_str_encoder[ray]'") from error


# Limits retries of a chunk whose worker died: a text may kill its worker every time.
MAX_RETRIES = 3
# In seconds. Most threads stop at once; one that only waits does no harm.
PATIENCE = 5
DIED = (
    f"Ray workers died {1 + MAX_RETRIES} times at the same texts, possibly because they ran out of "
    "memory. Run the same command again to go on. To use less memory, reduce the number of workers "
    "per machine (--n-process), --batch-size or --max-length."
)


def annotate_on_ray(
    write_part: PartWriter,
    readers: Iterable[ChunkReader],
    *,
    workers: int,
    cpus: float = 1,
    gpus: float = 0,
    address: str | None = None,
) -> Iterator[Part]:
    """Annotate chunks with Ray Data. Tasks read the sources; actors annotate, and each of them
    loads the pipeline once. If a worker dies, another one takes over its chunk.

    write_part (PartWriter): Annotates a chunk.
    readers (Iterable[ChunkReader]): The chunks of each source.
    workers (int): The number of actors.
    cpus (float): The CPUs per actor.
    gpus (float): The GPUs per actor.
    address (str | None): The address of a cluster; if None, Ray is started on this machine.
    YIELDS (Part): The part of each chunk, in order.
    RAISES (ValueError): If a worker fails, or dies repeatedly.
    """
    ray.init(
        address=address or "local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    others = {*threading.enumerate()}
    try:
        _set_up()
        sources = ray.data.from_items([{"reader": pickle.dumps(reader)} for reader in readers])
        chunks = sources.map_batches(
            _read_chunks,
            batch_size=1,
            batch_format="pyarrow",
            compute=TaskPoolStrategy(size=workers),
            # Actors may occupy all CPUs while they wait for chunks.
            num_cpus=0,
        )
        with warnings.catch_warnings():
            # Ray has no other way yet to limit the retries of a task.
            warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
            parts = chunks.map_batches(
                _Annotator,
                fn_constructor_args=(
                    portable(write_part.for_worker(), gpus=gpus),
                    max(1, int(cpus)),
                ),
                batch_size=1,
                batch_format="pyarrow",
                compute=ActorPoolStrategy(size=workers),
                num_cpus=cpus,
                num_gpus=gpus,
                max_task_retries=MAX_RETRIES,
            )
        for row in parts.iter_rows():
            part = pickle.loads(row["part"])
            if isinstance(part, str):
                raise ValueError(f"A Ray worker failed: {part}")
            yield part
    except ray.exceptions.RayTaskError as error:
        raise ValueError(f"A Ray worker failed: {error.cause}") from error
    except ray.exceptions.RayActorError as error:
        raise ValueError(DIED) from error
    finally:
        _wait_for_readers(others)
        ray.shutdown()


def _set_up() -> None:
    # Errors are raised here, in one sentence.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    # A small archive has fewer files or chunks than there are workers.
    warnings.filterwarnings("ignore", "The (maximum|minimum) number of concurrent", UserWarning)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    # Each chunk is a block of its own, however small, so that all actors get work.
    context.target_min_block_size = context.target_max_block_size = 1


def _wait_for_readers(others: set[threading.Thread]) -> None:
    """Wait for the threads in which Ray Data reads ahead. After a failure they are still busy, and
    one that asks Ray for something after its shutdown ends this process without a message."""
    end = time.monotonic() + PATIENCE
    for thread in {*threading.enumerate()} - others:
        thread.join(max(0, end - time.monotonic()))


def portable(write_part: PartWriter, *, gpus: float) -> PartWriter:
    """Adapt a part writer to actors: they have another working directory, and each sees its own GPU
    as number 0.

    write_part (PartWriter): The part writer.
    gpus (float): The GPUs per actor.
    RETURNS (PartWriter): The part writer of an actor.
    """
    model = Path(write_part.model)
    return replace(
        write_part,
        model=str(model.resolve()) if model.exists() else write_part.model,
        folder=write_part.folder.resolve(),
        code=write_part.code and write_part.code.resolve(),
        gpu_id=0 if gpus else -1,
    )


def _read_chunks(batch: pyarrow.Table) -> Iterator[pyarrow.Table]:
    for reader in batch["reader"].to_pylist():
        try:
            for chunk in pickle.loads(reader):
                yield pyarrow.table({"chunk": [pickle.dumps(chunk)]})
        except Exception as error:  # Ray would bury the message in its own
            yield pyarrow.table({"chunk": [pickle.dumps(_describe(error))]})


class _Annotator:
    """Annotates chunks in an actor."""

    def __init__(self, write_part: PartWriter, threads: int) -> None:
        torch.set_num_threads(threads)
        self.write_part = write_part

    def __call__(self, batch: pyarrow.Table) -> pyarrow.Table:
        chunks = map(pickle.loads, batch["chunk"].to_pylist())
        return pyarrow.table({"part": [pickle.dumps(self._annotate(each)) for each in chunks]})

    def _annotate(self, chunk: Chunk | str) -> Part | str:
        if isinstance(chunk, str):
            # The message of an error in `_read_chunks`.
            return chunk
        try:
            return self.write_part(chunk)
        except Exception as error:  # as above
            return _describe(error)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
