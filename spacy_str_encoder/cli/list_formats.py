from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_str_encoder.formats.format import Format

MAX_LINE = 300


def list_formats(is_asked: bool) -> None:
    """Print a table of all formats, and a sample text in each, and exit.

    is_asked (bool): Whether to do so.
    RAISES (Exit): When they are printed.
    """
    if not is_asked:
        return
    from spacy_str_encoder.doc.entities import SPANS_KEY
    from spacy_str_encoder.formats.docs import make_tokenizer
    from spacy_str_encoder.formats.registry import all_formats
    from spacy_str_encoder.formats.samples import make_sample

    nlp = make_tokenizer("en")
    formats = all_formats(nlp, spans_key=SPANS_KEY).values()
    Console().print(lay_out(formats, nlp))
    for each in formats:
        typer.echo(f"\n{each.name}: {each.description}")
        for line in make_sample(each, nlp).splitlines():
            typer.echo(f"  {line}" if len(line) <= MAX_LINE else f"  {line[:MAX_LINE]} ...")
    raise typer.Exit


def lay_out(formats: Iterable["Format"], nlp: "Language") -> Table:
    """Lay out what formats hold.

    formats (Iterable[Format]): The formats.
    nlp (Language): The tokenizer of the sample.
    RETURNS (Table): The table.
    """
    from spacy_str_encoder.formats.samples import Contents, find_contents

    headers = ("format", "files", *Contents.__annotations__)
    columns = (Column(header, overflow="fold") for header in headers)
    table = Table(*columns, box=None, padding=(0, 1, 0, 0))
    for each in formats:
        marks = ("x" if held else "" for held in vars(find_contents(each, nlp)).values())
        table.add_row(each.name, each.suffix or "folder", *marks)
    return table
