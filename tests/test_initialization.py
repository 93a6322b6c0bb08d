"""Initialization of the three components: labels, and data that are refused."""

from pathlib import Path
from typing import Any

import pytest
import srsly
from spacy.cli import app as spacy_app
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from typer.testing import CliRunner

from .pipelines import (
    ANNOTATIONS,
    MakeNlp,
    make_examples,
    texts_only,
)


def write_config(make_nlp: MakeNlp, folder: Path) -> Path:
    """A config whose corpus are the annotations."""
    nlp = make_nlp()
    corpus = folder / "corpus.spacy"
    docs = [example.reference for example in make_examples(nlp)]
    DocBin(docs=docs, store_user_data=True).to_disk(corpus)
    reader = {"@readers": "spacy-str-encoder.Corpus.v1", "path": str(corpus)}
    config = nlp.config
    config["corpora"] = {"train": reader, "dev": reader}
    config.to_disk(folder / "config.cfg")
    return folder / "config.cfg"


def test_without_training_nothing_is_found(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    nlp.config["initialize"]["after_init"] = None
    nlp.initialize(lambda: make_examples(nlp))
    assert not any(doc.ents or doc._.relations for doc in nlp.pipe(t for t, _, _ in ANNOTATIONS))


def test_labels_come_from_the_examples(nlp: Language) -> None:
    assert set(nlp.get_pipe("str_ner").label_data) == {
        *("BodyPart", "Degree", "Location", "Negation", "Quantifier")
    }
    directions = {label: set(d) for label, d in nlp.get_pipe("str_rel").label_data.items()}
    assert directions == {
        "Modifier": {"<"},
        "Negative": {"<"},
        "Percentage": {">", "<"},
        "Position": {">"},
    }


def test_init_labels_writes_files_that_initialize_reads(make_nlp: MakeNlp, tmp_path: Path) -> None:
    config_path = write_config(make_nlp, tmp_path)
    result = CliRunner().invoke(spacy_app, ["init", "labels", str(config_path), str(tmp_path)])
    assert result.exit_code == 0, result.output
    config = load_config(config_path)
    heads = ["str_ner", "str_rel"]
    files = {head: tmp_path / f"{head}.json" for head in heads}
    config["initialize"]["components"] = {
        head: {"labels": {"@readers": "spacy.read_labels.v1", "path": str(files[head])}}
        for head in heads
    }
    nlp, without_files = init_nlp(config), init_nlp(load_config(config_path))
    for head in heads:
        label_data = srsly.read_json(files[head])
        assert nlp.get_pipe(head).label_data == label_data
        assert without_files.get_pipe(head).label_data == label_data


def test_label_data_may_have_more_labels_than_the_examples(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    known = make_nlp()
    known.initialize(lambda: make_examples(known))
    entities = [*known.get_pipe("str_ner").label_data, "Flow"]
    relations = {**known.get_pipe("str_rel").label_data, "HasGrade": ">"}
    nlp.config["initialize"]["components"] = {
        "str_ner": {"labels": entities},
        "str_rel": {"labels": relations},
    }
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("str_ner").label_data == entities
    assert nlp.get_pipe("str_rel").label_data == relations


@pytest.mark.parametrize(
    ("name", "labels", "lacking"),
    [
        ("str_ner", ["BodyPart", "Degree", "Location", "Negation"], "'Quantifier' \\(3 times\\)"),
        ("str_rel", {"Modifier": "<", "Negative": "<", "Position": ">"}, "'Percentage' < \\(2x\\)"),
        ("str_rel", {"Modifier": ">"}, "'Modifier' < \\(2x\\)"),
    ],
)
def test_label_data_without_labels_of_the_examples_is_refused(
    make_nlp: MakeNlp, name: str, labels: Any, lacking: str
) -> None:
    nlp = make_nlp()
    nlp.config["initialize"]["components"] = {name: {"labels": labels}}
    with pytest.raises(ValueError, match=f"{name}.*lacks.*{lacking}.*spacy init labels"):
        nlp.initialize(lambda: make_examples(nlp))


def test_examples_without_entities_are_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    with pytest.raises(ValueError, match="str_ner: the training data has no entities"):
        nlp.initialize(lambda: texts_only(nlp, make_examples(nlp)))


def test_examples_without_relations_are_refused(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    with pytest.raises(ValueError, match=r"str_rel: the training data has no relations.*DocBin"):
        nlp.initialize(lambda: texts_only(nlp, make_examples(nlp), entities=True))
