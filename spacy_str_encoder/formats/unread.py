"""Advice for folders whose files are in no format."""

from pathlib import Path

from .brat.files import TEXT, WITHOUT_LINES

EXPORT = "export annotations of INCEpTION as UIMA CAS XMI (XML 1.0)"
ADVICE = {
    TEXT: WITHOUT_LINES,
    ".tsv": f".tsv files, which are not read; {EXPORT}, and write others as JSON lines",
    ".xml": f".xml files, which are not read; {EXPORT}",
}


def advise(folder: Path) -> str:
    """Describe what the files of a folder lack.

    folder (Path): A folder without annotated files.
    RETURNS (str): The beginning of an error message; empty if nothing is known of the files.
    """
    suffixes = {file.suffix.lower() for file in folder.rglob("*")}
    return "".join(f"{advice}; " for suffix, advice in ADVICE.items() if suffix in suffixes)
