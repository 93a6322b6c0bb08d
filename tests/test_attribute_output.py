"""Attributes of entities in everything that is written, and read again."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_str_encoder import get_attributes, set_attributes, to_annotations
from spacy_str_encoder.cli import app

TEXTS = ["no fever but pneumonia", "her mother has asthma", "nothing"]
PATTERNS = [
    {"label": "Finding", "pattern": "fever"},
    {"label": "Finding", "pattern": "pneumonia"},
    {"label": "Person", "pattern": "mother"},
    {"label": "Finding", "pattern": "asthma"},
]
# Attributes of each entity. Those of the mother are unannotated.
VALUES: dict[str, dict[str, str]] = {
    "fever": {"Assertion": "negated"},
    "pneumonia": {},
    "asthma": {"Assertion": "present", "Of": "family"},
}


class AttributeSetter:
    """Sets known attributes, and has settings as `str_attr` has them."""

    def __init__(self) -> None:
        self.cfg = {"defaults": {"Assertion": "present"}}

    def __call__(self, doc: Doc) -> Doc:
        doc._.relations = []
        for entity in doc.ents:
            if entity.text in VALUES:
                values = VALUES[entity.text]
                set_attributes(entity, values, dict.fromkeys(values, 0.75))
        return doc


@Language.factory("tests_set_attributes", assigns=["span._.attributes"])
def make_attribute_setter(nlp: Language, name: str) -> AttributeSetter:
    return AttributeSetter()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)  # type: ignore[attr-defined]
    nlp.add_pipe("tests_set_attributes")
    settings = {"central": ["Finding"], "exclude": {"Of": ["family"]}}
    nlp.add_pipe("str_records", config=settings)
    path = tmp_path_factory.mktemp("attributes") / "model"
    nlp.to_disk(path)
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def annotate(model: Path, folder: Path, format: str) -> Path:
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    run("annotate", model, folder / "texts.txt", "-o", folder / format, "--format", format)
    [path] = (folder / format).glob("part-*")
    return path


def values_of(docs: list[Doc]) -> dict[str, dict[str, str] | None]:
    return {entity.text: get_attributes(entity) for doc in docs for entity in doc.ents}


def test_plain_data_tell_unannotated_from_none(model: Path) -> None:
    nlp = spacy.load(model)
    found = [to_annotations(nlp(text))["entities"] for text in TEXTS]
    finding = {"label": "Finding", "score": None}
    assert found == [
        [
            {
                "start": 3,
                "end": 8,
                **finding,
                "attributes": {"Assertion": "negated"},
                "attribute_scores": {"Assertion": 0.75},
            },
            {"start": 13, "end": 22, **finding, "attributes": {}, "attribute_scores": {}},
        ],
        [
            {"start": 4, "end": 10, "label": "Person", "score": None},
            {
                "start": 15,
                "end": 21,
                **finding,
                "attributes": {"Assertion": "present", "Of": "family"},
                "attribute_scores": {"Assertion": 0.75, "Of": 0.75},
            },
        ],
        [],
    ]
    assert json.loads(json.dumps(found)) == found


def to_dict(pairs: list[tuple[str, Any]] | None) -> dict[str, Any] | None:
    return None if pairs is None else dict(pairs)


def test_archives_hold_attributes(model: Path, tmp_path: Path) -> None:
    lines = [
        json.loads(line)
        for line in annotate(model, tmp_path, "jsonl").read_text("utf-8").splitlines()
    ]
    nlp = spacy.load(model)
    assert [line["entities"] for line in lines] == [
        to_annotations(nlp(text))["entities"] for text in TEXTS
    ]
    # The fever is negated, and the asthma excluded.
    [fever, pneumonia] = [record for line in lines for record in line["records"]]
    assert fever["values"]["Assertion"][0]["text"] == "negated"
    assert (pneumonia["text"], pneumonia["values"]) == ("pneumonia", {})

    rows = pyarrow.parquet.read_table(annotate(model, tmp_path, "parquet")).to_pylist()
    names = ("attributes", "attribute_scores")
    for row, line in zip(rows, lines, strict=True):
        assert json.loads(row["records"]) == line["records"]
        for entity, expected in zip(row["entities"], line["entities"], strict=True):
            assert {name: to_dict(entity[name]) for name in names} == {
                name: expected.get(name) for name in names
            }

    path = annotate(model, tmp_path, "spacy")
    docs = [*DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)]
    assert [{**doc.user_data["meta"], **to_annotations(doc)} for doc in docs] == lines


def test_convert_reads_what_annotate_writes(model: Path, tmp_path: Path) -> None:
    path, output = annotate(model, tmp_path, "jsonl"), tmp_path / "gold.spacy"
    report = run("convert", path, "-o", output, "--from", "jsonl", "--lang", "en")
    docs = [*DocBin().from_disk(output).get_docs(spacy.blank("en").vocab)]
    assert values_of(docs) == {**VALUES, "mother": None}
    found = [entity._.attribute_scores for doc in docs for entity in doc.ents]
    assert {score for scores in found for score in (scores or {}).values()} == {0.75}
    assert "unsupported" not in report


def attributes_on(path: Path) -> list[str]:
    return re.findall(r'<b class="attribute \w+">(.*?)</b>', path.read_text("utf-8"))


def test_pages_show_attributes_without_default_values(model: Path, tmp_path: Path) -> None:
    page, gold = tmp_path / "page.html", tmp_path / "gold.spacy"
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), "utf-8")
    run("visualize", model, tmp_path / "texts.txt", "-o", page)
    assert attributes_on(page) == ["Assertion=negated <i>0.75</i>", "Of=family <i>0.75</i>"]

    docs = [*map(spacy.load(model), TEXTS)]
    docs[0].ents[1]._.attributes = {"Assertion": "possible"}
    docs[1].ents[1]._.attributes = {}
    DocBin(docs=docs, store_user_data=True).to_disk(gold)
    run("visualize", model, gold, "--gold", "-o", page)
    # The doc with fewer gold annotations has the higher rate of errors.
    assert attributes_on(page) == [
        "Of=family <i>0.75</i> wrong",
        "Assertion=negated <i>0.75</i> correct",
        "Assertion=possible missed",
    ]
