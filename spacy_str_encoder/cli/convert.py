import re
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .progress import track


def convert_command(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT", help="Files or folders to read.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder or file to write to.", show_default=False),
    ],
    source: Annotated[
        str | None,
        typer.Option("--from", help="Format of the input.", show_default="detected"),
    ] = None,
    target: Annotated[str, typer.Option("--to", help="Format to write.")] = "spacy",
    lang: Annotated[
        str | None,
        typer.Option(help="Language of texts without tokens, such as en or zh."),
    ] = None,
    spans_key: Annotated[
        str | None,
        typer.Option(
            help="Span group of docs for all entities, also if none overlap.",
            show_default="sc if any overlap",
        ),
    ] = None,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat", help="Leave out entities that overlap an earlier or a longer entity."
        ),
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(metavar="SHARES", help="Shares of train, dev and test, such as 8:1:1."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the split.")] = 0,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Metadata field; texts with the same value stay together in a split.",
            show_default="the text",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop if anything would be lost.")
    ] = False,
    report_path: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="JSON file for a report of all losses."),
    ] = None,
) -> None:
    """Convert annotated texts from one format to another.

    Formats: spacy (DocBin for training), spacy-json (Doc.to_json), jsonl, authors
    (the paper's code), spert, gliner, glirel, prodigy (rel.manual), doccano,
    label-studio, spo (triples of CMeIE and DuIE), brat (folders), uima (XMI of
    INCEpTION).

    The format of the input is detected. Annotations that the output format can't
    hold, such as entities that begin inside a token, are counted and listed.

    If entities overlap, docs have all of them in the span group "sc", and a
    choice without overlaps in doc.ents.

    Attributes of entities are kept in spacy, jsonl, brat, label-studio and uima.

    Example: spacy-str-encoder convert train.json dev.json -o corpus --lang zh

    Example: spacy-str-encoder convert all.jsonl -o corpus --lang en --split 8:1:1
    """
    from spacy_str_encoder.doc.entities import SPANS_KEY
    from spacy_str_encoder.files.whole import check_outputs, write_json
    from spacy_str_encoder.formats import convert
    from spacy_str_encoder.formats.docs import make_tokenizer
    from spacy_str_encoder.formats.registry import all_formats, get_format
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.formats.sources import inspect_sources
    from spacy_str_encoder.formats.split import parse_shares

    with errors_as_one_line():
        _check_options(split=split, group_by=group_by, spans_key=spans_key, flat=flat)
        report = ConversionReport(strict=strict)
        nlp = make_tokenizer(lang)
        key = spans_key or SPANS_KEY
        formats = all_formats(nlp, spans_key=key)
        sources = convert.find_sources(inputs, formats, source)
        if report_path is not None:
            check_outputs([report_path], [each.path for each in sources])
        to_write = get_format(target, formats)
        if split is None:
            targets = convert.plan_targets(sources, output, to_write.suffix)
            write = partial(convert.convert_files, targets)
        else:
            shares = parse_shares(split)
            parts = convert.plan_split(sources, output, to_write.suffix, shares)
            write = partial(
                convert.convert_split, sources, parts, shares=shares, seed=seed, group_by=group_by
            )
        found = inspect_sources(
            sources,
            overlaps=to_write.holds_docs and not flat,
            attributes=to_write.keeps_missing_attributes,
            track=partial(track, description="Reading"),
        )
        if not (spans_key or found.overlaps):
            to_write = all_formats(nlp)[target]
        writer = convert.TextWriter(
            to_write,
            nlp,
            report,
            partial(track, description="Converting"),
            flat=flat,
            annotated_attributes=found.annotated_attributes,
        )
        counts = dict(write(writer))
        if report_path is not None:
            check_outputs([*counts, report_path], [])
            write_json(report_path, report.to_dict())
    for path, count in counts.items():
        typer.echo(f"{path}: {count} texts")
    if found.overlaps:
        typer.echo(OVERLAPS.format(key=key))
    for line in summarize(report):
        typer.echo(line)


# Names that a config, too, reads as a string.
NAME = re.compile(r"[^\W\d_][\w-]*")
NOT_NAMES = ("null", "true", "false")
OVERLAPS = (
    'entities overlap: doc.spans["{key}"] has all of them, doc.ents a choice without overlaps; '
    "to learn all, train with --components.str_ner.spans_key {key}"
)


def _check_options(
    *, split: str | None, group_by: str | None, spans_key: str | None, flat: bool
) -> None:
    if group_by is not None and split is None:
        raise ValueError("--group-by requires --split, such as --split 8:1:1")
    if spans_key is not None and (not NAME.fullmatch(spans_key) or spans_key in NOT_NAMES):
        raise ValueError(
            "--spans-key must be a name of letters, digits, hyphens and underscores that begins "
            f"with a letter, such as sc, got {spans_key!r}"
        )
    if flat and spans_key is not None:
        raise ValueError(
            "--flat can't be used with --spans-key: it leaves out overlapping entities, which a "
            "span group keeps"
        )
