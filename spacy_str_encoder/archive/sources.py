"""What an archive consists of: files, found by their names, in folders or by patterns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from glob import glob
from hashlib import sha256
from pathlib import Path

from .entries import Entry
from .lines import GZIP_SUFFIX
from .readers import READERS, Fields, Reader, Reading, read_text_lines, read_to_damage, read_whole

# How much of a file tells it from another one of the same size.
HEAD_SIZE = 2**16
COMPRESSIBLE = {".jsonl", ".ndjson", ".csv", ".tsv", ".txt"}
# What all text files are called, if each is one text.
TEXTS = "text files"
KINDS = (
    f"Files end in {', '.join(READERS)}; {', '.join(sorted(COMPRESSIBLE))} may be compressed "
    f"({GZIP_SUFFIX})."
)


@dataclass(frozen=True)
class Source:
    """Something to read from its beginning to its end.

    name (str): What it is called: the path of a file, as it was given.
    path (str): What it is known by in later runs: the whole path.
    size (int): How large it is, in bytes.
    fingerprint (str): Tells whether it has changed.
    read (Callable[[Fields], Reading]): Reads it.
    """

    name: str
    path: str
    size: int
    fingerprint: str
    read: Callable[[Fields], Reading]


def find_sources(
    inputs: Iterable[str], *, output: Path, whole_files: bool = False
) -> tuple[list[Source], list[str]]:
    """Find what to read.

    inputs (Iterable[str]): Files, folders, and patterns of names.
    output (Path): The folder that is written to; what is in there is not read.
    whole_files (bool): Whether a text file is one text. All of them together are a source then.
    RETURNS (tuple[list[Source], list[str]]): The sources in the order of their names, and the files
        of folders and patterns that are of no known kind.
    RAISES (ValueError): If an input is missing or of no known kind, or there is nothing to read.
    """
    files = {file.resolve(): file for name in inputs for file in _find_files(name, output)}
    readers = {file: _find_reader(file) for file in sorted(files.values())}
    joined = read_text_lines if whole_files else None
    sources = [
        _make_source(file, read) for file, read in readers.items() if read and read is not joined
    ]
    if texts := [file for file, read in readers.items() if read and read is joined]:
        sources.append(_join_texts(texts))
    if not sources:
        raise ValueError(f"{', '.join(inputs)}: there is nothing to read. {KINDS}")
    return sources, [str(file) for file, read in readers.items() if read is None]


def _find_files(name: str, output: Path) -> list[Path]:
    path = Path(name)
    if path.is_file():
        if _find_reader(path) is None:
            raise ValueError(f"{path}: this is no kind of file that can be read. {KINDS}")
        return [path]
    found = path.rglob("*") if path.is_dir() else map(Path, glob(name, recursive=True))
    files = [file for file in found if file.is_file() and not file.name.startswith(".")]
    if not files:
        raise ValueError(f"{name}: there is no such file, nor any in a folder of that name")
    return [file for file in files if not file.resolve().is_relative_to(output.resolve())]


def _find_reader(path: Path) -> Reader | None:
    name = Path(path.stem) if path.suffix == GZIP_SUFFIX else path
    if path.suffix == GZIP_SUFFIX and name.suffix not in COMPRESSIBLE:
        return None
    return READERS.get(name.suffix)


def _make_source(path: Path, read: Reader) -> Source:
    with path.open("rb") as file:
        head = sha256(file.read(HEAD_SIZE))
    size = path.stat().st_size
    reading = partial(read_to_damage, path.resolve(), read=read)
    fingerprint = f"{size}-{head.hexdigest()[:16]}"
    return Source(str(path), str(path.resolve()), size, fingerprint, reading)


def _join_texts(paths: Sequence[Path]) -> Source:
    names = sha256("\n".join(str(path.resolve()) for path in paths).encode(errors="replace"))
    size = sum(path.stat().st_size for path in paths)
    fingerprint = f"{len(paths)}-{size}-{names.hexdigest()[:16]}"
    return Source(TEXTS, TEXTS, size, fingerprint, partial(_read_texts, paths))


def _read_texts(paths: Sequence[Path], fields: Fields) -> Reading:
    """Read files that are a text each; their paths are the identifiers."""
    for number, path in enumerate(paths, start=1):
        for item, _ in read_to_damage(path.resolve(), fields, read=read_whole):
            item = replace(item, number=number)
            if isinstance(item, Entry):
                item = replace(item, id=str(path))
            yield item, number / len(paths)
