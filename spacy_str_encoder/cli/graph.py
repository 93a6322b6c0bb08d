from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .errors import errors_as_one_line
from .progress import track

FORMAT = "graph"


class Same(StrEnum):
    """Properties by which entities are the same."""

    code = "code"
    text = "text"


def graph_command(
    archive: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Folder that `annotate --format graph` has written to its end.",
            show_default=False,
        ),
    ],
    same: Annotated[
        Same,
        typer.Option(
            "--merge",
            help="Make one node of all entities of the same type with the same code, or with the "
            "same text. Case, width, spaces and punctuation make no difference (C# is C, 1/2 is "
            "1-2). Numbers, %, + and signs do (1.5 is not 15, -5 is not 5). With code, entities "
            "without a code are merged by their text.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write to.", show_default=False)
    ],
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Type of the entities to merge; repeat the option for several. Entities of other "
            "types stay apart.",
            show_default="all types",
        ),
    ] = None,
) -> None:
    """Merge the graph of an archive: entities that are the same become one node.

    Nodes and relationships have counts of documents and mentions. Each mention of
    an entity is a row of mentions.csv, each relation of a document is one of
    evidence.csv. Values of attributes stay apart: nodes count the mentions of each,
    and relationships differ if the attributes of their entities do. If both
    entities of a relation become one node, it leads from the node to itself.

    Example: spacy-str-encoder graph annotated --merge code -o merged

    Example: spacy-str-encoder graph annotated --merge text --type BodyPart -o merged
    """
    from spacy_str_encoder.archive.finished import find_finished
    from spacy_str_encoder.doc.plurals import count_noun
    from spacy_str_encoder.exports.graph.identity import Identity
    from spacy_str_encoder.exports.graph.merge import merge_graph
    from spacy_str_encoder.files.whole import check_outputs

    with errors_as_one_line():
        check_outputs([output], [archive])
        found = find_finished(archive, format=FORMAT)
        parts = track(found.parts, "Merging", total=len(found.parts), unit="part")
        merged = merge_graph(parts, output, Identity(same.value, frozenset(types or ())))
    for reason, number in merged.chosen.items():
        typer.echo(f"chosen ({number:,}): {reason}")
    if found.rejected:
        texts = count_noun(found.rejected, "text")
        typer.echo(f"{archive}: {texts} could not be annotated (see {archive / 'rejected.jsonl'})")
    mentions = count_noun(merged.mentions, "mention")
    entities = f"{count_noun(merged.entities, 'entity')} of {mentions}"
    relations = (
        f"{count_noun(merged.relationships, 'relationship')} of "
        f"{count_noun(merged.relations, 'relation')}"
    )
    documents = count_noun(merged.documents, "document")
    typer.echo(f"{output}: {documents}, {entities}, {relations}")
