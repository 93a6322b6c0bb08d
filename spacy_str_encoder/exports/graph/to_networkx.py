"""The graph of a doc as an object of networkx."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from ...doc.arguments import check_doc
from ...doc.origin import META
from .elements import Properties, make_graph
from .tables import to_cell

if TYPE_CHECKING:
    from networkx import MultiDiGraph

# The graph holds the nodes of an edge. Of a node, `start` and `end` are its place in the text.
ENDS = "start", "end"
# What XML can't hold, and so neither GraphML nor GEXF. https://www.w3.org/TR/xml/#charsets
CONTROL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_networkx(doc: Doc, *, spans_key: str | None = None) -> "MultiDiGraph":
    """Turn a doc into a graph of itself, its entities and their relations. Nodes and edges have the
    identifiers and properties that `annotate --format graph` writes. All are strings and numbers,
    as GraphML and GEXF take them: arrays are strings, with ";" between the elements, and a control
    character is a space.

    doc (Doc): The doc. Its identifier is `doc.user_data["meta"]["id"]`, if there is one.
    spans_key (str | None): The span group that holds the entities; `doc.ents` if None.
    RETURNS (networkx.MultiDiGraph): The graph. The key of an edge is its label.
    RAISES (ImportError): If networkx is not installed.
    RAISES (ValueError): If the argument is not a doc.
    """
    check_doc(doc)
    try:
        from networkx import MultiDiGraph
    except ImportError as error:
        raise ImportError(
            "to_networkx requires networkx; install it with pip install 'spacy_str_encoder[graph]'"
        ) from error
    found = make_graph(doc, _find_origin(doc), spans_key)
    graph = MultiDiGraph()
    for node in found.nodes:
        graph.add_node(node["id"], **_make_plain(node))
    for edge in found.relationships:
        graph.add_edge(edge["start"], edge["end"], key=edge["type"], **_make_plain(edge, ENDS))
    return graph


def _make_plain(properties: Properties, without: Collection[str] = ()) -> Properties:
    cells = {name: to_cell(value) for name, value in properties.items() if name not in without}
    return {
        name: CONTROL.sub(" ", cell) if isinstance(cell, str) else cell
        for name, cell in cells.items()
    }


def _find_origin(doc: Doc) -> dict[str, Any]:
    meta = doc.user_data.get(META)
    return meta if isinstance(meta, dict) else {}
