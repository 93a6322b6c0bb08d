"""Components that notice what would change them silently: a flipped bit in saved weights, labels in
another order, or a function that can't be saved.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import srsly
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.util import minibatch

SEAL = "sha256.json"


class SealedPipe(TrainablePipe):
    """Pipeline component that saves hashes of its files and checks them when it is loaded."""

    _functions: Mapping[str, Any] = {}

    def _note_functions(self, *names: str) -> None:
        """Note the functions that come from the config.

        *names (str): The attributes that hold them.
        """
        self._functions = {name: getattr(self, name) for name in names}

    def _warn_of_unsaved(self) -> None:
        for name, function in self._functions.items():
            if getattr(self, name) is not function:
                warnings.warn(UNSAVED.format(component=self.name, name=name), stacklevel=3)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process docs. If a batch fails, its docs are tried one by one, so that only those that
        fail go to the error handler (`nlp.set_error_handler`).

        stream (Iterable[Doc]): The docs.
        batch_size (int): Number of docs to process at once.
        YIELDS (Doc): The processed docs, in order.
        """
        for docs in minibatch(stream, batch_size):
            yield from self._process(docs)

    def _process(self, docs: list[Doc]) -> list[Doc]:
        """RETURNS (list[Doc]): The docs that did not fail."""
        try:
            self.set_annotations(docs, self.predict(docs))
        except Exception as error:
            if len(docs) > 1:
                return [done for doc in docs for done in self._process([doc])]
            self.get_error_handler()(self.name, self, docs, error)
            return []
        return docs

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize the component.

        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (bytes): The serialized component.
        """
        self._warn_of_unsaved()
        return super().to_bytes(exclude=exclude)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Names of parts to exclude.
        """
        self._warn_of_unsaved()
        super().to_disk(path, exclude=exclude)
        srsly.write_json(Path(path) / SEAL, _hash_files(Path(path)))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component.

        path (str | Path): Folder of the component.
        exclude (Iterable[str]): Names of parts to exclude.
        RETURNS (SealedPipe): The same component.
        RAISES (ValueError): If a file is missing, or has changed since it was saved.
        """
        _check_seal(Path(path), self.name)
        super().from_disk(path, exclude=exclude)
        return self

    def rehearse(self, *args: Any, **kwargs: Any) -> None:
        """Raise an error: rehearsal is not supported."""
        raise NotImplementedError(f"The component '{self.name}' does not support rehearsal.")


UNSAVED = (
    "{component}: `{name}` was changed in Python, which can't be saved: a pipeline that is loaded "
    "again has the function of its config. Register the function, name it in the config, and give "
    "its file to commands (--code)."
)


def _check_seal(folder: Path, name: str) -> None:
    if not (folder / SEAL).is_file():
        raise ValueError(
            f"{name}: {folder} is incomplete: it has no {SEAL}. Copy or save the pipeline again."
        )
    found = _hash_files(folder)
    if wrong := [file for file, digest in _read_seal(folder).items() if found.get(file) != digest]:
        raise ValueError(
            f"{name}: {folder} is damaged: changed since it was saved: {', '.join(wrong)}. Copy "
            "the pipeline again. To change a setting, load the pipeline in Python, set it there, "
            "and save."
        )


def _read_seal(folder: Path) -> dict[str, str]:
    try:
        return dict(srsly.read_json(folder / SEAL))
    except (TypeError, ValueError):
        return {SEAL: "unreadable"}


def _hash_files(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != SEAL]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in files}
