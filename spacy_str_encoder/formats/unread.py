"""Advice for files that are in no format."""

from pathlib import Path

from .brat.files import TEXT, WITHOUT_LINES

EXPORT = "export annotations of INCEpTION as UIMA CAS XMI (XML 1.0)"
ADVICE = {
    TEXT: WITHOUT_LINES,
    ".tsv": f".tsv files, which are not read; {EXPORT}, and write others as JSON lines",
    ".xml": f".xml files, which are not read; {EXPORT}",
}


def advise(path: Path) -> str:
    """Describe what a file lacks, or the files of a folder.

    path (Path): A file in no format, or a folder without annotated files.
    RETURNS (str): The beginning of an error message; empty if nothing is known of the files.
    """
    files = path.rglob("*") if path.is_dir() else [path]
    suffixes = {file.suffix.lower() for file in files}
    return "".join(f"{advice}; " for suffix, advice in ADVICE.items() if suffix in suffixes)
