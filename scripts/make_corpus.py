"""Turn annotated texts into the .spacy files that training reads."""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.tokens import Doc, DocBin

from spacy_str_encoder.formats import authors_json, jsonl
from spacy_str_encoder.formats.records import ConversionReport, to_docs

READERS = {".json": authors_json.read, ".jsonl": jsonl.read}


def main(
    inputs: Annotated[list[Path], typer.Argument(help="Files: .json (authors' format) or .jsonl.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    lang: Annotated[str, typer.Option(help="The language of the tokenizer.")] = "zh",
) -> None:
    """Write a .spacy file for each file of annotated texts.

    Docs of a file whose records say whether they are "unseen" (have words or shapes that the
    training data lacks) go to two files, NAME_seen and NAME_unseen, beside the whole.
    """
    try:
        check_inputs(inputs)
        output.mkdir(parents=True, exist_ok=True)
        convert(inputs, output, lang)
    except (ImportError, OSError, ValueError) as error:
        typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None


def check_inputs(inputs: list[Path]) -> None:
    """Check that no two files would be written to the same place.

    inputs (list[Path]): The files.
    RAISES (ValueError): If two have the same name.
    """
    names = [path.stem for path in inputs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two inputs would both be written to {name}.spacy; rename one")


def convert(inputs: list[Path], output: Path, lang: str) -> None:
    """Write the docs of each file, and print what was written and what was left out.

    inputs (list[Path]): The files.
    output (Path): The folder to write.
    lang (str): The language of the tokenizer.
    """
    for path in inputs:
        docs, report = read_docs(path, lang)
        for name, part in split_docs(path, docs).items():
            DocBin(docs=part, store_user_data=True).to_disk(output / f"{name}.spacy")
            typer.echo(f"{output / name}.spacy: {len(part)} docs")
        for reason, count in report.lost.items():
            typer.echo(f"  left out: {count} {reason}")


def read_docs(path: Path, lang: str) -> tuple[list[Doc], ConversionReport]:
    """Read the docs of a file.

    path (Path): The file.
    lang (str): The language of the tokenizer.
    RETURNS (tuple[list[Doc], ConversionReport]): The docs, and what they could not hold.
    """
    if path.suffix not in READERS:
        raise ValueError(f"{path}: unknown kind of file; give one of {', '.join(READERS)}")
    report = ConversionReport()
    return list(to_docs(READERS[path.suffix](path), spacy.blank(lang), report)), report


def split_docs(path: Path, docs: list[Doc]) -> dict[str, list[Doc]]:
    """Divide docs by whether their records are marked as unseen.

    path (Path): The file they are from.
    docs (list[Doc]): The docs.
    RETURNS (dict[str, list[Doc]]): All docs under the file's name, and the two parts if any doc
        is marked.
    """
    parts = {path.stem: docs}
    if path.suffix == ".json":
        marks = [bool(record.get("unseen")) for record in srsly.read_json(path)]
        if any(marks):
            for name, wanted in (("seen", False), ("unseen", True)):
                part = [doc for doc, mark in zip(docs, marks, strict=True) if mark == wanted]
                parts[f"{path.stem}_{name}"] = part
    return parts


if __name__ == "__main__":
    typer.run(main)
