"""The graph of a doc as an object of networkx: the same as in the tables of `annotate`."""

import sys
from pathlib import Path
from typing import Any

import networkx
import pytest
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_attributes, set_relations, to_networkx
from spacy_str_encoder.doc.origin import META
from spacy_str_encoder.exports.graph.tables import NODE_HEADERS, RELATIONSHIP_HEADERS

from .test_export_graph import ORIGIN, make_doc, parse, read, write


def make_related() -> Doc:
    doc = make_doc()
    degree, vessel = doc.ents
    labels = ("of", 0.5), ("in", 0.25)
    set_relations(doc, [Relation(degree, vessel, *each) for each in labels])
    set_attributes(degree, {"Assertion": "negated", "Time": "past"}, {"Time": 0.5})
    return doc


def as_rows(properties: list[dict[str, Any]], headers: dict[str, str]) -> list[dict[str, Any]]:
    """Properties as `read` reads them: values are those of cells, also of arrays."""
    return [
        {headers[name]: parse(str(value), headers[name]) for name, value in each.items()}
        for each in properties
    ]


def test_nodes_and_edges_are_those_of_the_tables(tmp_path: Path) -> None:
    doc = make_related()
    doc.user_data[META] = ORIGIN
    graph = to_networkx(doc)
    folder = write(tmp_path, (ORIGIN, doc))
    nodes = [node for _, node in graph.nodes(data=True)]
    assert as_rows(nodes, NODE_HEADERS) == read(folder / "nodes.csv")
    # The graph itself has the ends of an edge.
    assert not any({"start", "end"} & edge.keys() for *_, edge in graph.edges(data=True))
    edges = [{"start": start, "end": end, **edge} for start, end, edge in graph.edges(data=True)]
    rows = read(folder / "relationships.csv")
    assert sorted(map(str, as_rows(edges, RELATIONSHIP_HEADERS))) == sorted(map(str, rows))


@pytest.mark.parametrize("form", ["graphml", "gexf", "gml"])
def test_graphs_are_written_to_files(form: str, tmp_path: Path) -> None:
    doc = make_related()
    doc.user_data[META] = ORIGIN
    graph = to_networkx(doc)
    getattr(networkx, f"write_{form}")(graph, tmp_path / "graph")
    found = getattr(networkx, f"read_{form}")(tmp_path / "graph")
    assert {*found.nodes} == {*graph.nodes}
    assert {*found.edges(keys=True)} == {*graph.edges(keys=True)}
    for node, properties in found.nodes(data=True):
        assert properties["labels"] == graph.nodes[node]["labels"]
    for *ends, properties in found.edges(keys=True, data=True):
        assert properties.get("score") == graph.edges[tuple(ends)].get("score")


def test_graphml_holds_all_properties(tmp_path: Path) -> None:
    graph = to_networkx(make_related())
    networkx.write_graphml(graph, tmp_path / "graph")
    found = networkx.read_graphml(tmp_path / "graph")
    degree = found.nodes[[*graph.nodes][1]]
    assert degree | {"id": ""} == {
        "id": "",
        "labels": "Entity;Degree",
        "label": "Degree",
        "text": "severe",
        "start": 0,
        "end": 6,
        "attributes": "Assertion=negated;Time=past",
        "attribute_scores": "1.0;0.5",
    }
    assert dict(found.nodes(data=True)) == dict(graph.nodes(data=True))


@pytest.mark.parametrize("form", ["graphml", "gexf"])
def test_what_xml_cannot_hold_is_a_space(form: str, tmp_path: Path) -> None:
    marks = [chr(code) for code in (*range(0x20), 0x7F, 0xFFFE, 0xFFFF, 0x10000, 0x10FFFF)]
    doc = Doc(make_doc().vocab, words=["a", *marks, "b"])
    graph = to_networkx(doc)
    getattr(networkx, f"write_{form}")(graph, tmp_path / "graph")
    getattr(networkx, f"read_{form}")(tmp_path / "graph")
    (node,) = graph.nodes
    kept = set("\t\n\r\x7f\U00010000\U0010ffff")
    words = ["a", *(mark if mark in kept else " " for mark in marks), "b"]
    assert graph.nodes[node]["text"] == " ".join(words) + " "


def test_edges_are_found_by_their_labels() -> None:
    graph = to_networkx(make_related())
    assert isinstance(graph, networkx.MultiDiGraph)
    document, degree, vessel = graph.nodes
    assert graph.nodes[document]["labels"] == "Document"
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
