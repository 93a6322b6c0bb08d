"""Fields of JSON formats with values of the wrong type: what errors say."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_str_encoder.formats.docs import make_tokenizer
from spacy_str_encoder.formats.registry import all_formats
from spacy_str_encoder.formats.report import ConversionReport

from .json_files import read_error, write_items

FORMATS = all_formats(make_tokenizer(None))
TOKENS = ["Ada", "joined", "Acme"]
PLACES = [(0, 3), (4, 10), (11, 15)]
TEXT = " ".join(TOKENS)
ENDS = [
    {"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "P"},
    {"start": 11, "end": 15, "token_start": 2, "token_end": 2, "label": "O"},
]
REGION = {"id": "a", "type": "labels", "from_name": "label", "to_name": "text"}
# One valid text in each format, with all fields that are read.
SAMPLES: dict[str, Any] = {
    "jsonl": {
        "text": TEXT,
        "tokens": TOKENS,
        "entities": [
            {"start": 0, "end": 3, "label": "P", "text": "Ada", "attributes": {"a": "b"}},
            {"start": 11, "end": 15, "label": "O"},
        ],
        "relations": [{"head": 0, "tail": 1, "label": "R"}],
        "meta": {"id": 1},
    },
    "authors": {
        "text": TEXT,
        "entities": [[0, 3, "Ada", "P"], [11, 15, "Acme", "O"]],
        "relations": [[0, 1, "R_1_2"]],
    },
    "spert": {
        "text": TEXT,
        "tokens": TOKENS,
        "entities": [{"type": "P", "start": 0, "end": 1}, {"type": "O", "start": 2, "end": 3}],
        "relations": [{"type": "R", "head": 0, "tail": 1}],
    },
    "gliner": {
        "text": TEXT,
        "tokenized_text": TOKENS,
        "ner": [[0, 0, "P", "Ada"], [2, 2, "O"]],
        "relations": [[0, 1, "R"]],
    },
    "glirel": {
        "text": TEXT,
        "tokenized_text": TOKENS,
        "ner": [[0, 0, "P", "Ada"], [2, 2, "O"]],
        "relations": [
            {
                "head": {"mention": "Ada", "position": [0, 0], "type": "P"},
                "tail": {"mention": "Acme", "position": [2, 2], "type": "O"},
                "relation_text": "R",
            }
        ],
    },
    "prodigy": {
        "text": TEXT,
        "tokens": [
            {"text": token, "start": start, "end": end, "id": i, "ws": True}
            for i, (token, (start, end)) in enumerate(zip(TOKENS, PLACES, strict=True))
        ],
        "spans": [{"text": "Ada", **ENDS[0]}, ENDS[1]],
        "relations": [
            {"head": 0, "child": 2, "head_span": ENDS[0], "child_span": ENDS[1], "label": "R"},
            {"head": 0, "child": 2, "label": "R"},
        ],
        "answer": "accept",
    },
    "doccano": {
        "text": TEXT,
        "entities": [
            {"id": 7, "label": "P", "start_offset": 0, "end_offset": 3},
            {"id": 8, "label": "O", "start_offset": 11, "end_offset": 15},
        ],
        "relations": [{"id": 1, "from_id": 7, "to_id": 8, "type": "R"}],
    },
    "label-studio": {
        "id": 1,
        "data": {"text": TEXT},
        "annotations": [
            {
                "was_cancelled": False,
                "result": [
                    {**REGION, "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["P"]}},
                    {**REGION, "id": "b", "value": {"start": 11, "end": 15, "labels": ["O"]}},
                    {**REGION, "type": "choices", "from_name": "c", "value": {"choices": ["x"]}},
                    {
                        **REGION,
                        "type": "taxonomy",
                        "from_name": "t",
                        "value": {"taxonomy": [["x", "y"]]},
                    },
                    {**REGION, "type": "rating", "from_name": "r", "value": {"rating": 3}},
                    {
                        "type": "relation",
                        "from_id": "a",
                        "to_id": "b",
                        "direction": "right",
                        "labels": ["R"],
                    },
                ],
            }
        ],
    },
    "spo": {
        "text": TEXT,
        "spo_list": [
            {
                "predicate": "R",
                "subject": "Ada",
                "subject_type": "P",
                "object": {"@value": "Acme"},
                "object_type": {"@value": "O"},
            }
        ],
    },
    "spacy-json": {
        "text": TEXT,
        "ents": [{"start": 0, "end": 3, "label": "P"}],
        "spans": {"sc": [{"start": 0, "end": 3, "label": "P", "kb_id": ""}]},
        "tokens": [{"id": i, "start": start, "end": end} for i, (start, end) in enumerate(PLACES)],
        "_": {"id": 1},
    },
    "spacy-tuples": [TEXT, {"entities": [[0, 3, "P"], [11, 15, "O"]]}],
    "spacy-llm": {
        "text": TEXT,
        "ents": [
            {"start_char": 0, "end_char": 3, "label": "P"},
            {"start_char": 11, "end_char": 15, "label": "O"},
        ],
        "relations": [{"dep": 0, "dest": 1, "relation": "R"}],
    },
    "gliner2": {
        "text": TEXT,
        "entities": {
            "P": [{"text": "Ada", "start": 0, "end": 3}],
            "O": "Acme",
            "E": {"text": "joined", "start": 4, "end": 10},
        },
        "relation_extraction": {
            "R": [
                {"head": {"text": "Ada", "start": 0, "end": 3}, "tail": {"text": "Acme"}},
                ["joined", "Acme"],
            ]
        },
    },
    "dygie": {
        "doc_key": "1",
        "sentences": [TOKENS],
        "ner": [[[0, 0, "P"], [2, 2, "O"]]],
        "relations": [[[0, 0, 2, 2, "R"]]],
        "clusters": [],
        "events": [[]],
        "event_clusters": [],
        "_text": [TEXT],
        "_meta": [{"a": 1}],
    },
    "docred": {
        "title": "1",
        "sents": [TOKENS],
        "vertexSet": [
            [{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "P"}],
            [{"name": "Acme", "sent_id": 0, "pos": [2, 3], "type": "O"}],
        ],
        "labels": [{"h": 0, "t": 1, "r": "R", "evidence": []}],
    },
    "tacred": {
        "token": TOKENS,
        "relation": "R",
        "subj_start": 0,
        "subj_end": 0,
        "subj_type": "P",
        "obj_start": 2,
        "obj_end": 2,
        "obj_type": "O",
    },
    "ubiai": {
        "document": TEXT,
        "tokens": [
            {"text": "Ada", **ENDS[0], "entityLabel": "P"},
            {"text": "Acme", **ENDS[1], "entityLabel": "O"},
        ],
        "relations": [{"head": 0, "child": 2, "relationLabel": "R"}],
    },
    "casrel": {"text": TEXT, "triple_list": [["Ada", "R", "Acme"]]},
}
SAMPLES["jsonl lists"] = {"text": TEXT, "entities": [[0, 3, "P"]], "relations": []}
SAMPLES["doccano labels"] = {"text": TEXT, "label": [[0, 3, "P"], [11, 15, "O"]]}
VALUES: list[Any] = [None, 3, -1, True, 1.5, "x", "", [], {}, [None], [3], [[]], [{}], {"x": 3}]
# Words of Python that say nothing to users. An object of JSON may be one.
PYTHON = re.compile(
    r"' object|NoneType|indices|subscriptable|iterable|unpack|hashable|argument|has no attribute|"
    r"not in this format|supported between|expected string"
)


def find_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to each value inside of a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield (*path, key)
        if isinstance(value[key], dict | list):
            yield from find_paths(value[key], (*path, key))


def change(item: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at the end of a path."""
    changed = inner = copy.deepcopy(item)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_read_without_a_loss(name: str, tmp_path: Path) -> None:
    path = write_items(tmp_path / "a.json", SAMPLES[name])
    [record] = FORMATS[name.split()[0]].read(path, ConversionReport(strict=True))
    assert record.entities


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_of_the_wrong_type_is_named_in_plain_words(name: str, tmp_path: Path) -> None:
    format = FORMATS[name.split()[0]]
    for keys in find_paths(SAMPLES[name]):
        for value in VALUES:
            path = write_items(tmp_path / "a.json", change(SAMPLES[name], keys, value))
            report = ConversionReport(skip_bad=True)
            list(format.read(path, report))
            for message in report.rejected:
                assert message.startswith(f"{path}, text 1: ")
                assert not PYTHON.search(message), (keys, value, message)


FIELDS = {
    "jsonl": ("entities", 0, "start"),
    "authors": ("relations", 0, 1),
    "spert": ("entities", 1, "type"),
    "gliner": ("ner", 0, 1),
    "glirel": ("relations", 0, "head", "position", 0),
    "prodigy": ("relations", 0, "head_span", "start"),
    "doccano": ("entities", 0, "start_offset"),
    "doccano labels": ("label", 1, 0),
    "label-studio": ("annotations", 0, "result", 5, "from_id"),
    "spo": ("spo_list", 0, "subject_type"),
    "spacy-json": ("tokens", 2, "end"),
    "spacy-llm": ("ents", 1, "start_char"),
    "gliner2": ("relation_extraction", "R", 0, "head", "end"),
    "dygie": ("ner", 0, 1, 2),
    "docred": ("vertexSet", 1, 0, "pos", 0),
    "tacred": ("subj_end",),
    "ubiai": ("relations", 0, "child"),
    "casrel": ("triple_list", 0, 2),
    "jsonl lists": ("entities", 0, 2),
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_path_of_a_field_is_named(name: str, tmp_path: Path) -> None:
    first, *others = FIELDS[name]
    field = first + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in others)
    path = write_items(tmp_path / "a.json", change(SAMPLES[name], FIELDS[name], [{}]))
    message = read_error(FORMATS[name.split()[0]], path)
    assert message.startswith(f"{path}, text 1: the field '{field}' must be ")
    assert message.endswith(", got [{}]")


REVERSED = {
    "jsonl": [(("entities", 0, "start"), 5)],
    "authors": [(("entities", 0), [3, 0, "", "P"])],
    "spert": [(("entities", 1, "end"), 1)],
    "gliner": [(("ner", 0), [2, 0, "P"])],
    "glirel": [(("relations", 0, "head", "position"), [2, 0])],
    "prodigy": [(("spans", 0, "end"), 0)],
    "doccano": [(("entities", 0, "start_offset"), 6)],
    "label-studio": [(("annotations", 0, "result", 0, "value", "start"), 6)],
    "spacy-json": [(("ents", 0, "start"), 6)],
    "spacy-tuples": [((1, "entities", 0, 0), 6)],
    "spacy-llm": [(("ents", 0, "start_char"), 6)],
    "gliner2": [(("entities", "P", 0, "start"), 6)],
    "dygie": [(("ner", 0, 0), [2, 0, "P"])],
    "docred": [(("vertexSet", 0, 0, "pos"), [1, 0])],
    "tacred": [(("subj_start",), 2)],
    "ubiai": [(("tokens", 0, "start"), 6)],
}


@pytest.mark.parametrize("name", REVERSED)
def test_a_span_that_ends_before_its_start_is_not_called_outside(name: str, tmp_path: Path) -> None:
    [(keys, value)] = REVERSED[name]
    path = write_items(tmp_path / "a.json", change(SAMPLES[name], keys, value))
    message = read_error(FORMATS[name], path)
    assert "must end after" in message
    assert "within" not in message
    assert "exist" not in message
