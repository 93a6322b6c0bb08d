"""The graph of a doc as an object of networkx: the same as in the tables of `annotate`."""

import sys
from pathlib import Path

import networkx
import pytest
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_relations, to_networkx
from spacy_str_encoder.doc.origin import META
from spacy_str_encoder.exports.graph.tables import NODE_HEADERS, RELATIONSHIP_HEADERS

from .test_export_graph import ORIGIN, make_doc, read, write


def make_related() -> Doc:
    doc = make_doc()
    degree, vessel = doc.ents
    labels = ("of", 0.5), ("in", 0.25)
    set_relations(doc, [Relation(degree, vessel, *each) for each in labels])
    return doc


def test_nodes_and_edges_are_those_of_the_tables(tmp_path: Path) -> None:
    doc = make_related()
    doc.user_data[META] = ORIGIN
    graph = to_networkx(doc)
    folder = write(tmp_path, (ORIGIN, doc))
    nodes = [
        {NODE_HEADERS[name]: value for name, value in node.items()}
        for _, node in graph.nodes(data=True)
    ]
    assert nodes == read(folder / "nodes.csv")
    edges = [
        {RELATIONSHIP_HEADERS[name]: value for name, value in edge.items()}
        for *_, edge in graph.edges(keys=True, data=True)
    ]
    key = sorted
    assert sorted(edges, key=key) == sorted(read(folder / "relationships.csv"), key=key)


def test_edges_are_found_by_their_labels() -> None:
    graph = to_networkx(make_related())
    assert isinstance(graph, networkx.MultiDiGraph)
    document, degree, vessel = graph.nodes
    assert graph.nodes[document]["labels"] == ["Document"]
    assert {*graph[degree][vessel]} == {"of", "in"}
    assert graph[degree][vessel]["in"]["score"] == 0.25
    assert networkx.has_path(graph, document, vessel)


def test_entities_of_a_group_are_nodes() -> None:
    doc = make_doc()
    doc.spans["sc"] = [Span(doc, 0, 4, "Finding"), *doc.ents]
    labels = {node.get("label") for _, node in to_networkx(doc, spans_key="sc").nodes(data=True)}
    assert labels == {None, "Degree", "Finding", "Vessel"}


def test_meta_data_of_another_form_are_no_identifier() -> None:
    doc = make_doc()
    expected = [*to_networkx(doc).nodes]
    doc.user_data[META] = "a1"
    assert [*to_networkx(doc).nodes] == expected


def test_without_networkx_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"pip install 'spacy_str_encoder\[graph\]'"):
        to_networkx(make_doc())


def test_the_argument_must_be_a_doc() -> None:
    with pytest.raises(ValueError, match="doc: must be a Doc, got a list"):
        to_networkx([make_doc()])  # type: ignore[arg-type]
