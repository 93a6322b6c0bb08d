from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import SOME_REJECTED, errors_as_one_line
from .labeling_config import LABEL_STUDIO, describe_config
from .options import (
    BatchSize,
    Code,
    GpuId,
    IdField,
    Inputs,
    MaxLength,
    Model,
    Precision,
    TextField,
    WholeFiles,
)
from .prepare import prepare
from .progress import track

if TYPE_CHECKING:
    from spacy_str_encoder.learning.selection import Candidates, Selection


def select_command(
    model: Model,
    inputs: Inputs,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write to.", show_default=False)
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of texts to select.")] = 50,
    target: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Format for the texts with their predictions: label-studio, prodigy, or any other "
            "that `convert` writes.",
            show_default="JSON lines of id, text and score",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Texts not to select again, such as those of training and dev data: files as "
            "INPUT, files in any format that `convert` reads, or a folder of `annotate`. Can be "
            "repeated.",
            show_default="none",
        ),
    ] = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    whole_files: WholeFiles = False,
    max_length: MaxLength = 50_000,
    batch_size: BatchSize = 64,
    precision: Precision = None,
    gpu_id: GpuId = -1,
    code: Code = None,
) -> None:
    """Select the texts to annotate next.

    Texts are ranked by the errors per token that the pipeline expects to make: wrong
    and missed entities and relations, and wrong attributes, by its own probabilities
    (calibrate makes these better). Of the first, a batch is chosen whose texts are
    not alike. Nothing is written until all texts are read.

    Exit codes: 0 texts selected; 3 the same, with some texts rejected; 1 error.

    Example: spacy-str-encoder select training/model-best reports.jsonl -o next.jsonl

    Example: spacy-str-encoder select training/model-best "archive/*.csv.gz" \\
    -o next.json --text-field report --count 100 --to label-studio

    Example: spacy-str-encoder select continued/model-best reports.jsonl -o second.jsonl \\
    --exclude merged.spacy --exclude corpus/dev.spacy
    """
    from spacy_str_encoder.archive import Fields, find_sources
    from spacy_str_encoder.files.docbin import SUFFIX as DOCS_SUFFIX
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.learning.selection import (
        Candidates,
        check_lines,
        find_format,
        find_unwanted,
        select,
        write_format,
        write_lines,
    )
    from spacy_str_encoder.loading import load_pipeline

    report = ConversionReport()
    candidates = Candidates(Fields(text=text_field, id=id_field, max_length=max_length))
    with errors_as_one_line():
        if target is None:
            check_lines(output)
        find = partial(find_sources, output=output, whole_files=whole_files)
        sources, others = find(inputs)
        unwanted = [*find_unwanted(exclude or (), find)]
        files = [file for source in sources for file in source.files]
        files += [file for each in unwanted for file in each.files]
        is_folder = target is not None and output.is_dir()
        prepare(gpu_id=gpu_id, inputs=files, outputs=[] if is_folder else [output])
        for each in unwanted:
            candidates.exclude(each.read(candidates.fields))
        nlp = load_pipeline(model, code=code, precision=precision and precision.value)
        format = None if target is None else find_format(target, output, nlp)
        follow = partial(track, description="Scoring")
        selection = select(nlp, sources, candidates, count, batch_size=batch_size, track=follow)
        if format is None:
            write_lines(output, selection.texts)
        else:
            write_format(output, selection.texts, format, nlp, report)
    if others:
        typer.echo(f"skipped ({len(others):,}): files of unsupported types, such as {others[0]}")
    for line in (*_describe_left_out(candidates), *summarize(report)):
        typer.echo(line)
    typer.echo(f"{output}: {_describe(selection)}")
    if target == LABEL_STUDIO:
        typer.echo(describe_config(model))
    has_tokens = format is not None and (format.needs_tokens or format.suffix == DOCS_SUFFIX)
    lang = "" if has_tokens else f" --lang {nlp.lang}"
    names = {"model": quote(model), "output": quote(str(output)), "lang": lang}
    # Files of their own for each round: those of the last one are still needed.
    for name in ("predicted", "corrected"):
        names[name] = quote(f"{output.with_suffix('')}-{name}")
    typer.echo((PREDICT if format is None else CORRECT).format(**names))
    if candidates.rejected:
        raise typer.Exit(SOME_REJECTED)


PREDICT = """Next, predict their annotations, and let people correct them:
  spacy-str-encoder annotate {model} {output} --output {predicted}
  spacy-str-encoder corrections {predicted} CORRECTED --output {corrected}.spacy{lang}"""
CORRECT = """Next, let people correct the predictions:
  spacy-str-encoder corrections {output} CORRECTED --output {corrected}.spacy{lang}"""


def _describe_left_out(candidates: "Candidates") -> Iterator[str]:
    from spacy_str_encoder.formats.report import list_examples

    for count, what in (
        (candidates.excluded, "texts that --exclude names"),
        (candidates.duplicates, "texts that occurred before"),
        (candidates.blank, "texts that are blank"),
    ):
        if count:
            yield f"left out ({count:,}): {what}"
    for reason, cases in candidates.rejected.items():
        yield f"rejected ({len(cases):,}): {reason}"
        yield from list_examples(cases)


def _describe(selection: "Selection") -> str:
    from spacy_str_encoder.doc.plurals import count_noun

    texts = f"{len(selection.texts):,} of {count_noun(selection.scored, 'text')} selected"
    rates = (f"{100 * rate:.1f}" for rate in (selection.rate, selection.rate_of_all))
    return "{}, with {} expected errors per 100 tokens (all texts: {})".format(texts, *rates)
