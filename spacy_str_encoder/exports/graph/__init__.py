"""A graph of documents, entities and relations, as CSV files that Neo4j and others import. Values
are written as they are, also those that a spreadsheet would take for formulas.
"""

from pathlib import Path

from spacy.language import Language

from ...doc.origin import AnnotatedDocs
from ...loading import entity_group
from ..export import Export, Reported
from .elements import make_graph
from .tables import NODE_HEADERS, NODES, RELATIONSHIP_HEADERS, RELATIONSHIPS, open_table


def write_graph(
    path: Path, docs: AnnotatedDocs, nlp: Language, pipeline: str, date: str
) -> Reported:
    """Write the graph of docs, as a folder of two tables.

    path (Path): The folder, which must not exist yet.
    docs (Iterable[tuple[dict[str, Any], Doc]]): The docs, with the origin of each text.
    nlp (Language): The pipeline that annotated them.
    pipeline (str): Its name, version and hash, which a graph does not hold.
    date (str): The date of the run, which it does not hold either.
    RETURNS (Reported): What the graph can't hold, and what was chosen.
    """
    reported, spans_key = Reported(), entity_group(nlp)
    path.mkdir()
    with (
        open_table(path / NODES, NODE_HEADERS) as write_nodes,
        open_table(path / RELATIONSHIPS, RELATIONSHIP_HEADERS) as write_relationships,
    ):
        for origin, doc in docs:
            graph = make_graph(doc, origin, spans_key)
            write_nodes(graph.nodes)
            write_relationships(graph.relationships)
            reported.lost += graph.lost
            reported.chosen += graph.chosen
    return reported


GRAPH = Export("graph", suffix="", write=write_graph)
