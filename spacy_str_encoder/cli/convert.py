import re
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .errors import SOME_REJECTED, errors_as_one_line
from .list_formats import list_formats
from .options import AllowLoss, Language, SkipBad, SpansKey
from .prepare import prepare
from .progress import track

READING = "Ways to read a format"


class Missing(StrEnum):
    """Meanings of missing annotations."""

    unannotated = "unannotated"
    none = "none"


class Events(StrEnum):
    """Readings of events."""

    lost = "lost"
    relations = "relations"


class Alignment(StrEnum):
    """Modes of `Doc.char_span` (https://spacy.io/api/doc#char_span)."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


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
    target: Annotated[
        str | None,
        typer.Option(
            "--to", help="Format to write.", show_default="that of the suffix of OUTPUT, or spacy"
        ),
    ] = None,
    lang: Language = None,
    spans_key: SpansKey = None,
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
    seed: Annotated[
        int | None, typer.Option(min=0, help="Random seed of the split.", show_default="0")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Metadata field; texts with the same value stay together in a split.",
            show_default="the text",
        ),
    ] = None,
    entities: Annotated[
        Missing,
        typer.Option(
            help="Meaning of unannotated entities. str_ner learns from none that there are none.",
            rich_help_panel=READING,
        ),
    ] = Missing.unannotated,
    relations: Annotated[
        Missing,
        typer.Option(
            help="Meaning of unannotated relations. str_rel learns from none that there are none.",
            rich_help_panel=READING,
        ),
    ] = Missing.unannotated,
    empty_ann: Annotated[
        Missing,
        typer.Option(help="Meaning of an empty .ann file of brat.", rich_help_panel=READING),
    ] = Missing.none,
    events: Annotated[
        Events,
        typer.Option(help="Reading of the events of brat.", rich_help_panel=READING),
    ] = Events.lost,
    text_field: Annotated[
        str | None,
        typer.Option(
            help="Data field of Label Studio with the text.",
            show_default="detected",
            rich_help_panel=READING,
        ),
    ] = None,
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions",
            help="Read predictions: those of Label Studio in place of annotations, and the scores "
            "in files of brat and INCEpTION.",
            rich_help_panel=READING,
        ),
    ] = False,
    alignment: Annotated[
        Alignment,
        typer.Option(
            help="Entities that begin or end inside a token: left out, moved inwards, or outwards."
        ),
    ] = Alignment.strict,
    skip_bad: SkipBad = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Stop if an entity, a relation or an attribute would be lost."
        ),
    ] = False,
    strict_all: Annotated[
        bool, typer.Option("--strict-all", help="Stop if anything would be lost.")
    ] = False,
    allow_loss: AllowLoss = False,
    _: Annotated[
        bool,
        typer.Option(
            "--list-formats",
            help="Print what each format holds, and a sample.",
            is_eager=True,
            callback=list_formats,
        ),
    ] = False,
    report_path: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="JSON file for all losses, choices and invalid texts."
        ),
    ] = None,
) -> None:
    """Convert annotated texts from one format to another.

    Formats: spacy (DocBin for training), spacy-json (Doc.to_json), spacy-tuples
    (training data of spaCy v2), rel_component (DocBin of spaCy's template), jsonl,
    authors (the paper's code), spert, gliner, gliner2, glirel, spacy-llm, dygie
    (SciERC), docred, tacred, ubiai, pubtator, bioc (XML), prodigy, doccano,
    label-studio, spo (triples of CMeIE and DuIE), casrel, conll (BIO), brat
    (folders), uima (XMI or JSON of INCEpTION), webanno-tsv. With --list-formats,
    you see what each holds, and a sample.

    The format of the input is detected. Annotations that the output format can't
    hold, such as entities that begin inside a token, are counted and listed.

    If entities overlap, docs have all of them in the span group "sc", and a
    choice without overlaps in doc.ents.

    Attributes of entities are kept in spacy, jsonl, brat, label-studio and uima;
    scores of predictions in these and in prodigy.

    Example: spacy-str-encoder convert train.json dev.json -o corpus --lang zh

    Example: spacy-str-encoder convert all.jsonl -o corpus --lang en --split 8:1:1
    """
    from spacy_str_encoder.doc.plurals import count_noun
    from spacy_str_encoder.files.whole import write_json, written_whole
    from spacy_str_encoder.formats.convert import Settings, convert
    from spacy_str_encoder.formats.format import ReadOptions
    from spacy_str_encoder.formats.remedies import REMEDIES
    from spacy_str_encoder.formats.report import ConversionReport, summarize
    from spacy_str_encoder.formats.split import parse_shares

    report = ConversionReport(strict=strict, strict_all=strict_all, skip_bad=skip_bad)
    with errors_as_one_line():
        reports = [report_path] if report_path else []
        prepare(gpu_id=-1, inputs=[], outputs=reports)
        _check_options(split=split, seed=seed, group_by=group_by, spans_key=spans_key, flat=flat)
        options = ReadOptions(
            events=events is Events.relations,
            unannotated_empty=empty_ann is Missing.unannotated,
            text_field=text_field,
            predictions=predictions,
        )
        settings = Settings(
            source=source,
            target=target,
            lang=lang,
            options=options,
            no_missing_entities=entities is Missing.none,
            no_unannotated=relations is Missing.none,
            alignment=alignment.value,
            spans_key=spans_key,
            flat=flat,
            shares={} if split is None else parse_shares(split),
            seed=seed or 0,
            group_by=group_by,
            allow_loss=allow_loss,
        )

        def write_reports() -> None:
            for path in reports:
                with written_whole(path) as unfinished:
                    write_json(unfinished, report.to_dict())

        try:
            written = convert(
                inputs,
                output,
                settings,
                report,
                others=reports,
                tracks=(
                    partial(track, description="Reading"),
                    partial(track, description="Converting"),
                ),
            )
        except ValueError:
            if report.rejected:
                write_reports()
            raise
        write_reports()
    for path, count in written.texts.items():
        typer.echo(f"{path}: {count_noun(count, 'text')}")
    if written.spans_key:
        typer.echo(OVERLAPS.format(key=written.spans_key))
    for line in summarize(report, REMEDIES):
        typer.echo(line)
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


# Names that a config, too, reads as a string.
NAME = re.compile(r"[^\W\d_][\w-]*")
NOT_NAMES = ("null", "true", "false")
OVERLAPS = (
    'entities overlap: doc.spans["{key}"] has all of them, doc.ents a choice without overlaps; '
    "to learn all, train with --components.str_ner.spans_key {key}"
)


def _check_options(
    *,
    split: str | None,
    seed: int | None,
    group_by: str | None,
    spans_key: str | None,
    flat: bool,
) -> None:
    for name, value in (("--group-by", group_by), ("--seed", seed)):
        if value is not None and split is None:
            raise ValueError(f"{name} requires --split, such as --split 8:1:1")
    check_spans_key(spans_key)
    if flat and spans_key is not None:
        raise ValueError(
            "--flat can't be used with --spans-key: it leaves out overlapping entities, which a "
            "span group keeps"
        )


def check_spans_key(spans_key: str | None) -> None:
    """Check the name of a span group.

    spans_key (str | None): The name; None for no group.
    RAISES (ValueError): If a config could not hold the name.
    """
    if spans_key is not None and (not NAME.fullmatch(spans_key) or spans_key in NOT_NAMES):
        raise ValueError(
            "--spans-key must be a name of letters, digits, hyphens and underscores that begins "
            f"with a letter, such as sc, got {spans_key!r}"
        )
