"""Measures the command `graph` on a million mentions: time, memory and size.

The archive has 50,000 documents of 20 entities and 10 relations. Half of the entities are of a type
that has 100,000 texts, some of which are much more frequent than others; the others have 1,000.
"""

import random
import resource
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Annotated

import typer

from spacy_str_encoder.exports.graph.elements import Properties
from spacy_str_encoder.exports.graph.identity import TEXT, Identity
from spacy_str_encoder.exports.graph.merge import merge_graph
from spacy_str_encoder.exports.graph.tables import (
    NODE_HEADERS,
    NODES,
    RELATIONSHIP_HEADERS,
    RELATIONSHIPS,
    open_table,
)
from spacy_str_encoder.exports.ids import hash_document, hash_entity
from spacy_str_encoder.files.whole import measure

PARTS, DOCUMENTS, ENTITIES, RELATIONS = 50, 1000, 20, 10
SIZES = {"Finding": 100_000, "Degree": 1000}
VALUES = ("Assertion=present", "Assertion=negated", "Assertion=possible")
# Weights by rank, as words of a language have them.
WEIGHTS = {name: [*accumulate(1 / rank for rank in range(1, n + 1))] for name, n in SIZES.items()}


def make_entity(document: str, number: int) -> Properties:
    """Make an entity of a document."""
    label = [*SIZES][number % len(SIZES)]
    [term] = random.choices(range(SIZES[label]), cum_weights=WEIGHTS[label])
    start = 10 * number
    return {
        "id": hash_entity(document, (start, start + 9, label)),
        "labels": ["Entity", label],
        "label": label,
        "text": f"{label} {term:07d}",
        "start": start,
        "end": start + 9,
        "score": random.random(),
        "attributes": random.choices(VALUES, (8, 1, 1)),
    }


def write_part(folder: Path, part: int) -> None:
    """Write a part of the archive."""
    folder.mkdir(parents=True)
    with (
        open_table(folder / NODES, NODE_HEADERS) as write_nodes,
        open_table(folder / RELATIONSHIPS, RELATIONSHIP_HEADERS) as write_relationships,
    ):
        for number in range(DOCUMENTS):
            name = f"{part}-{number}"
            document = hash_document({"id": name}, "")
            node = {"id": document, "labels": ["Document"], "document_id": name, "text": "x" * 200}
            entities = [make_entity(document, i) for i in range(ENTITIES)]
            write_nodes([node, *entities])
            pairs = (random.sample(entities, 2) for _ in range(RELATIONS))
            write_relationships(
                {"start": a["id"], "end": b["id"], "type": "of", "score": random.random()}
                for a, b in pairs
            )


def main(
    types: Annotated[list[str] | None, typer.Option("--type", help="Types to merge.")] = None,
) -> None:
    """Make an archive, merge it, and print what that took."""
    random.seed(0)
    with TemporaryDirectory() as folder:
        parts = [Path(folder) / f"part-{number}" for number in range(PARTS)]
        for number, part in enumerate(parts):
            write_part(part, number)
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
        merged = merge_graph(parts, Path(folder) / "merged", Identity(TEXT, frozenset(types or ())))
        seconds = process_time() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = measure(Path(folder) / "merged")
    print(merged)
    print(f"{seconds:.0f} s, {peak / 1024:.0f} MB (before: {before / 1024:.0f} MB), {size:,} bytes")


if __name__ == "__main__":
    typer.run(main)
