"""Advice for files that are in no format."""

from pathlib import Path

from .brat.files import TEXT, WITHOUT_LINES

ADVICE = {
    TEXT: WITHOUT_LINES,
    ".csv": ".csv files, which have no annotations; run `annotate` with --format jsonl, parquet "
    "or spacy",
    ".tsv": ".tsv files without the first line of WebAnno TSV 3; a file with columns of tokens "
    "and tags is read with `--from conll`",
    ".xml": ".xml files, of which BioC XML is read, one file at a time; from INCEpTION, export "
    "UIMA CAS XMI (.xmi)",
}


def advise(path: Path) -> str:
    """Describe what a file lacks, or the files of a folder.

    path (Path): A file in no format, or a folder without annotated files.
    RETURNS (str): The description, and what to do; empty if nothing is known of the files.
    """
    files = path.rglob("*") if path.is_dir() else [path]
    suffixes = {file.suffix.lower() for file in files}
    return "; ".join(advice for suffix, advice in ADVICE.items() if suffix in suffixes)
