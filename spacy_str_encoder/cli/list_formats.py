import typer
from rich.console import Console
from rich.table import Table

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
    from spacy_str_encoder.formats.samples import Contents, find_contents, make_sample

    nlp = make_tokenizer("en")
    formats = all_formats(nlp, spans_key=SPANS_KEY).values()
    columns = ("format", "files", *Contents.__annotations__)
    table = Table(*columns, box=None, padding=(0, 1, 0, 0))
    for each in formats:
        marks = ("x" if held else "" for held in vars(find_contents(each, nlp)).values())
        table.add_row(each.name, each.suffix or "folder", *marks)
    Console().print(table)
    for each in formats:
        typer.echo(f"\n{each.name}: {each.description}")
        for line in make_sample(each, nlp).splitlines():
            typer.echo(f"  {line}" if len(line) <= MAX_LINE else f"  {line[:MAX_LINE]} ...")
    raise typer.Exit
