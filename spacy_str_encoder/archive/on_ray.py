"""Archives on Ray: on one machine, or a cluster whose machines share the folders of the archive, of
the output and of the pipeline."""

import logging
import pickle
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
    raise ImportError(
        "--engine ray needs Ray; install it with pip install 'spacy_str_encoder[ray]'"
    ) from error


# How often a chunk is tried again whose worker has died: a text that kills it would do so for ever.
MAX_RETRIES = 3
DIED = (
    f"Workers of Ray have died {1 + MAX_RETRIES} times at the same texts; they may have been out "
    "of memory. Fewer workers on a machine, a smaller batch size, or shorter texts (--max-length) "
    "need less. Run the same command again to go on."
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
    """Annotate chunks by Ray Data: tasks read the sources, and actors, which load the pipeline
    once each, annotate. What is lost with a worker that dies is done again by another one.

    write_part (PartWriter): Annotates a chunk.
    readers (Iterable[ChunkReader]): The chunks of each source.
    workers (int): The number of actors.
    cpus (float): The CPUs of each.
    gpus (float): The GPUs of each.
    address (str | None): The address of a cluster; Ray is started on this machine if None.
    YIELDS (Part): What became of each chunk, in their order.
    RAISES (ValueError): If an actor runs into an error, or dies again and again.
    """
    ray.init(
        address=address or "local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        _set_up()
        sources = ray.data.from_items([{"reader": pickle.dumps(reader)} for reader in readers])
        chunks = sources.map_batches(
            _read_chunks,
            batch_size=1,
            batch_format="pyarrow",
            compute=TaskPoolStrategy(size=workers),
            # Actors may have taken all CPUs, and then wait for what is read.
            num_cpus=0,
        )
        with warnings.catch_warnings():
            # There is no other way yet to say how often to try again.
            warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
            parts = chunks.map_batches(
                _Annotator,
                fn_constructor_args=(_portable(write_part, gpus=gpus), max(1, int(cpus))),
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
                raise ValueError(f"A worker of Ray failed: {part}")
            yield part
    except ray.exceptions.RayTaskError as error:
        raise ValueError(f"A worker of Ray failed: {error.cause}") from error
    except ray.exceptions.RayActorError as error:
        raise ValueError(DIED) from error
    finally:
        ray.shutdown()


def _set_up() -> None:
    # What goes wrong is raised here, in a sentence.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    # A small archive has fewer files, or chunks, than there are workers.
    warnings.filterwarnings("ignore", "The (maximum|minimum) number of concurrent", UserWarning)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    # A block of data is a chunk, however small it is, so that all actors have something to do.
    context.target_min_block_size = context.target_max_block_size = 1


def _portable(write_part: PartWriter, *, gpus: float) -> PartWriter:
    """What actors get: they have another working directory, and a GPU of their own is the first."""
    model = Path(write_part.model)
    return replace(
        write_part,
        model=str(model.resolve()) if model.exists() else write_part.model,
        folder=write_part.folder.resolve(),
        gpu_id=0 if gpus else -1,
    )


def _read_chunks(batch: pyarrow.Table) -> Iterator[pyarrow.Table]:
    for reader in batch["reader"].to_pylist():
        try:
            for chunk in pickle.loads(reader):
                yield pyarrow.table({"chunk": [pickle.dumps(chunk)]})
        except Exception as error:  # in the words of Ray, it would be hidden under others
            yield pyarrow.table({"chunk": [pickle.dumps(_describe(error))]})


class _Annotator:
    """What an actor does."""

    def __init__(self, write_part: PartWriter, threads: int) -> None:
        torch.set_num_threads(threads)
        self.write_part = write_part

    def __call__(self, batch: pyarrow.Table) -> pyarrow.Table:
        chunks = map(pickle.loads, batch["chunk"].to_pylist())
        return pyarrow.table({"part": [pickle.dumps(self._annotate(each)) for each in chunks]})

    def _annotate(self, chunk: Chunk | str) -> Part | str:
        if isinstance(chunk, str):
            # It could not be read.
            return chunk
        try:
            return self.write_part(chunk)
        except Exception as error:  # as above
            return _describe(error)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
