"""Decide where converted texts are written, and in which format."""

from collections.abc import Iterable, Mapping, Sequence
from os.path import abspath
from pathlib import Path

from ..files.docbin import SUFFIX
from .format import Format
from .registry import JSON_SUFFIXES, find_suffixes, get_format
from .sources import Source

DEFAULT = "spacy"
# Formats to write to a file whose suffix several formats have.
BY_SUFFIX = {SUFFIX: DEFAULT, ".jsonl": "jsonl"}


def choose_target(name: str | None, output: Path, formats: Mapping[str, Format]) -> Format:
    """Choose the format to write.

    name (str | None): The name of the format. If None, the suffix of the output tells it.
    output (Path): The file or folder to write to.
    formats (Mapping[str, Format]): All formats.
    RETURNS (Format): The format; spaCy's if the output is a folder.
    RAISES (ValueError): If no format has that name, the format can only be read, the suffix does
        not tell it, or no format has the suffix.
    """
    _check_suffix(output, formats)
    target = _get(name, formats) if name else _choose_by_suffix(output, formats)
    target.require_write()
    return target


def _get(name: str, formats: Mapping[str, Format]) -> Format:
    """Look up a format. An error lists only those that can be written."""
    return get_format(name, formats if name in formats else _select_written(formats))


def _select_written(formats: Mapping[str, Format]) -> dict[str, Format]:
    return {name: each for name, each in formats.items() if each.write}


def _check_suffix(output: Path, formats: Mapping[str, Format]) -> None:
    """Check that a file would not become a folder because of its suffix. Names of folders may end
    in numbers, such as corpus-1.2."""
    known = find_suffixes(formats)
    is_known = output.suffix.lower() in known or not output.suffix[1:].isalpha()
    if not is_known and not output.exists():
        written = sorted(find_suffixes(_select_written(formats)))
        raise ValueError(
            f"{output}: no format ends in {output.suffix}; the suffix of a file must be one of "
            f"{', '.join(written)}. If this is to be a folder, create it first."
        )


def _choose_by_suffix(output: Path, formats: Mapping[str, Format]) -> Format:
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in find_suffixes(formats):
        return formats[DEFAULT]
    names = [each.name for each in formats.values() if each.suffix == suffix and each.write]
    if len(names) == 1 or suffix in BY_SUFFIX:
        return formats[BY_SUFFIX.get(suffix, names[0])]
    problem = f"several formats end in {suffix}" if names else f"no format writes {suffix} files"
    names = names or [*_select_written(formats)]
    raise ValueError(f"{output}: {problem}; choose one with --to: {', '.join(names)}")


def is_file_of(target: Format, output: Path, formats: Mapping[str, Format]) -> bool:
    """Check if an output is a file in a format, rather than a folder.

    target (Format): The format to write.
    output (Path): The file or folder to write to.
    formats (Mapping[str, Format]): All formats.
    RETURNS (bool): Whether it is a file: it has the suffix of one.
    RAISES (ValueError): If the suffix belongs to another format.
    """
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in find_suffixes(formats):
        return False
    if suffix == target.suffix or {suffix, target.suffix} <= JSON_SUFFIXES:
        return True
    expected = f"end in {target.suffix}" if target.suffix else "be a folder"
    raise ValueError(f"{output}: the output must {expected} in the format '{target.name}'")


def place_outputs(
    sources: Sequence[Source], output: Path, suffix: str, *, is_file: bool
) -> list[Path]:
    """Decide where each file is written.

    sources (Sequence[Source]): The files to read.
    output (Path): The file, or the folder, to write to.
    suffix (str): The suffix of the files to write.
    is_file (bool): Whether the output is a file.
    RETURNS (list[Path]): The output of each source.
    RAISES (ValueError): If two files would be written to the same path.
    """
    if is_file and len(sources) > 1:
        raise ValueError(
            f"{output}: the output must be a folder, since there are {len(sources)} input files; "
            "training reads folders too (--paths.train FOLDER)"
        )
    if is_file:
        return [output]
    outputs: dict[Path, Source] = {}
    for source in sources:
        # The names of folders such as "." and ".." are only in their absolute paths.
        path = output / f"{Path(abspath(source.path)).stem}{suffix}"
        if path in outputs:
            raise ValueError(
                f"{outputs[path].path} and {source.path} would both be written to {path}; "
                "rename one of them"
            )
        outputs[path] = source
    return list(outputs)


def place_parts(parts: Iterable[str], output: Path, suffix: str, *, is_file: bool) -> list[Path]:
    """Decide where each part of a split is written.

    parts (Iterable[str]): The names of the parts.
    output (Path): The folder to write to.
    suffix (str): The suffix of the files to write.
    is_file (bool): Whether the output is a file.
    RETURNS (list[Path]): The output of each part.
    RAISES (ValueError): If the output is a file.
    """
    if is_file:
        raise ValueError(f"{output}: the output must be a folder, since a split has several files")
    return [output / f"{name}{suffix}" for name in parts]
