"""The parts of an archive whose texts are all annotated."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files.archive_names import MANIFEST, name_part
from ..files.whole import measure
from .manifest import Manifest, open_manifest

# Maximum number of inputs to name in an error.
EXAMPLES = 3


@dataclass(frozen=True)
class FinishedArchive:
    """The output of a finished run.

    parts (list[Path]): The folders that parts were written to, in order.
    rejected (int): The number of texts that could not be annotated.
    """

    parts: list[Path]
    rejected: int


def find_finished(folder: Path, *, format: str) -> FinishedArchive:
    """Find the parts of an archive, each of which is a folder.

    folder (Path): The output folder of `annotate`.
    format (str): The format that it must have.
    RETURNS (FinishedArchive): The archive.
    RAISES (ValueError): If the folder has no manifest, was written in another format, is not
        finished, or a part has another size than when it was written.
    """
    if not (folder / MANIFEST).is_file():
        raise ValueError(NO_ARCHIVE.format(folder=folder, format=format))
    with open_manifest(folder) as manifest:
        if (found := manifest.settings.get("format")) not in (format, None):
            raise ValueError(OTHER_FORMAT.format(folder=folder, found=found, format=format))
        if left := manifest.unfinished():
            names = ", ".join(left[:EXAMPLES]) + (" and others" if len(left) > EXAMPLES else "")
            count = f"{len(left):,} of {len(manifest.current()):,}"
            raise ValueError(UNFINISHED.format(folder=folder, count=count, names=names))
        if not manifest.sources:
            raise ValueError(NOTHING.format(folder=folder))
        return FinishedArchive([*_find_parts(folder, manifest)], manifest.rejected)


def _find_parts(folder: Path, manifest: Manifest) -> Iterator[Path]:
    for source in sorted(manifest.chunks):
        for chunk, size in sorted(manifest.chunks[source].items()):
            path = folder / name_part(source, chunk)
            if size not in (found := measure(path), None):
                raise ValueError(OTHER_SIZE.format(path=path, size=size, found=found))
            yield path


NO_ARCHIVE = (
    "{folder}: the folder must be one that annotate --format {format} has written, but it has no "
    f"{MANIFEST}"
)
OTHER_FORMAT = (
    "{folder}: the archive must be in the format {format}, got {found}. Annotate the texts with "
    "--format {format} into another folder."
)
UNFINISHED = (
    "{folder}: the archive is not finished: {count} inputs are not read to their end ({names}). "
    "Repeat the annotate command that began it, and try again."
)
OTHER_SIZE = (
    "{path}: the part has {found:,} bytes, but annotate has written {size:,}. Restore it, or "
    "repeat the annotate command with --overwrite."
)
NOTHING = (
    "{folder}: the archive is not finished: no text is annotated yet. Repeat the annotate command "
    "that began it, and try again."
)
