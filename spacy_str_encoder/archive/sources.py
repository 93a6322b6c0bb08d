"""What an archive consists of: files, found by their names, in folders or by patterns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from glob import glob
from hashlib import file_digest, sha256
from pathlib import Path

from .entries import Entry
from .lines import GZIP_SUFFIX
from .readers import READERS, Fields, Reader, Reading, read_text_lines, read_to_damage, read_whole

COMPRESSIBLE = {".jsonl", ".ndjson", ".csv", ".tsv", ".txt"}
# What all text files are called, if each is one text.
TEXTS = "text files"
KINDS = (
    f"Files end in {', '.join(READERS)}; {', '.join(sorted(COMPRESSIBLE))} may be compressed "
    f"({GZIP_SUFFIX})."
)


# The size of a file, when it was written to, and where it is on the disk.
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Source:
    """Something to read from its beginning to its end.

    name (str): What it is called: the path of a file, as it was given.
    path (str): What it is known by in later runs: the whole path.
    size (int): How large it is, in bytes.
    fingerprint (str): Tells whether it has changed since an earlier run.
    read (Callable[[Fields], Reading]): Reads it.
    files (tuple[Path, ...]): What it consists of.
    stamps (tuple[Stamp, ...]): Tells, at less cost, whether it has changed since this run began.
    """

    name: str
    path: str
    size: int
    fingerprint: str
    read: Callable[[Fields], Reading]
    files: tuple[Path, ...]
    stamps: tuple[Stamp, ...]

    def has_changed(self) -> bool:
        """RETURNS (bool): Whether any of the files has changed since this run began. One that has
        been removed has not.
        """
        pairs = zip(self.files, self.stamps, strict=True)
        return any(_stamp(file) != stamp for file, stamp in pairs if file.exists())


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
    if not name.strip():
        raise ValueError("An input has no name; is a variable empty?")
    if path.is_file():
        if _find_reader(path) is None:
            raise ValueError(f"{path}: this is no kind of file that can be read. {KINDS}")
        return [path]
    found = path.rglob("*") if path.is_dir() else map(Path, glob(name, recursive=True))
    files = [file for file in found if file.is_file() and not _is_hidden(file, path)]
    if not files:
        raise ValueError(f"{name}: there is no such file, nor any in a folder of that name")
    return [file for file in files if not file.resolve().is_relative_to(output.resolve())]


def _is_hidden(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts if folder.is_dir() else (file.name,)
    return any(part.startswith(".") for part in parts)


def _find_reader(path: Path) -> Reader | None:
    is_compressed = path.suffix.lower() == GZIP_SUFFIX
    suffix = Path(path.stem).suffix.lower() if is_compressed else path.suffix.lower()
    return READERS.get(suffix) if suffix in COMPRESSIBLE or not is_compressed else None


def _make_source(path: Path, read: Reader) -> Source:
    stamp = _stamp(path)
    # What it is read by has its own name: a link may lead to a name without any ending.
    reading = partial(read_to_damage, path.absolute(), read=read)
    names = _printable(path), _printable(path.resolve())
    return Source(*names, stamp[0], _digest(path), reading, (path,), (stamp,))


def _join_texts(paths: Sequence[Path]) -> Source:
    stamps = tuple(map(_stamp, paths))
    digests = [f"{path.resolve()} {_digest(path)}" for path in paths]
    fingerprint = sha256("\n".join(digests).encode(errors="replace")).hexdigest()
    size = sum(size for size, *_ in stamps)
    reading = partial(_read_texts, {_printable(path): path.absolute() for path in paths})
    return Source(TEXTS, TEXTS, size, fingerprint, reading, tuple(paths), stamps)


def _printable(path: Path) -> str:
    """A name, with escapes in the place of what is not UTF-8."""
    return str(path).encode(errors="backslashreplace").decode()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _read_texts(paths: Mapping[str, Path], fields: Fields) -> Reading:
    """Read files that are a text each; their names are the identifiers."""
    for number, (name, path) in enumerate(paths.items(), start=1):
        for item, _ in read_to_damage(path, fields, read=read_whole):
            item = replace(item, number=number)
            if isinstance(item, Entry):
                item = replace(item, id=name)
            yield item, number / len(paths)
