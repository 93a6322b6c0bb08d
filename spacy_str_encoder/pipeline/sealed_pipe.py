"""A component's folder tells whether it still is what was saved.

A flipped bit in the weights, or labels in another order, would else change answers in silence.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Self

import srsly
from spacy.pipeline import TrainablePipe

SEAL = "sha256.json"


class SealedPipe(TrainablePipe):
    """A component whose folder holds the hashes of what was saved."""

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component.

        path (str | Path): A folder.
        exclude (Iterable[str]): Names of parts to leave out.
        """
        super().to_disk(path, exclude=exclude)
        srsly.write_json(Path(path) / SEAL, _hash_files(Path(path)))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component.

        path (str | Path): A folder.
        exclude (Iterable[str]): Names of parts to leave out.
        RETURNS (SealedPipe): The same component.
        RAISES (ValueError): If a file is missing, or another one than was saved.
        """
        _check_seal(Path(path), self.name)
        super().from_disk(path, exclude=exclude)
        return self


def _check_seal(folder: Path, name: str) -> None:
    if not (folder / SEAL).is_file():
        raise ValueError(
            f"{name}: {folder} is incomplete: it has no {SEAL}. Was saving or copying interrupted?"
        )
    found = _hash_files(folder)
    if wrong := [file for file, digest in _read_seal(folder).items() if found.get(file) != digest]:
        raise ValueError(
            f"{name}: {folder} is damaged: {', '.join(wrong)} is not what was saved. Copy the "
            "pipeline again; to change a setting, load it, change it, and save it."
        )


def _read_seal(folder: Path) -> dict[str, str]:
    try:
        return dict(srsly.read_json(folder / SEAL))
    except (TypeError, ValueError):
        return {SEAL: "unreadable"}


def _hash_files(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != SEAL]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in files}
