"""What was saved by earlier versions stays readable. `tests/saved` has a pipeline, docs and a begun
archive of version 0.1.0, as they were before modules were moved: they are never written anew.
"""

import json
import shutil
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from torch import nn
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.origin import get_id, list_places
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.modules.bilstm import BiLSTM
from spacy_str_encoder.modules.capsules import PairCapsules
from spacy_str_encoder.modules.crf import BiluoCRF
from spacy_str_encoder.modules.dilated_convolutions import ResidualDilatedConvolutions
from spacy_str_encoder.modules.pair_vectors import PairConvolutions, PairMaxima

SAVED = Path(__file__).parent / "saved"
SETUP = Path(__file__).parents[1] / "setup.cfg"
GROUPS = (
    "console_scripts",
    "spacy_architectures",
    "spacy_callbacks",
    "spacy_factories",
    "spacy_misc",
    "spacy_readers",
    "spacy_scorers",
    "thinc_schedules",
)


def read_annotations() -> list[dict[str, Any]]:
    content = (SAVED / "annotations.json").read_text("utf-8")
    return json.loads(content, object_hook=rename_values)


def rename_values(item: dict[str, Any]) -> dict[str, Any]:
    """Rename `attributes`, as earlier versions called the values of a record."""
    return {"values" if key == "attributes" else key: value for key, value in item.items()}


def read_docs() -> list[Doc]:
    return list(DocBin().from_disk(SAVED / "docs.spacy").get_docs(Vocab()))


def round_scores(item: Any) -> Any:
    """The same with scores that do not tell one processor from another."""
    if isinstance(item, dict):
        return {key: round_scores(value) for key, value in item.items()}
    if isinstance(item, list):
        return [round_scores(each) for each in item]
    return round(item, 3) if isinstance(item, float) else item


def with_joint_scores(item: dict[str, Any]) -> dict[str, Any]:
    """The same with scores of relations that count their entities, as earlier ones did not."""
    scores = [entity["score"] for entity in item["entities"]]
    places = [(entity["start"], entity["end"]) for entity in item["entities"]]
    joint, relations = {}, []
    for each in item["relations"]:
        ends = each["head"], each["tail"]
        score = each["score"] * scores[ends[0]] * scores[ends[1]]
        joint[frozenset(places[end] for end in ends)] = score
        relations.append({**each, "score": score, "score_given_entities": each["score"]})
    records = [rescore(record, joint) for record in item["records"]]
    return {**item, "relations": relations, "records": records}


def rescore(
    record: dict[str, Any], joint: dict[frozenset[tuple[int, int]], float]
) -> dict[str, Any]:
    """A record whose values have the scores of their relations."""
    place = record["start"], record["end"]
    values = {
        name: [
            {
                **rescore(each, joint),
                "score": joint[frozenset([place, (each["start"], each["end"])])],
            }
            for each in found
        ]
        for name, found in record["values"].items()
    }
    return {**record, "values": values}


def test_docs_keep_entities_relations_and_records() -> None:
    expected = read_annotations()
    for each in expected:
        # Docs of that version have one score for each relation.
        each["relations"] = [{**row, "score_given_entities": None} for row in each["relations"]]
    assert [to_annotations(doc) for doc in read_docs()] == expected


def test_docs_keep_their_span_groups() -> None:
    for doc, expected in zip(read_docs(), read_annotations(), strict=True):
        offsets = [(span.start_char, span.end_char, span.label_) for span in doc.spans["sc"]]
        assert offsets == [(e["start"], e["end"], e["label"]) for e in expected["entities"]]


def test_docs_keep_where_they_come_from() -> None:
    docs = read_docs()
    assert [get_id(doc) for doc in docs] == [f"report-{number}" for number in range(1, 5)]
    assert list_places(docs[:2]) == "doc 1 of reports.jsonl, doc 2 of reports.jsonl"


def test_the_keys_of_user_data_are_those_that_are_saved() -> None:
    doc = spacy.load(SAVED / "pipeline")(read_annotations()[0]["text"])
    names = {key[1] for key in doc.user_data if isinstance(key, tuple)}
    names -= {"trf_data"}
    assert names == {"str_relations", "str_relations_set", "str_scores", "str_record_settings"}
    [saved, *_] = read_docs()
    assert {"meta", "spacy_str_encoder.place"} <= {*saved.user_data}


def test_a_pipeline_finds_the_same() -> None:
    expected = read_annotations()
    nlp = spacy.load(SAVED / "pipeline")
    found = [to_annotations(doc) for doc in nlp.pipe(each["text"] for each in expected)]
    assert round_scores(found) == round_scores([with_joint_scores(each) for each in expected])


@pytest.mark.slow
def test_a_pipeline_finds_the_same_in_spawned_processes_of_one_that_imports_spacy_alone(
    tmp_path: Path,
) -> None:
    script = tmp_path / "spawn.py"
    script.write_text(
        "import json, sys\n"
        "import spacy\n"
        "from multiprocessing import set_start_method\n"
        "if __name__ == '__main__':\n"
        "    set_start_method('spawn')\n"
        "    nlp = spacy.load(sys.argv[1])\n"
        "    texts = json.loads(sys.argv[2])\n"
        "    docs = nlp.pipe(texts, n_process=2, batch_size=2)\n"
        "    found = [[len(doc.ents), len(doc._.relations), len(doc._.records)] for doc in docs]\n"
        "    print(json.dumps(found))\n",
        "utf-8",
    )
    expected = read_annotations()
    texts = json.dumps([each["text"] for each in expected])
    command = [sys.executable, str(script), str(SAVED / "pipeline"), texts]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    counts = [
        [len(each[kind]) for kind in ("entities", "relations", "records")] for each in expected
    ]
    assert json.loads(run.stdout) == counts


def annotate_saved(folder: Path, *options: str) -> Result:
    """Go on with the saved archive."""
    shutil.copytree(SAVED, folder)
    manifest = folder / "archive" / "manifest.jsonl"
    manifest.write_text(manifest.read_text("utf-8").replace("FOLDER", str(folder)), "utf-8")
    command = ["annotate", folder / "pipeline", folder / "reports.jsonl", "-o", folder / "archive"]
    return CliRunner().invoke(app, [*map(str, command), "--part-size", "2", *options])


def test_an_archive_whose_scores_mean_something_else_is_refused(tmp_path: Path) -> None:
    result = annotate_saved(tmp_path / "saved")
    assert result.exit_code == 1
    assert "begun by version 0.1.0 of spacy_str_encoder" in result.stderr
    assert "(schema 1, now 2)" in result.stderr and "--overwrite" in result.stderr
    assert len([*(tmp_path / "saved" / "archive").glob("part-*")]) == 1


def test_an_archive_that_was_begun_is_annotated_anew(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    result = annotate_saved(folder, "--overwrite")
    assert result.exit_code == 0, result.output
    assert "4 texts annotated" in result.output
    parts = sorted((folder / "archive").glob("part-*"))
    rows = [json.loads(line) for part in parts for line in part.read_text("utf-8").splitlines()]
    assert [row["text"] for row in rows] == [each["text"] for each in read_annotations()]
    first = json.loads((folder / "archive" / "manifest.jsonl").read_text("utf-8").splitlines()[0])
    assert (first["version"], first["schema"]) == (version("spacy_str_encoder"), 2)


def test_an_encoder_has_the_parameters_of_hugging_face() -> None:
    nlp = spacy.load(SAVED / "pipeline")
    names = {*nlp.get_pipe("str_encoder").model.transformer.state_dict()}
    assert "encoder.layer.2.attention.self.query.weight" in names
    assert len(names) == 5 + 3 * 16


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (BiluoCRF(["A"]), ["crf.start_transitions", "crf.end_transitions", "crf.transitions"]),
        (
            BiLSTM(4, depth=1),
            [
                f"lstm.{kind}_{part}_l0{way}"
                for way in ("", "_reverse")
                for kind in ("weight", "bias")
                for part in ("ih", "hh")
            ],
        ),
        (
            ResidualDilatedConvolutions(4, window_size=1, dilations=[1]),
            ["norms.0.weight", "norms.0.bias", "convolutions.0.weight", "convolutions.0.bias"],
        ),
        (PairMaxima(4), []),
        (
            PairConvolutions(4, filters=2, filter_widths=[3], max_distance=2, piecewise=True),
            [
                "convolutions.0.weight",
                "convolutions.0.bias",
                "places.0.weight",
                "places.1.weight",
            ],
        ),
        (
            PairCapsules(
                4, capsules=2, capsule_width=2, pair_capsules=2, pair_capsule_width=2, routings=1
            ),
            ["to_votes", "to_capsules.weight", "to_capsules.bias"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_parameters_have_the_names_that_are_saved(module: nn.Module, names: list[str]) -> None:
    assert [*module.state_dict()] == names


def find_entry_points() -> list[EntryPoint]:
    points = (point for group in GROUPS for point in entry_points(group=group))
    return [point for point in points if point.dist and point.dist.name == "spacy_str_encoder"]


def test_entry_points_that_are_installed_are_those_of_the_set_up() -> None:
    config = ConfigParser(delimiters=("=",))
    config.optionxform = str  # type: ignore[assignment, method-assign]
    config.read(SETUP, "utf-8")
    listed = {
        (group, *(part.strip() for part in line.split("=", 1)))
        for group, lines in config["options.entry_points"].items()
        for line in lines.strip().splitlines()
    }
    assert {(point.group, point.name, point.value) for point in find_entry_points()} == listed


@pytest.mark.parametrize("point", find_entry_points(), ids=lambda point: point.name)
def test_an_entry_point_leads_to_something_that_can_be_called(point: EntryPoint) -> None:
    assert callable(point.load())
