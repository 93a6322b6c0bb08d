"""Arguments and options shared by several commands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Folder of the pipeline, or name of its package.",
        show_default=False,
    ),
]
Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Files, folders or quoted patterns: .jsonl, .json, .csv, .tsv or .txt (one text per "
        "line), optionally compressed (.gz), .parquet or .spacy.",
        show_default=False,
    ),
]
Code = Annotated[
    Path | None,
    typer.Option(
        help="Python file with functions or components of your own, as in spaCy's commands.",
        show_default=False,
    ),
]


class PrecisionName(StrEnum):
    """Precisions of predictions."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    int8 = "int8"
    auto = "auto"


Precision = Annotated[
    PrecisionName | None,
    typer.Option(
        help="Precision of predictions. auto is bfloat16 if the processor or the GPU has units "
        "for it, otherwise float32. int8 is for CPUs only.",
        show_default="that of the pipeline",
    ),
]
GpuId = Annotated[int, typer.Option(help="GPU ID, or -1 for the CPU.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts per batch.")]
TextField = Annotated[str, typer.Option(help="Field or column with the text.")]
IdField = Annotated[str, typer.Option(help="Field or column with the identifier.")]
WholeFiles = Annotated[bool, typer.Option("--whole-files", help="Read each .txt file as one text.")]
MaxLength = Annotated[int, typer.Option(min=1, help="Maximum characters per text.")]
MinEntityScore = Annotated[
    float | None,
    typer.Option(
        help="Leave out entities with a lower score, and their relations (0 to 1).",
        show_default="none",
    ),
]
MinRelationScore = Annotated[
    float | None,
    typer.Option(help="Leave out relations with a lower score (0 to 1).", show_default="none"),
]
Language = Annotated[
    str | None,
    typer.Option(help="Language of texts without tokens, such as en or zh."),
]
SpansKey = Annotated[
    str | None,
    typer.Option(
        help="Span group of docs for all entities, also if none overlap.",
        show_default="sc if any overlap",
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option("--skip-bad", help="Leave out invalid texts, list them, and exit with code 3."),
]
AllowLoss = Annotated[
    bool,
    typer.Option("--allow-loss", help="Go on if more than half of all entities would be lost."),
]
