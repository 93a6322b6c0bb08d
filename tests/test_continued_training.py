"""Training that goes on with the components of a trained pipeline."""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Config

from spacy_str_encoder.corpus import create_corpus

from .pipelines import ANNOTATIONS, COMPONENTS, TEXT, Annotation, found, make_example

# A label and a relation that the trained pipeline does not have.
NEW: Annotation = (
    "血流可，左主干无狭窄。",
    [(0, 2, "Flow"), (2, 3, "Grade"), (4, 7, "BodyPart"), (7, 8, "Negation")],
    [(0, 1, "HasGrade"), (3, 2, "Negative")],
)
Continue = Callable[..., tuple[Language, str]]
CORPUS = "spacy-str-encoder.Corpus.v1"


def write_corpus(path: Path, annotations: Iterable[Annotation]) -> Path:
    nlp = spacy.blank("zh")
    docs = [make_example(nlp, annotation).reference for annotation in annotations]
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


@pytest.fixture
def go_on(save_trained: Callable[[str], Path], tmp_path: Path) -> Continue:
    """Trains the components of a pipeline, and returns the new one with all warnings."""

    def train_on(
        *,
        pipeline: Path | None = None,
        learn: Iterable[str] = ("str_ner", "str_rel"),
        labels: list[str] | None = None,
        learns: Any = True,
        readers: tuple[str, str] = (CORPUS, CORPUS),
        annotations: Iterable[Annotation] = (*ANNOTATIONS, NEW),
        steps: int = 1,
        **settings: Any,
    ) -> tuple[Language, str]:
        path = str(write_corpus(tmp_path / "train.spacy", annotations))
        train_corpus, dev_corpus = ({"@readers": reader, "path": path} for reader in readers)
        source = str(pipeline or save_trained("pair"))
        initialize: dict[str, Any] = {name: {"learn_new_labels": learns} for name in learn}
        if labels is not None:
            srsly.write_json(tmp_path / "labels.json", labels)
            reader = {"@readers": "spacy.read_labels.v1", "path": str(tmp_path / "labels.json")}
            initialize["str_ner"]["labels"] = reader
        config = {
            "nlp": {"lang": "zh", "pipeline": COMPONENTS},
            "components": {name: {"source": source} for name in COMPONENTS},
            "paths": {"learn": False},
            "corpora": {"train": train_corpus, "dev": dev_corpus},
            "training": {
                "seed": 0,
                "gpu_allocator": None,
                "max_steps": steps,
                "eval_frequency": steps,
                "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 5e-3},
                "logger": {"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": None},
                **settings,
            },
            "initialize": {"components": initialize},
        }
        Config(config).to_disk(tmp_path / "config.cfg")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train(tmp_path / "config.cfg", tmp_path / "output")
        nlp = spacy.load(tmp_path / "output" / "model-last")
        return nlp, "\n".join(str(warning.message) for warning in caught)

    return train_on


def test_new_labels_are_learned_and_old_ones_are_kept(go_on: Continue) -> None:
    nlp, warned = go_on(steps=60)
    assert "initialization" not in warned
    entities, relations = found(nlp(NEW[0]))
    assert entities == [
        ("血流", "Flow"),
        ("可", "Grade"),
        ("左主干", "BodyPart"),
        ("无", "Negation"),
    ]
    assert set(relations) == {("血流", "可", "HasGrade"), ("无", "左主干", "Negative")}
    for annotation in ANNOTATIONS:
        gold, predicted = found(make_example(nlp, annotation).reference), found(nlp(annotation[0]))
        assert predicted[0] == gold[0]
        assert set(predicted[1]) == set(gold[1])


def test_a_trained_pipeline_answers_as_before_where_new_labels_are_only_added(
    go_on: Continue, save_trained: Callable[[str], Path]
) -> None:
    optimizer = {"@optimizers": "Adam.v1", "learn_rate": 0.0}
    nlp, _ = go_on(optimizer=optimizer)
    assert nlp.get_pipe("str_ner").labels[-2:] == ("Flow", "Grade")
    assert nlp.get_pipe("str_rel").label_data["HasGrade"] == ">"
    assert found(nlp(TEXT)) == found(spacy.load(save_trained("pair"))(TEXT))


def test_without_the_setting_a_warning_names_it(go_on: Continue) -> None:
    nlp, warned = go_on(learn=("str_rel",))
    assert "Flow" not in nlp.get_pipe("str_ner").labels
    assert "HasGrade" in nlp.get_pipe("str_rel").labels
    assert (
        "str_ner: the entity label 'Flow' occurs in training but was not known at initialization; "
        "its entities are trained as O. To learn it, set `learn_new_labels = true` under "
        "[initialize.components.str_ner], and read the training data with "
        "spacy-str-encoder.Corpus.v1."
    ) in warned
    assert "[initialize.components.str_rel]" not in warned


def test_relations_are_reported_with_the_setting_too(go_on: Continue) -> None:
    _, warned = go_on(learn=("str_ner",))
    assert "the relation 'HasGrade' with the head first" in warned
    assert "under [initialize.components.str_rel]" in warned


def test_frozen_components_get_no_labels(go_on: Continue) -> None:
    nlp, _ = go_on(frozen_components=["str_ner"])
    assert "Flow" not in nlp.get_pipe("str_ner").labels
    assert "HasGrade" in nlp.get_pipe("str_rel").labels


def test_new_triples_extend_an_observed_schema(
    go_on: Continue, make_nlp: Callable[..., Language], tmp_path: Path
) -> None:
    nlp = make_nlp(schema="observed")
    nlp.initialize(lambda: [make_example(nlp, annotation) for annotation in ANNOTATIONS])
    known = list(nlp.get_pipe("str_rel").cfg["schema"])
    nlp.to_disk(tmp_path / "observed")
    resumed, warned = go_on(pipeline=tmp_path / "observed")
    assert resumed.get_pipe("str_rel").cfg["schema"] == [*known, ["Flow", "HasGrade", "Grade"]]
    assert "initialization" not in warned


def test_new_labels_can_come_from_a_label_file(go_on: Continue) -> None:
    nlp, _ = go_on(labels=["Flow", "Grade", "Other"])
    assert nlp.get_pipe("str_ner").labels[-3:] == ("Flow", "Grade", "Other")
    with pytest.raises(ValueError, match=r"the given label file lacks: 'Grade' \(1 time\)"):
        go_on(labels=["Flow"])


def test_the_setting_may_be_a_variable(go_on: Continue) -> None:
    nlp, warned = go_on(learns="${paths.learn}")
    assert "Flow" not in nlp.get_pipe("str_ner").labels
    assert "'Flow' occurs in training" in warned
    with pytest.raises(ValueError, match="learn_new_labels must be true or false, got 'yes'"):
        go_on(learns="yes")


def test_no_label_is_added_once_training_has_begun(go_on: Continue) -> None:
    nlp, warned = go_on(readers=("spacy.Corpus.v1", CORPUS))
    assert "Flow" not in nlp.get_pipe("str_ner").labels
    assert "HasGrade" not in nlp.get_pipe("str_rel").labels
    assert "'Flow' occurs in training" in warned


def test_labels_that_come_late_in_an_endless_corpus_are_to_be_listed(go_on: Continue) -> None:
    annotations = [*ANNOTATIONS * 25, NEW]
    nlp, warned = go_on(annotations=annotations, steps=40, max_epochs=-1)
    assert "Flow" not in nlp.get_pipe("str_ner").labels
    assert "name it under [initialize.components.str_ner.labels]" in warned
    nlp, _ = go_on(annotations=annotations, max_epochs=-1, labels=["Flow", "Grade"])
    assert "Flow" in nlp.get_pipe("str_ner").labels


def test_an_error_leaves_the_component_as_it_was(
    save_trained: Callable[[str], Path], tmp_path: Path
) -> None:
    source, nlp = spacy.load(save_trained("pair")), spacy.blank("zh")
    for name in COMPONENTS:
        nlp.add_pipe(name, source=source)
    path = write_corpus(tmp_path / "train.spacy", [NEW])
    nlp.config["corpora"] = {"train": {"@readers": CORPUS, "path": str(path)}}
    nlp.config["initialize"]["components"] = {"str_ner": {"learn_new_labels": "yes"}}
    reader = create_corpus(path)
    for _ in range(2):
        with pytest.raises(ValueError, match="must be true or false"):
            list(reader(nlp))
    nlp.config["initialize"]["components"] = {"str_ner": {"learn_new_labels": True}}
    list(reader(nlp))
    assert "Flow" in nlp.get_pipe("str_ner").labels


def test_a_loaded_pipeline_does_not_look_for_its_training_data(go_on: Continue) -> None:
    nlp, _ = go_on()
    nlp.config["corpora"]["train"]["path"] = "no/such.spacy"
    example = make_example(nlp, NEW)
    assert nlp.update([example], sgd=False)["str_ner"] > 0
