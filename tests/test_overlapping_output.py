"""What is written of entities that overlap: all of them, with scores, and their relations."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import fix_random_seed
from typer.testing import CliRunner

from spacy_str_encoder import to_annotations
from spacy_str_encoder.cli import app
from spacy_str_encoder.visualize.run import view_differences, view_texts

from .pipelines import MakeNlp, train
from .test_nested_entities import KEY, make_gold

# Text, entities by character offsets, and relations by the index of head and tail. Two entities in
# one place have relations of their own, and an entity inside of another one is related to it.
TEXTS: list[tuple[str, list[tuple[int, int, str]], list[tuple[int, int, str]]]] = [
    (
        "右肺大。",
        [(0, 2, "Body"), (0, 2, "Site"), (2, 3, "Finding")],
        [(0, 2, "Of"), (1, 2, "At")],
    ),
    (
        "左膝骨折，痛。",
        [(0, 2, "Body"), (0, 4, "Finding"), (5, 6, "Finding")],
        [(0, 1, "Of"), (1, 2, "With")],
    ),
    ("一般情况可。", [], []),
]
Summary = tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]


@pytest.fixture(scope="module")
def model(make_nlp: MakeNlp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that has learned these texts, and makes records."""
    fix_random_seed(0)
    settings = {"mask": "pair", "entity_types": True, "pool_entities": True}
    nlp = make_nlp(model=settings, spans_key=KEY, ner={"spans_key": KEY})
    examples = [make_gold(nlp, *annotation) for annotation in TEXTS]
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    nlp.add_pipe("str_records", config={"central": ["Finding"], "spans_key": KEY})
    path = tmp_path_factory.mktemp("overlapping") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def nlp(model: Path) -> Language:
    return spacy.load(model)


def summarize(found: dict[str, Any]) -> Summary:
    entities = [(each["start"], each["end"], each["label"]) for each in found["entities"]]
    relations = [(each["head"], each["tail"], each["label"]) for each in found["relations"]]
    return entities, sorted(relations)


def annotate(model: Path, output: Path, format: str) -> list[Path]:
    (output.parent / "texts.txt").write_text("".join(f"{text}\n" for text, _, _ in TEXTS), "utf-8")
    arguments = [model, output.parent / "texts.txt", "-o", output, "--format", format]
    result = CliRunner().invoke(app, ["annotate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return sorted(output.glob("part-*"))


@pytest.mark.slow
def test_annotations_hold_the_whole_group(nlp: Language) -> None:
    for text, entities, relations in TEXTS:
        found = to_annotations(nlp(text), spans_key=KEY)
        assert summarize(dict(found)) == (entities, sorted(relations))
        assert all(each["score"] > 0.5 for each in [*found["entities"], *found["relations"]])


@pytest.mark.slow
def test_archives_hold_the_whole_group(model: Path, nlp: Language, tmp_path: Path) -> None:
    expected = [
        json.loads(json.dumps(to_annotations(nlp(text), spans_key=KEY))) for text, _, _ in TEXTS
    ]
    [path] = annotate(model, tmp_path / "jsonl", "jsonl")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert list(map(summarize, lines)) == list(map(summarize, expected))

    [path] = annotate(model, tmp_path / "parquet", "parquet")
    rows = pyarrow.parquet.read_table(path).to_pylist()
    # Each table has columns for attributes and identifiers.
    empty = dict.fromkeys(["attributes", "attribute_scores", "id", "kb_id", "codes"])
    assert [{**row, "records": json.loads(row["records"])} for row in rows] == [
        {**line, "entities": [{**entity, **empty} for entity in line["entities"]]} for line in lines
    ]

    [path] = annotate(model, tmp_path / "spacy", "spacy")
    docs = [*DocBin().from_disk(path).get_docs(spacy.blank("zh").vocab)]
    saved = [{**doc.user_data["meta"], **to_annotations(doc, spans_key=KEY)} for doc in docs]
    assert saved == lines
    assert all(row["score"] is not None for line in lines for row in line["entities"])


def flatten(record: dict[str, Any]) -> tuple[Any, ...]:
    values = {key: [*map(flatten, found)] for key, found in record["values"].items()}
    return record["text"], record["label"], values


@pytest.mark.slow
def test_records_tell_entities_in_one_place_apart(nlp: Language, tmp_path: Path) -> None:
    docs = [nlp(text) for text, _, _ in TEXTS]
    assert [[*map(flatten, doc._.records)] for doc in docs] == [
        [("大", "Finding", {"Of": [("右肺", "Body", {})], "At": [("右肺", "Site", {})]})],
        [
            (
                "左膝骨折",
                "Finding",
                {"Of": [("左膝", "Body", {})], "With": [("痛", "Finding", {})]},
            ),
            ("痛", "Finding", {}),
        ],
        [],
    ]


@pytest.mark.slow
def test_pages_show_the_whole_group(nlp: Language) -> None:
    views = view_texts(nlp, [text for text, _, _ in TEXTS])
    for view, (text, entities, relations) in zip(views, TEXTS, strict=True):
        assert [(each.start, each.end, each.label) for each in view.entities] == entities
        assert [(each.head, each.tail, each.label) for each in view.relations] == relations
        assert all(each.score is not None for each in view.entities)
        assert text == view.text
    gold = [make_gold(nlp, *annotation).reference for annotation in TEXTS]
    gold[0].spans[KEY] = list(gold[0].spans[KEY])[1:]
    views = view_differences(nlp, gold)
    assert [view.number for view in views] == [1, 2, 3] and views[0].errors == 1


@pytest.mark.slow
def test_pages_need_no_relations(nlp: Language) -> None:
    with nlp.select_pipes(disable="str_rel"):
        views = view_texts(nlp, [text for text, _, _ in TEXTS])
        assert [len(view.entities) for view in views] == [3, 3, 0]
