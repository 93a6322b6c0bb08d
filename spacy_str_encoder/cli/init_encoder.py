from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .options import TextField


def init_encoder_command(
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXTS",
            help="Files or folders with texts: .txt (one text per line), .csv, .tsv, .parquet, "
            '.jsonl or .json (objects with "text"), or any format that `convert` reads.',
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write the encoder to.", show_default=False),
    ],
    text_field: TextField = "text",
    layers: Annotated[int, typer.Option(min=1, help="Number of transformer layers.")] = 4,
    width: Annotated[int, typer.Option(min=1, help="Width of the hidden states.")] = 256,
    heads: Annotated[
        int, typer.Option(min=1, help="Number of attention heads; must divide the width.")
    ] = 4,
    intermediate: Annotated[
        int | None,
        typer.Option(
            min=1, help="Width of the feed-forward layers.", show_default="4 times the width"
        ),
    ] = None,
    max_length: Annotated[
        int, typer.Option(min=3, help="Maximum pieces per sequence, including [CLS] and [SEP].")
    ] = 512,
    dropout: Annotated[
        float, typer.Option(help="Dropout during training, at least 0 and below 1.")
    ] = 0.1,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Random seed of the weights.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Write to a folder that is not empty.")
    ] = False,
) -> None:
    """Create a small BERT with random weights and one piece per character.

    Use it for Chinese and similar languages if you have no pretrained encoder. The
    vocabulary consists of printable ASCII and all characters of the texts. The
    result is a Hugging Face folder: set its path as the encoder name in your config.

    Example: spacy-str-encoder init-encoder train.json reports.txt -o encoder
    """
    from spacy_str_encoder.formats.raw_texts import read_raw_texts
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.init_encoder import init_encoder

    report = ConversionReport()
    with errors_as_one_line():
        model = init_encoder(
            [annotated.text for annotated in read_raw_texts(texts, report, text_field=text_field)],
            output,
            layers=layers,
            width=width,
            heads=heads,
            intermediate=intermediate,
            max_length=max_length,
            dropout=dropout,
            seed=seed,
            force=force,
        )
    for line in summarize(report):
        typer.echo(line)
    pieces, parameters = model.config.vocab_size, model.num_parameters()
    typer.echo(f"Wrote {output}: {pieces:,} pieces, {parameters:,} parameters")
