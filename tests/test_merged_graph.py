"""The command `graph`: entities of an archive that are the same become one node."""

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_str_encoder import Relation, set_attributes, set_codes, set_relations
from spacy_str_encoder.doc.relation import set_score
from spacy_str_encoder.exports.graph import write_graph
from spacy_str_encoder.exports.graph.identity import CODE, TEXT, Identity
from spacy_str_encoder.exports.graph.merge import merge_graph
from spacy_str_encoder.exports.graph.merged_tables import TABLES
from spacy_str_encoder.exports.graph.merging import Merged

from .test_annotate_formats import PIPELINE, annotate, read_files, run
from .test_convert import write_lines
from .test_export_graph import NLP, read

TEXTS = ["左主干无狭窄。", "前降支近段轻度狭窄，回旋支未见明显狭窄。", "左主干轻度狭窄。"]
COUNTS = ("text", "documents:long", "mentions:long")
NEGATED = ["Assertion=negated"]


def make_doc(
    words: Iterable[str],
    *,
    codes: dict[str, str] | None = None,
    types: dict[str, str] | None = None,
    negated: Iterable[str] = (),
    relations: Iterable[tuple[int, int, str, float]] = (),
) -> Doc:
    """Make a doc whose words are all entities, with codes, types and attributes by the word."""
    doc = Doc(NLP.vocab, words=[*words])
    labels = ((types or {}).get(token.text, "Finding") for token in doc)
    doc.ents = [Span(doc, i, i + 1, label) for i, label in enumerate(labels)]
    for entity in doc.ents:
        set_score(entity, 0.5)
        set_attributes(entity, {"Assertion": "negated"} if entity.text in negated else {})
        if code := (codes or {}).get(entity.text):
            named = {"code": code, "system": "s", "display": f"the {code}"}
            set_codes(entity, [{**named, "score": 1.0}])  # type: ignore[list-item]
    ends = ((doc.ents[head], doc.ents[tail], *rest) for head, tail, *rest in relations)
    set_relations(doc, [Relation(*each) for each in ends])
    return doc


def write_parts(folder: Path, *parts: Iterable[tuple[str, Doc]]) -> list[Path]:
    paths = [folder / f"part-{number}" for number, _ in enumerate(parts)]
    for path, docs in zip(paths, parts, strict=True):
        origins = (({"id": name, "source": "in", "number": 1}, doc) for name, doc in docs)
        write_graph(path, origins, NLP, "name", "2026-11-30")
    return paths


def merge(
    folder: Path, parts: list[Path], same: str = TEXT, types: Iterable[str] = ()
) -> tuple[Merged, dict[str, list[dict[str, Any]]]]:
    merged = merge_graph(parts, folder / "merged", Identity(same, frozenset(types)))
    assert {path.name for path in (folder / "merged").iterdir()} == {*TABLES}
    return merged, {name.removesuffix(".csv"): read(folder / "merged" / name) for name in TABLES}


def describe(tables: dict[str, list[dict[str, Any]]], *names: str) -> list[tuple[Any, ...]]:
    """Properties of the entities, in order; "" where there is none."""
    nodes = [node for node in tables["nodes"] if node[":LABEL"] != ["Document"]]
    return sorted(tuple(node.get(name, "") for name in names) for node in nodes)


def test_entities_of_the_same_text_are_one_node(tmp_path: Path) -> None:
    parts = write_parts(
        tmp_path,
        [("a", make_doc(["LAD", "lad", "ＬＡＤ"])), ("b", make_doc(["LAD", "fever"]))],
        [("c", make_doc(["LAD", "LAD."]))],
    )
    merged, tables = merge(tmp_path, parts)
    assert describe(tables, *COUNTS) == [("LAD", 3, 6), ("fever", 1, 1)]
    assert (merged.documents, merged.mentions, merged.entities) == (3, 7, 2)
    assert len([node for node in tables["nodes"] if node[":LABEL"] == ["Document"]]) == 3


def test_entities_of_punctuation_alone_are_told_apart(tmp_path: Path) -> None:
    parts = write_parts(tmp_path, [("a", make_doc([".", "?", "?"]))])
    assert describe(merge(tmp_path, parts)[1], *COUNTS) == [(".", 1, 1), ("?", 1, 2)]


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        (["lad", "LAD", "ＬＡＤ", "L.A.D.", "(LAD)"], 1),
        (["C#", "C", "*C", "c/"], 1),
        (["1/2", "1:2", "1-2", "1,2"], 1),
        (["1/2", "12"], 2),
        (["1.5", "15", "1-5"], 3),
        (["50%", "50"], 2),
        (["AB+", "AB"], 2),
        (["-5", "5", "−5", "–5"], 2),
        (["HBsAg-", "HBsAg"], 2),
        (["動脈", "动脉"], 2),
    ],
)
def test_what_makes_texts_the_same(words: list[str], nodes: int, tmp_path: Path) -> None:
    merged, _ = merge(tmp_path, write_parts(tmp_path, [("a", make_doc(words))]))
    assert (merged.mentions, merged.entities) == (len(words), nodes)


def test_a_relation_inside_of_a_node_leads_back_to_it(tmp_path: Path) -> None:
    doc = make_doc(["LAD", "lad", "x"], relations=[(0, 1, "of", 0.5), (0, 2, "of", 0.5)])
    merged, tables = merge(tmp_path, write_parts(tmp_path, [("a", doc)]))
    loops = [row[":START_ID"] == row[":END_ID"] for row in tables["relationships"]]
    assert sorted(loops) == [False, True]
    assert (merged.relations, merged.relationships) == (2, 2)


def test_entities_of_another_type_stay_apart(tmp_path: Path) -> None:
    docs = (make_doc(["cold"], types={"cold": each}) for each in ("Finding", "Degree"))
    parts = write_parts(tmp_path, [*zip("ab", docs, strict=True)])
    assert describe(merge(tmp_path, parts)[1], ":LABEL", *COUNTS) == [
        (["Entity", "Degree"], "cold", 1, 1),
        (["Entity", "Finding"], "cold", 1, 1),
    ]


def test_entities_of_the_same_code_are_one_node(tmp_path: Path) -> None:
    codes = {"LAD": "V2", "前降支": "V2", "RCA": "V4"}
    words = ["LAD", "前降支", "前降支", "RCA", "x", "X", "X"]
    parts = write_parts(tmp_path, [("a", make_doc(words, codes=codes))])
    merged, tables = merge(tmp_path, parts, CODE)
    assert describe(tables, "text", "code", "system", "display", "mentions:long") == [
        ("RCA", "V4", "s", "the V4", 1),
        ("X", "", "", "", 3),
        ("前降支", "V2", "s", "the V2", 3),
    ]
    reason = "mentions of entities without a code, which are merged by their text"
    assert merged.chosen == {reason: 3}


def test_a_text_with_several_codes_is_one_node_only_by_text(tmp_path: Path) -> None:
    codes: list[dict[str, str]] = [{"LAD": "V2"}, {}, {"LAD": "V3"}, {"RCA": "V4"}]
    docs = (make_doc(["LAD", "RCA"], codes=each) for each in codes)
    parts = write_parts(tmp_path, [*zip("abcd", docs, strict=True)])
    assert describe(merge(tmp_path, parts, CODE)[1], "text", "code", "mentions:long") == [
        ("LAD", "", 2),
        ("LAD", "V2", 1),
        ("LAD", "V3", 1),
        ("RCA", "", 3),
        ("RCA", "V4", 1),
    ]
    assert describe(merge(tmp_path, parts, TEXT)[1], "text", "code", "mentions:long") == [
        ("LAD", "", 4),
        ("RCA", "", 4),
    ]


def test_a_node_has_the_code_that_all_of_its_mentions_have(tmp_path: Path) -> None:
    codes = [{"LAD": "V2", "RCA": "V4"}, {"LAD": "V3", "RCA": "V4"}]
    docs = (make_doc(["LAD", "RCA"], codes=each) for each in codes)
    parts = write_parts(tmp_path, [*zip("ab", docs, strict=True)])
    assert describe(merge(tmp_path, parts, TEXT)[1], "text", "code", "system", "display") == [
        ("LAD", "", "s", ""),
        ("RCA", "V4", "s", "the V4"),
    ]


def test_entities_of_types_that_are_not_merged_stay_as_they_are(tmp_path: Path) -> None:
    doc = make_doc(
        ["LAD", "severe", "LAD", "severe"],
        types={"LAD": "Vessel"},
        negated=["severe"],
        relations=[(1, 0, "of", 0.5), (3, 2, "of", 0.5)],
    )
    parts = write_parts(tmp_path, [("a", doc)])
    _, tables = merge(tmp_path, parts, TEXT, ["Vessel"])
    assert describe(tables, *COUNTS, "attributes:string[]", "attribute_mentions:long[]") == [
        ("LAD", 1, 2, "", ""),
        ("severe", 1, 1, NEGATED, [1]),
        ("severe", 1, 1, NEGATED, [1]),
    ]
    alone = {row["id:ID"] for row in tables["nodes"] if row.get("label") == "Finding"}
    assert alone < {row["id:ID"] for row in read(parts[0] / "nodes.csv")}
    assert {row[":START_ID"] for row in tables["relationships"]} == alone


def test_values_of_attributes_stay_apart(tmp_path: Path) -> None:
    words, relations = ["pain", "left"], [(0, 1, "of", 0.5)]
    docs = (
        make_doc(words, relations=relations, negated=each)
        for each in ((), ("pain",), ("pain",), ("left",))
    )
    parts = write_parts(tmp_path, [*zip("abcd", docs, strict=True)])
    _, tables = merge(tmp_path, parts)
    counts = ("attributes:string[]", "attribute_mentions:long[]")
    assert describe(tables, "text", "mentions:long", *counts) == [
        ("left", 4, NEGATED, [1]),
        ("pain", 4, NEGATED, [2]),
    ]
    names = ("documents:long", "start_attributes:string[]", "end_attributes:string[]")
    rows = [tuple(row.get(name) for name in names) for row in tables["relationships"]]
    assert sorted(rows, key=str) == [(1, None, None), (1, None, NEGATED), (2, NEGATED, None)]


def test_relationships_count_relations_and_have_the_highest_score(tmp_path: Path) -> None:
    relations = [(0, 1, "of", 1e-05), (2, 1, "of", 0.25), (2, 1, "in", 0.5)]
    doc = make_doc(["a", "b", "A"], relations=relations)
    other = make_doc(["a", "b"], relations=[(0, 1, "of", 0.125)])
    parts = write_parts(tmp_path, [("1", doc)], [("2", other)])
    merged, tables = merge(tmp_path, parts)
    names = (":TYPE", "score:double", "documents:long", "relations:long")
    rows = [tuple(row[name] for name in names) for row in tables["relationships"]]
    assert sorted(rows) == [("in", 0.5, 1, 1), ("of", 0.25, 2, 3)]
    assert (merged.relations, merged.relationships) == (4, 2)


def test_mentions_and_evidence_lead_back_to_documents(tmp_path: Path) -> None:
    doc = make_doc(["LAD", "lad"], relations=[(0, 1, "of", 0.25)])
    [part] = write_parts(tmp_path, [("a", doc)])
    _, tables = merge(tmp_path, [part])
    document, first, second = (row["id:ID"] for row in read(part / "nodes.csv"))
    [entity] = (row["id:ID"] for row in tables["nodes"] if "text" in row)
    assert tables["nodes"][0] == {
        "id:ID": document,
        ":LABEL": ["Document"],
        "document_id": "a",
        "source": "in",
        "number:long": 1,
    }
    assert tables["mentions"] == [
        {
            ":START_ID": document,
            ":END_ID": entity,
            ":TYPE": "MENTIONS",
            "mention": mention,
            "text": text,
            "start:int": start,
            "end:int": start + 3,
            "score:double": 0.5,
        }
        for mention, text, start in ((first, "LAD", 0), (second, "lad", 4))
    ]
    assert tables["evidence"] == [
        {
            "start_id": entity,
            "end_id": entity,
            "type": "of",
            "document": document,
            "start_mention": first,
            "end_mention": second,
            "score": "0.25",
        }
    ]


def test_a_document_that_is_repeated_counts_once(tmp_path: Path) -> None:
    doc = make_doc(["a", "b"], relations=[(0, 1, "of", 0.5)])
    parts = write_parts(tmp_path, [("x", doc), ("x", doc), ("y", doc)], [("x", doc)])
    merged, tables = merge(tmp_path, parts)
    reason = "documents with the same identifier and text as another one, which count once"
    assert merged.chosen == {reason: 2}
    assert describe(tables, *COUNTS) == [("a", 2, 2), ("b", 2, 2)]
    assert [row["relations:long"] for row in tables["relationships"]] == [2]
    assert (len(tables["mentions"]), len(tables["evidence"])) == (4, 2)


WORDS = st.lists(st.sampled_from(["a", "A", "b", "c"]), max_size=4)
PAIRS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from("xy")), max_size=4)
# The key of an entity in SQL, beside its type.
KEYS = {TEXT: "lower(text)", CODE: "coalesce(code, lower(text))"}
ENTITIES = """
CREATE OR REPLACE TEMP TABLE entity AS
SELECT "id:ID" AS id, "attributes:string[]" AS attributes,
    CASE WHEN label IN ({types}) THEN label || ' ' || {key} ELSE "id:ID" END AS key
FROM read_csv('{folder}/part-*/nodes.csv', all_varchar = true) WHERE label IS NOT NULL;
CREATE OR REPLACE TEMP TABLE relation AS
SELECT ":START_ID" AS s, ":END_ID" AS e, ":TYPE" AS type
FROM read_csv('{folder}/part-*/relationships.csv', all_varchar = true);
"""
COUNT_ENTITIES = """
SELECT count(DISTINCT s), count(*) FROM entity JOIN relation ON e = id AND type = 'MENTIONS'
GROUP BY key ORDER BY ALL
"""
COUNT_RELATIONS = """
SELECT count(DISTINCT d.s), count(*)
FROM relation r JOIN entity a ON r.s = a.id JOIN entity b ON r.e = b.id
JOIN relation d ON d.e = a.id AND d.type = 'MENTIONS'
GROUP BY a.key, b.key, r.type, a.attributes, b.attributes ORDER BY ALL
"""


# Each example writes and syncs files.
@settings(max_examples=30)
@given(
    parts=st.lists(st.lists(st.tuples(WORDS, PAIRS), max_size=3), max_size=3),
    negated=st.sets(st.sampled_from("aAb")),
    same=st.sampled_from([CODE, TEXT]),
    types=st.sampled_from([("Finding",), ("Finding", "Other")]),
)
def test_counts_are_those_that_a_database_finds(
    parts: list[list[tuple[list[str], set[tuple[int, int, str]]]]],
    negated: set[str],
    same: str,
    types: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, numbers = tmp_path_factory.mktemp("graph"), count()
    docs = [
        [
            (
                str(next(numbers)),
                make_doc(
                    ["a", "c", *words],
                    codes={"b": "B"},
                    types={"c": "Other"},
                    negated=negated,
                    relations=[(*p, 0.5) for p in pairs if max(p[:2]) < 2 + len(words)],
                ),
            )
            for words, pairs in part
        ]
        # A first text has each type.
        for part in [[([], set())], *parts]
    ]
    merged, tables = merge(folder, write_parts(folder, *docs), same, types)
    with duckdb.connect() as database:
        kinds = ", ".join(map(repr, types))
        database.sql(ENTITIES.format(types=kinds, key=KEYS[same], folder=folder))
        entities = database.sql(COUNT_ENTITIES).fetchall()
        relations = database.sql(COUNT_RELATIONS).fetchall()
    assert describe(tables, "documents:long", "mentions:long") == entities
    rows = tables["relationships"]
    assert sorted((row["documents:long"], row["relations:long"]) for row in rows) == relations
    assert (merged.entities, merged.relationships) == (len(entities), len(relations))
    assert merged.mentions == sum(each for _, each in entities)
    assert merged.relations == sum(each for _, each in relations)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of three parts in two sources, in the format graph."""
    folder = tmp_path_factory.mktemp("archive")
    rows = [{"text": text, "id": f"a{i}"} for i, text in enumerate(TEXTS)]
    (folder / "in").mkdir()
    write_lines(folder / "in" / "1.jsonl", *rows)
    write_lines(folder / "in" / "2.jsonl", {"text": TEXTS[0], "id": "b"})
    annotate("graph", folder / "in", folder / "out", "--part-size", 2)
    return folder / "out"


def merge_archive(archive: Path, output: Path, *options: str) -> Any:
    return run("graph", archive, "--merge", "text", "--output", output, *options)


def test_the_command_says_what_it_merged(archive: Path, tmp_path: Path) -> None:
    result = merge_archive(archive, tmp_path / "merged")
    assert result.exit_code == 0, result.output
    tables = {path.stem: read(path) for path in (tmp_path / "merged").iterdir()}
    entities, relationships = len(describe(tables)), len(tables["relationships"])
    mentions, relations = len(tables["mentions"]), len(tables["evidence"])
    assert 1 < entities < mentions
    assert result.stdout == (
        f"{tmp_path / 'merged'}: 4 documents, {entities} entities of {mentions} mentions, "
        f"{relationships} relationships of {relations} relations\n"
    )


def test_merging_again_replaces_the_graph(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "merged"
    merge_archive(archive, output)
    expected = read_files(output)
    (output / "nodes.csv").write_text("old", "utf-8")
    assert merge_archive(archive, output).exit_code == 0
    assert read_files(output) == expected
    assert [*tmp_path.iterdir()] == [output]


def assert_refused(result: Any, message: str) -> None:
    assert result.exit_code == 1
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert message in line


def test_other_files_are_not_touched(archive: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.touch()
    for output in (tmp_path, note):
        assert_refused(merge_archive(archive, output), "else than a merged graph (note.txt)")
    assert [*tmp_path.iterdir()] == [note]
    # A part of another archive has two tables of the same names.
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "nodes.csv").touch()
    assert_refused(
        merge_archive(archive, tmp_path / "part"), "else than a merged graph (nodes.csv)"
    )
    assert_refused(merge_archive(archive, archive / "merged"), "is inside of the input")
    assert_refused(merge_archive(archive, archive), "is an input and would be overwritten")


def test_a_folder_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.jsonl").touch()
    for name in ("empty", "missing", "a.jsonl"):
        result = merge_archive(tmp_path / name, tmp_path / "merged")
        assert_refused(result, "that annotate --format graph has written, but it has no manifest")
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "a.jsonl"}
    assert not [*(tmp_path / "empty").iterdir()]


def test_an_archive_in_another_format_is_refused(tmp_path: Path) -> None:
    annotate("jsonl", write_lines(tmp_path / "in.jsonl", {"text": "x"}), tmp_path / "out")
    result = merge_archive(tmp_path / "out", tmp_path / "merged")
    assert_refused(result, "the archive must be in the format graph, got jsonl")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (5, "1 of 2 inputs are not read to their end ("),
        (4, "2 of 2 inputs are not read to their end ("),
        (1, "no text is annotated yet"),
    ],
)
def test_an_archive_that_is_not_finished_is_refused_until_it_is(
    lines: int, message: str, tmp_path: Path
) -> None:
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    for name in ("1.jsonl", "2.jsonl"):
        write_lines(inputs / name, {"text": TEXTS[0]})
    annotate("graph", inputs, output)
    manifest = output / "manifest.jsonl"
    whole = manifest.read_text("utf-8").splitlines(keepends=True)
    assert "finished" in json.loads(whole[4])
    manifest.write_text("".join(whole[:lines]), "utf-8")
    result = merge_archive(output, tmp_path / "merged")
    assert_refused(result, message)
    assert "Repeat the annotate command that began it" in result.stderr
    assert not (tmp_path / "merged").exists()
    annotate("graph", inputs, output)
    assert merge_archive(output, tmp_path / "merged").exit_code == 0


def test_an_archive_without_entities_is_an_empty_graph(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", {"text": "x"}, {"text": 3})
    options = ["--format", "graph", "--output", tmp_path / "out"]
    assert run("annotate", PIPELINE, source, *options).exit_code == 3
    result = merge_archive(tmp_path / "out", tmp_path / "merged")
    assert result.exit_code == 0
    assert "1 text could not be annotated (see " in result.stdout
    assert "1 document, 0 entities of 0 mentions, 0 relationships of 0 relations\n" in result.stdout
    result = merge_archive(tmp_path / "out", tmp_path / "other", "--type", "Vessel")
    assert_refused(
        result, "no entity of the type Vessel. Check the spelling. It has the types none"
    )


def test_a_type_that_is_not_there_is_refused(archive: Path, tmp_path: Path) -> None:
    result = merge_archive(archive, tmp_path / "merged", "--type", "Negation", "--type", "Vesel")
    assert_refused(result, "the archive has no entity of the type Vesel. Check the spelling.")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("nodes.csv", lambda text: "", "line 0: the table is not as annotate has written it"),
        ("nodes.csv", lambda text: text.replace("id:ID", "id", 1), "line 1: the table is not"),
        ("relationships.csv", lambda text: f"{text}a,b\n", "the table is not as annotate has"),
        ("relationships.csv", lambda text: f'{text}"a', "the table is not as annotate has"),
    ],
)
def test_a_table_that_was_changed_is_refused(
    name: str, change: Any, message: str, tmp_path: Path
) -> None:
    parts = write_parts(tmp_path, [("x", make_doc(["a"]))], [("y", make_doc(["a"]))])
    path = parts[1] / name
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(ValueError, match=message) as error:
        merge(tmp_path, parts)
    assert str(error.value).startswith(f"{path}, line ")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("name", ["nodes.csv", "relationships.csv"])
@pytest.mark.parametrize(
    "change", [lambda lines: lines[:-1], lambda lines: [*lines[:-2], lines[-1]]], ids=["end", "row"]
)
def test_an_archive_that_lost_a_row_is_refused(
    name: str, change: Any, archive: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "out"
    copytree(archive, copied)
    path = min(copied.glob("part-*")) / name
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    assert_refused(merge_archive(copied, tmp_path / "merged"), "bytes, but annotate has written")
    assert not (tmp_path / "merged").exists()


def test_an_archive_whose_manifest_has_no_sizes_is_merged(archive: Path, tmp_path: Path) -> None:
    copied = tmp_path / "out"
    copytree(archive, copied)
    lines = [json.loads(line) for line in (copied / "manifest.jsonl").read_text().splitlines()]
    assert any(line.pop("size", None) for line in lines)
    (copied / "manifest.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for source, output in ((archive, "one"), (copied, "other")):
        assert merge_archive(source, tmp_path / output).exit_code == 0
    assert read_files(tmp_path / "one") == read_files(tmp_path / "other")


@pytest.mark.parametrize(
    "rows",
    [[1], [2], [4], [5], [6], [4, 5, 6]],
    ids=["repeated", "head of repeated", "document", "head", "tail", "all"],
)
def test_relations_whose_nodes_are_gone_are_refused(rows: list[int], tmp_path: Path) -> None:
    docs = [(name, make_doc(["a", "b"], relations=[(0, 1, "of", 0.5)])) for name in "xy"]
    parts = write_parts(tmp_path, docs[:1], docs)
    nodes = parts[1] / "nodes.csv"
    lines = nodes.read_bytes().splitlines(keepends=True)
    assert len(lines) == 7
    nodes.write_bytes(b"".join(line for i, line in enumerate(lines) if i not in rows))
    with pytest.raises(ValueError, match=r"it has no node [0-9a-f]{32}\. Restore it") as error:
        merge(tmp_path, parts)
    assert str(error.value).startswith(f"{nodes}: the table must have all nodes of relation")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("kept", [1, 2], ids=["header", "one mention"])
def test_a_table_whose_end_was_cut_off_is_refused(kept: int, tmp_path: Path) -> None:
    docs = [("x", make_doc(["a", "b"], relations=[(0, 1, "of", 0.5)]))]
    parts = write_parts(tmp_path, docs)
    relationships = parts[0] / "relationships.csv"
    lines = relationships.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    relationships.write_bytes(b"".join(lines[:kept]))
    with pytest.raises(ValueError, match=rf"lacks {3 - kept} of them\. Restore it") as error:
        merge(tmp_path, parts)
    assert str(error.value).startswith(f"{relationships}: the table must have a row MENTIONS for")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("name", ["nodes.csv", "relationships.csv"])
def test_a_table_that_is_missing_is_named(name: str, tmp_path: Path) -> None:
    parts = write_parts(tmp_path, [("x", make_doc(["a"]))], [("y", make_doc(["a"]))])
    (parts[1] / name).unlink()
    with pytest.raises(ValueError, match=r"is missing\. Restore it, or repeat the") as error:
        merge(tmp_path, parts)
    assert str(error.value).startswith(f"{parts[1] / name}: ")


def test_a_part_that_is_missing_is_named_and_made_again(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", {"text": TEXTS[0]})
    output = tmp_path / "out"
    annotate("graph", source, output)
    rmtree(output / "part-00000-000000")
    result = merge_archive(output, tmp_path / "merged")
    assert_refused(result, "missing or incomplete (1), such as part-00000-000000. Restore them")
    annotate("graph", source, output, "--overwrite")
    assert merge_archive(output, tmp_path / "merged").exit_code == 0
