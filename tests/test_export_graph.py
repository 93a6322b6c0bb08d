"""The graph of documents, entities and relations: identifiers, properties, and tables."""

import csv
import json
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_attributes, set_codes, set_relations
from spacy_str_encoder.doc.relation import set_score
from spacy_str_encoder.exports.graph import write_graph
from spacy_str_encoder.exports.graph.elements import Graph, make_graph
from spacy_str_encoder.exports.graph.tables import NODE_HEADERS, RELATIONSHIP_HEADERS

NLP = spacy.blank("en")
ORIGIN = {"id": "a1", "source": "in.jsonl", "number": 7}
# A header of neo4j-admin, as its manual says: a name, a type that it knows, and [] for an array.
TYPES = {"int": int, "long": int, "double": float, "string": str, "": str}


def make_doc(text: str = "severe stenosis of LAD") -> Doc:
    doc = NLP(text)
    doc.ents = [Span(doc, 0, 1, "Degree"), Span(doc, 3, 4, "Vessel")]
    return doc


def entities_of(graph: Graph) -> list[dict[str, Any]]:
    return [node for node in graph.nodes if "Entity" in node["labels"]]


def write(folder: Path, *docs: tuple[dict[str, Any], Doc], spans_key: str | None = None) -> Path:
    nlp = spacy.blank("en")
    if spans_key is not None:
        nlp.add_pipe("str_ner", config={"spans_key": spans_key})
    write_graph(folder / "part", docs, nlp, "name", "2026-11-30")
    return folder / "part"


def read(path: Path) -> list[dict[str, Any]]:
    """Read a table as neo4j-admin does: types by the header, and no value for an empty cell."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return [
        {name: parse(cell, name) for name, cell in zip(header, row, strict=True) if cell}
        for row in rows
    ]


def parse(cell: str, name: str) -> Any:
    kind = name.partition(":")[2]
    if kind == "LABEL" or kind.endswith("[]"):
        return [TYPES.get(kind[:-2], str)(each) for each in cell.split(";")]
    return TYPES.get(kind, str)(cell)


@pytest.mark.parametrize("missing", ["", " ", None, float("nan")])
def test_a_blank_identifier_is_a_missing_one(missing: Any) -> None:
    doc = make_doc()
    origins = [{**ORIGIN, "id": missing, "number": number} for number in (1, 2)]
    first, second = (make_graph(doc, origin, None).nodes[0] for origin in origins)
    assert first["id"] != second["id"]
    assert "document_id" not in first


def test_a_document_mentions_its_entities_and_these_are_related() -> None:
    doc = make_doc()
    degree, vessel = doc.ents
    set_score(degree, 0.5)
    set_relations(doc, [Relation(degree, vessel, "of", 0.25, 0.5)])
    graph = make_graph(doc, ORIGIN, None)
    document, first, second = graph.nodes
    assert document | {"id": ""} == {
        "id": "",
        "labels": ["Document"],
        "document_id": "a1",
        "source": "in.jsonl",
        "number": 7,
        "text": doc.text,
    }
    assert first | {"id": ""} == {
        "id": "",
        "labels": ["Entity", "Degree"],
        "label": "Degree",
        "text": "severe",
        "start": 0,
        "end": 6,
        "score": 0.5,
    }
    assert (second["text"], second["start"], second["end"]) == ("LAD", 19, 22)
    assert graph.relationships == [
        {"start": document["id"], "end": first["id"], "type": "MENTIONS"},
        {"start": document["id"], "end": second["id"], "type": "MENTIONS"},
        {
            "start": first["id"],
            "end": second["id"],
            "type": "of",
            "score": 0.25,
            "score_given_entities": 0.5,
        },
    ]
    assert not graph.lost
    assert not graph.chosen


def test_attributes_and_codes_are_properties() -> None:
    doc = make_doc()
    degree, vessel = doc.ents
    set_attributes(degree, {"Assertion": "negated", "Time": "past"}, {"Assertion": 0.75})
    codes = [("V1", 1.0), ("V2", 0.9), ("V3", 0.8)]
    set_codes(
        vessel,
        [{"code": c, "system": "s", "display": f"the {c}", "score": score} for c, score in codes],
    )
    graph = make_graph(doc, ORIGIN, None)
    first, second = entities_of(graph)
    assert first["attributes"] == ["Assertion=negated", "Time=past"]
    assert first["attribute_scores"] == [0.75, 1.0]
    assert "code" not in first
    assert (second["code"], second["system"], second["display"]) == ("V1", "s", "the V1")
    assert graph.lost == {"codes after the best one of an entity, which a graph can't hold": 2}


def test_identifiers_of_other_components_are_properties() -> None:
    doc = NLP("LAD RCA")
    doc.ents = [Span(doc, 0, 1, "V", kb_id="K1", span_id="rule"), Span(doc, 1, 2, "V", kb_id="K2")]
    set_codes(doc.ents[1], [])
    first, second = entities_of(make_graph(doc, ORIGIN, None))
    assert (first["code"], first["entity_id"], second["code"]) == ("K1", "rule", "K2")
    assert not {"system", "display", "entity_id"} & second.keys()


def test_entities_may_nest_and_relations_may_connect_other_spans() -> None:
    doc = make_doc()
    doc.spans["sc"] = [Span(doc, 0, 4, "Finding"), Span(doc, 0, 1, "Degree"), doc[0:1]]
    relation = Relation(doc.spans["sc"][0], Span(doc, 1, 2, "Other"), "has")
    set_relations(doc, [relation])
    graph = make_graph(doc, ORIGIN, "sc")
    nodes = entities_of(graph)
    assert [(node["text"], node["labels"]) for node in nodes] == [
        ("severe", ["Entity"]),
        ("severe", ["Entity", "Degree"]),
        (doc.text, ["Entity", "Finding"]),
        ("stenosis", ["Entity", "Other"]),
    ]
    assert len({node["id"] for node in nodes}) == 4
    assert graph.relationships[-1]["start"] == nodes[2]["id"]
    assert graph.relationships[-1]["end"] == nodes[3]["id"]


@pytest.mark.parametrize("label", ["Document", "Entity", "a;b"])
def test_a_type_that_would_be_read_as_something_else_is_no_label(label: str) -> None:
    doc = NLP("x")
    doc.ents = [Span(doc, 0, 1, label)]
    [node] = entities_of(make_graph(doc, ORIGIN, None))
    assert (node["labels"], node["label"]) == (["Entity"], label)


def test_separators_in_attributes_are_replaced_and_counted() -> None:
    doc = make_doc()
    set_attributes(doc.ents[0], {"Time": "1; 2; 3", "Side": "left"})
    graph = make_graph(doc, ORIGIN, None)
    assert entities_of(graph)[0]["attributes"] == ["Time=1, 2, 3", "Side=left"]
    assert graph.chosen == {
        'attributes with ",", where they had ";", which separates attributes': 1
    }


def ids_of(doc: Doc, **origin: Any) -> set[str]:
    return {node["id"] for node in make_graph(doc, origin, None).nodes}


def digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def test_identifiers_agree_in_other_runs_and_places() -> None:
    # These must never change: databases hold them.
    document = digest(b'["document", "a1", "severe stenosis of LAD"]')
    ends = b'0, 6, "Degree"', b'19, 22, "Vessel"'
    entities = {digest(b'["entity", "%b", %b]' % (document.encode(), each)) for each in ends}
    assert ids_of(make_doc(), **ORIGIN) == {document, *entities}
    assert ids_of(make_doc(), id="a1", source="other.jsonl", number=1) == ids_of(
        make_doc(), **ORIGIN
    )
    # A table has strings, where JSON has numbers.
    assert ids_of(make_doc(), id=12) == ids_of(make_doc(), id="12")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "a"}, {"id": "b"}),
        ({"id": "1", "source": "a", "number": 1}, {"source": "a", "number": 1}),
        ({"source": "a", "number": 1}, {"source": "a", "number": 2}),
        ({"source": "a", "number": 1}, {"source": "b", "number": 1}),
        ({"source": "a1", "number": 1}, {"source": "a", "number": 11}),
    ],
)
def test_identifiers_of_different_documents_differ(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not ids_of(make_doc(), **one) & ids_of(make_doc(), **other)


def test_documents_of_the_same_identifier_and_another_text_stay_apart() -> None:
    assert not ids_of(make_doc(), id="a") & ids_of(make_doc("severe stenosis of RCA"), id="a")


TEXT = 'a "quoted",\r\n=SUM(A1) \\ ;x\ty\r世界 😀 '


def test_tables_hold_any_text_as_it_is(tmp_path: Path) -> None:
    doc = NLP(TEXT)
    doc.ents = [Span(doc, i, i + 1, f"T{i}") for i in range(len(doc))]
    ids = {"id": 'a,"b"\n', "source": "x\r\ny", "number": 1}
    set_relations(doc, [Relation(doc.ents[0], doc.ents[1], 'of "it",\n;')])
    folder = write(tmp_path, (ids, doc))
    document, *entities = read(folder / "nodes.csv")
    assert document["text"] == TEXT
    assert (document["document_id"], document["source"]) == ('a,"b"\n', "x\r\ny")
    assert [each["text"] for each in entities] == [token.text for token in doc]
    for each in entities:
        assert TEXT[each["start:int"] : each["end:int"]] == each["text"]
    assert read(folder / "relationships.csv")[-1][":TYPE"] == 'of "it",\n;'


def test_tables_are_read_by_a_database(tmp_path: Path) -> None:
    doc = NLP(TEXT)
    doc.ents = [Span(doc, 0, 1, "T")]
    set_relations(doc, [Relation(doc.ents[0], doc.ents[0], "of")])
    folder = write(tmp_path, (ORIGIN, doc), (ORIGIN | {"id": "a2"}, make_doc()))
    found = duckdb.sql(f"SELECT text FROM read_csv('{folder}/nodes.csv') WHERE document_id = 'a1'")
    assert found.fetchall() == [(TEXT,)]
    mentions = duckdb.sql(f"""
        SELECT d.document_id, e.label, e."start:int", r."score:double"
        FROM read_csv('{folder}/relationships.csv') r
        JOIN read_csv('{folder}/nodes.csv') d ON r.":START_ID" = d."id:ID"
        JOIN read_csv('{folder}/nodes.csv') e ON r.":END_ID" = e."id:ID"
        WHERE r.":TYPE" = 'MENTIONS' ORDER BY ALL
    """)
    assert mentions.fetchall() == [
        ("a1", "T", 0, None),
        ("a2", "Degree", 0, None),
        ("a2", "Vessel", 19, None),
    ]


def test_headers_are_those_that_neo4j_takes(tmp_path: Path) -> None:
    folder = write(tmp_path)
    for name, headers, special in (
        ("nodes.csv", NODE_HEADERS, {"ID", "LABEL"}),
        ("relationships.csv", RELATIONSHIP_HEADERS, {"START_ID", "END_ID", "TYPE"}),
    ):
        [header] = csv.reader((folder / name).read_text("utf-8").splitlines())
        assert header == [*headers.values()]
        kinds = [each.partition(":")[2] for each in header]
        assert {kind for kind in kinds if kind.isupper()} == special
        assert {kind.removesuffix("[]") for kind in kinds} - special <= TYPES.keys()
        names = [each.partition(":")[0] for each in header]
        assert max(Counter(filter(None, names)).values()) == 1


def test_entities_of_a_group_are_written(tmp_path: Path) -> None:
    doc = make_doc()
    doc.spans["sc"] = [Span(doc, 0, 4, "Finding"), *doc.ents]
    folder = write(tmp_path, (ORIGIN, doc), spans_key="sc")
    assert [row.get("label") for row in read(folder / "nodes.csv")] == [
        None,
        "Degree",
        "Finding",
        "Vessel",
    ]


def test_identifiers_that_are_not_strings_are_json(tmp_path: Path) -> None:
    folder = write(tmp_path, ({"id": {"patient": 3}, "source": "a", "number": 1}, make_doc()))
    assert json.loads(read(folder / "nodes.csv")[0]["document_id"]) == {"patient": 3}
