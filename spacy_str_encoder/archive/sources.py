"""Sources: the files of an archive, given by name, by folder or by pattern."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from glob import glob
from hashlib import file_digest, sha256
from pathlib import Path

from ..files.entries import Entry
from ..files.readers import (
    FILE_TYPES,
    Fields,
    Reader,
    Reading,
    find_reader,
    read_text_lines,
    read_to_damage,
    read_whole,
)

# The name of the source that all text files form if each of them is a single text.
TEXTS = "text files"


# The size of a file, the time of its last change, and its inode.
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Source:
    """A file of texts, or several files that are one text each.

    name (str): The name in outputs and messages: the path of the file as given.
    path (str): The absolute path, by which later runs recognize the source.
    size (int): The size in bytes.
    fingerprint (str): A hash that shows changes since an earlier run.
    read (Callable[[Fields], Reading]): Reads the source.
    files (tuple[Path, ...]): The files of the source.
    stamps (tuple[Stamp, ...]): The stamps of the files, a cheap way to see changes since this run
        began.
    digests (Mapping[str, str]): The hash of each file by its absolute path, if the files are one
        text each.
    """

    name: str
    path: str
    size: int
    fingerprint: str
    read: Callable[[Fields], Reading]
    files: tuple[Path, ...]
    stamps: tuple[Stamp, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    def has_changed(self) -> bool:
        """RETURNS (bool): Whether any of the files has changed since this run began. A removed file
        does not count as changed.
        """
        pairs = zip(self.files, self.stamps, strict=True)
        return any(_stamp(file) != stamp for file, stamp in pairs if file.exists())


def find_sources(
    inputs: Iterable[str], *, output: Path, whole_files: bool = False
) -> tuple[list[Source], list[str]]:
    """Find the sources of an archive.

    inputs (Iterable[str]): Files, folders, and patterns of file names.
    output (Path): The output folder, whose files are not read.
    whole_files (bool): Whether each text file is a single text. Together they form one source.
    RETURNS (tuple[list[Source], list[str]]): The sources in the order of their names, and the files
        of folders and patterns whose type is not supported.
    RAISES (ValueError): If an input is missing or its type is not supported, or if there is nothing
        to read.
    """
    readers = find_readers(inputs, output=output)
    unsupported = [str(file) for file, read in readers.items() if read is None]
    sources = _make_sources(readers, whole_files=whole_files)
    if not sources:
        raise ValueError(f"{', '.join(inputs)}: nothing to read. {FILE_TYPES}")
    return sources, unsupported


def find_readers(inputs: Iterable[str], *, output: Path | None = None) -> dict[Path, Reader | None]:
    """Find the files of an archive, each once.

    inputs (Iterable[str]): Files, folders, and patterns of file names.
    output (Path | None): A folder whose files are left out, if any, unless given by name.
    RETURNS (dict[Path, Reader | None]): The files in the order of their names, with their readers;
        None where the file type is not supported.
    RAISES (ValueError): If an input is missing or its type is not supported.
    """
    files = {file.resolve(): file for name in inputs for file in _find_files(name, output)}
    return {file: find_reader(file) for file in sorted(files.values())}


def _make_sources(readers: Mapping[Path, Reader | None], *, whole_files: bool) -> list[Source]:
    sources, texts = [], []
    for file, read in readers.items():
        if read is read_text_lines and whole_files:
            texts.append(file)
        elif read is not None:
            sources.append(_make_source(file, read))
    return [*sources, join_texts(texts)] if texts else sources


def _find_files(name: str, output: Path | None) -> list[Path]:
    path = Path(name)
    if not name.strip():
        raise ValueError("An input must have a name, got an empty one; is a variable empty?")
    if path.is_file():
        _require_reader(path)
        return [path]
    files = _files_in_folder(path) if path.is_dir() else _files_of_pattern(name)
    if not files:
        raise ValueError(f"{name}: no such file, and no folder or pattern with any files")
    if output is None:
        return files
    return [file for file in files if not file.resolve().is_relative_to(output.resolve())]


def _files_in_folder(folder: Path) -> list[Path]:
    """Find the files of a folder and its subfolders, except hidden ones."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [file for file in files if not _is_hidden(file.relative_to(folder))]


def _files_of_pattern(pattern: str) -> list[Path]:
    files = [path for path in map(Path, glob(pattern, recursive=True)) if path.is_file()]
    return [file for file in files if not _is_hidden(Path(file.name))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _require_reader(path: Path) -> None:
    if find_reader(path) is None:
        raise ValueError(f"{path}: unsupported file type. {FILE_TYPES}")


def _make_source(path: Path, read: Reader) -> Source:
    stamp = _stamp(path)
    # Read under the given name: the target of a link may have another suffix.
    reading = partial(read_to_damage, path.absolute(), read=read)
    names = _printable(path), _printable(path.resolve())
    return Source(*names, stamp[0], _digest(path), reading, (path,), (stamp,))


def join_texts(paths: Sequence[Path], *, name: str = TEXTS) -> Source:
    """Make one source of files that are one text each.

    paths (Sequence[Path]): The files.
    name (str): The name of the source.
    RETURNS (Source): The source.
    """
    stamps = tuple(map(_stamp, paths))
    digests = {_printable(path.resolve()): _digest(path) for path in paths}
    lines = (f"{path} {digest}" for path, digest in digests.items())
    fingerprint = sha256("\n".join(lines).encode()).hexdigest()
    size = sum(size for size, *_ in stamps)
    reading = partial(_read_texts, {_printable(path): path.absolute() for path in paths})
    return Source(name, name, size, fingerprint, reading, tuple(paths), stamps, digests)


def _printable(path: Path) -> str:
    """Return a path as a string, with escapes for bytes that are not UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _read_texts(paths: Mapping[str, Path], fields: Fields) -> Reading:
    """Read files that are one text each, with their names as identifiers."""
    for number, (name, path) in enumerate(paths.items(), start=1):
        for item, _ in read_to_damage(path, fields, read=read_whole):
            item = replace(item, number=number)
            if isinstance(item, Entry):
                item = replace(item, id=name)
            yield item, number / len(paths)
