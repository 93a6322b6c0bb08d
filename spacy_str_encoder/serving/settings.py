"""Settings of the service."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Settings of the service. Each worker process gets a copy.

    model (str): The folder or the package of the pipeline.
    gpu_id (int): The ID of the GPU; -1 for the CPU.
    code (Path | None): A file of Python code that the pipeline needs.
    precision (str | None): The precision of predictions; that of the pipeline if None.
    threads (int): The maximum number of threads that PyTorch uses.
    tokens (tuple[str, ...]): The tokens that clients may send; empty if anyone may use the service.
    max_length (int): The maximum number of characters of a text.
    max_texts (int): The maximum number of texts of a request.
    max_bytes (int): The maximum size of the body of a request.
    max_queue (int): The maximum number of texts that wait.
    batch_size (int): The maximum number of texts of a batch.
    batch_wait (float): The seconds that a text waits for others, unless the batch is full.
    label_studio (bool): Whether to answer Label Studio, too.
    """

    model: str
    gpu_id: int = -1
    code: Path | None = None
    precision: str | None = None
    threads: int = 1
    tokens: tuple[str, ...] = ()
    max_length: int = 50_000
    max_texts: int = 64
    max_bytes: int = 10_000_000
    max_queue: int = 512
    batch_size: int = 32
    batch_wait: float = 0.005
    label_studio: bool = False

    def __post_init__(self) -> None:
        """Check the settings.

        RAISES (ValueError): If a request of the maximum size would never fit into the queue.
        """
        if self.max_queue < self.max_texts:
            raise ValueError(
                f"the queue (--max-queue {self.max_queue}) must have room for a request of "
                f"--max-texts {self.max_texts} texts"
            )
