"""Configs that go on with a trained pipeline: what they take from it, and that they train."""

import json
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import load_config
from thinc.api import Config
from typer.testing import CliRunner, Result

from spacy_str_encoder import set_attributes
from spacy_str_encoder.cli import app
from spacy_str_encoder.init_config import continue_config, read_trained

from .pipelines import ANNOTATIONS, Annotation, encoder_weights, make_example

NEW: Annotation = ("血流可。", [(0, 2, "Flow"), (2, 3, "Grade")], [(0, 1, "HasGrade")])
TRAIN, EVALUATE = (("spacy-str-encoder", name) for name in ("train", "evaluate"))
PATHS = ["--paths.train", "corpus/train.spacy", "--paths.dev", "corpus/dev.spacy"]
Save = Callable[..., Path]


@pytest.fixture
def save(make_nlp: Callable[..., Language], tmp_path: Path) -> Save:
    """Saves a pipeline that was not trained, with attributes and a span group if asked for."""

    def save_nlp(
        *, spans_key: str | None = None, attributes: bool = False, others: bool = False
    ) -> Path:
        pipeline = make_nlp(ner={"spans_key": spans_key}, spans_key=spans_key)
        if attributes:
            pipeline.add_pipe("str_attr", config={"spans_key": spans_key})
        if others:
            add_others(pipeline)
        docs = make_docs(pipeline, spans_key)
        examples = [Example(pipeline.make_doc(doc.text), doc) for doc in docs]
        pipeline.initialize(lambda: examples)
        pipeline.add_pipe("str_cleaner")
        pipeline.to_disk(tmp_path / "model")
        return tmp_path / "model"

    return save_nlp


def add_others(nlp: Language) -> None:
    """Add a tagger with an encoder of its own, and rules."""
    nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "tok2vec"}
    nlp.add_pipe("tagger", config={"model": {"tok2vec": listener}}).add_label("NN")
    nlp.add_pipe("entity_ruler", config={"overwrite_ents": False}, before="str_rel")


def make_docs(nlp: Language, spans_key: str | None, *others: Annotation) -> list[Doc]:
    docs = [make_example(nlp, annotation).reference for annotation in (*ANNOTATIONS, *others)]
    for doc in docs:
        for entity in doc.ents:
            set_attributes(entity, {"Assertion": "negated" if entity.start else "present"})
        if spans_key is not None:
            doc.spans[spans_key] = [*doc.ents]
    return docs


def write_config(model: Path | str, **options: Any) -> Config:
    return Config().from_str(continue_config(read_trained(str(model)), **options))


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init-config", *map(str, arguments)])


def test_all_components_are_taken_in_their_order(save: Save) -> None:
    model = save()
    config = write_config(model)
    names = ["str_encoder", "str_ner", "str_rel", "str_cleaner"]
    assert config["nlp"]["pipeline"] == names
    assert config["nlp"]["lang"] == "zh"
    assert config["components"] == {name: {"source": str(model)} for name in names}
    learners = {name: {"learn_new_labels": True} for name in ("str_ner", "str_rel")}
    assert config["initialize"]["components"] == learners
    assert config["training"]["score_weights"] == {"ents_f": 0.5, "rels_f": 0.5}
    assert "frozen_components" not in config["training"]


def test_span_groups_and_attributes_have_their_scores(save: Save) -> None:
    config = write_config(save(spans_key="all", attributes=True))
    assert config["training"]["score_weights"] == {
        "ents_f": 0.0,
        "spans_all_f": 0.5,
        "rels_f": 0.5,
        "attrs_f": 0.3,
    }
    assert config["initialize"]["components"]["str_attr"] == {"learn_new_labels": True}


def change_config(model: Path, **sections: Any) -> None:
    config = load_config(model / "config.cfg")
    config.merge(sections).to_disk(model / "config.cfg")


def test_settings_of_the_language_are_taken(save: Save) -> None:
    model = save()
    tokenizer = {"@tokenizers": "spacy.vi.VietnameseTokenizer", "use_pyvi": False}
    config = load_config(model / "config.cfg")
    config["nlp"] |= {"lang": "en", "batch_size": 7, "tokenizer": tokenizer}
    config["initialize"]["tokenizer"] = {"pkuseg_model": "default"}
    config["corpora"]["train"]["gold_entities"] = True
    config.to_disk(model / "config.cfg")
    written = write_config(model)
    assert written["nlp"]["lang"] == "en"
    assert written["nlp"]["batch_size"] == 7
    assert written["nlp"]["tokenizer"] == tokenizer
    assert written["initialize"]["tokenizer"] == {"pkuseg_model": "default"}
    assert all(written["corpora"][part]["gold_entities"] for part in ("train", "dev"))


def test_word_vectors_are_taken(save: Save) -> None:
    model = save()
    assert write_config(model)["initialize"]["vectors"] is None
    meta = json.loads((model / "meta.json").read_text("utf-8"))
    meta["vectors"]["vectors"] = 5
    (model / "meta.json").write_text(json.dumps(meta), "utf-8")
    assert write_config(model)["initialize"]["vectors"] == str(model)


def test_other_trainable_components_are_frozen(save: Save) -> None:
    model = save(others=True)
    text = continue_config(read_trained(str(model)))
    others = "# Nothing is known to train these on, so they stay as they are: tok2vec, tagger."
    assert others in text
    config = Config().from_str(text)
    assert config["training"]["frozen_components"] == ["tok2vec", "tagger"]
    assert config["training"]["annotating_components"] == []
    assert "entity_ruler" in config["nlp"]["pipeline"]
    weights = config["training"]["score_weights"]
    assert weights == {"tag_acc": None, "ents_f": 0.5, "rels_f": 0.5}


@pytest.mark.parametrize(
    ("frozen", "annotating", "expected"),
    [
        (["tagger"], ["tagger"], ["tagger"]),
        # Relations learn from wrong entities too.
        ([], ["str_encoder", "str_ner"], ["str_encoder", "str_ner"]),
        (["str_encoder"], ["str_encoder"], []),
    ],
)
def test_components_that_annotate_in_training_still_do(
    frozen: list[str], annotating: list[str], expected: list[str], save: Save
) -> None:
    model = save(others=True)
    settings = {"frozen_components": frozen, "annotating_components": annotating}
    change_config(model, training=settings)
    training = write_config(model)["training"]
    assert training["annotating_components"] == expected
    assert training["frozen_components"] == ["tok2vec", "tagger"]
    training = write_config(model, freeze_encoder=True)["training"]
    with_encoder = [name for name in expected if name != "str_encoder"]
    assert training["annotating_components"] == ["str_encoder", *with_encoder]


@pytest.mark.parametrize("upstream", ["*", "tok2vec"])
def test_an_encoder_that_relations_are_read_from_is_not_frozen(upstream: str, save: Save) -> None:
    model = save(others=True)
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": upstream}
    config = load_config(model / "config.cfg")
    config["components"]["str_rel"]["model"]["tok2vec"] = listener
    config.to_disk(model / "config.cfg")
    assert write_config(model)["training"]["frozen_components"] == ["tagger"]


def train_on(config: Path, tmp_path: Path, spans_key: str | None = None) -> str:
    """Train for two updates, also on a text with new labels, and return what was warned of."""
    docs = make_docs(spacy.blank("zh"), spans_key, NEW)
    corpus = str(tmp_path / "corpus.spacy")
    DocBin(docs=docs, store_user_data=True).to_disk(corpus)
    overrides = {
        "paths.train": corpus,
        "paths.dev": corpus,
        "system.gpu_allocator": None,
        "training.optimizer.learn_rate.total_steps": 2,
        "training.eval_frequency": 1,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(config, tmp_path / "output", overrides=overrides)
    return "\n".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize("freeze", [False, True])
def test_the_config_trains_new_labels(freeze: bool, save: Save, tmp_path: Path) -> None:
    model, config = save(spans_key="sc", attributes=True, others=True), tmp_path / "continued.cfg"
    result = invoke("--from", model, "-o", config, *(["--freeze-encoder"] if freeze else []))
    assert result.exit_code == 0, result.output
    warned = train_on(config, tmp_path, "sc")
    assert "occurs in training" not in warned
    before, after = spacy.load(model), spacy.load(tmp_path / "output" / "model-last")
    assert after.pipe_names == before.pipe_names
    assert after.get_pipe("str_ner").labels == (*before.get_pipe("str_ner").labels, "Flow", "Grade")
    assert "HasGrade" in after.get_pipe("str_rel").labels
    weights = encoder_weights(before), encoder_weights(after)
    same = [(weights[0][name] == weights[1][name]).all() for name in weights[0]]
    assert all(same) is freeze
    frozen = [nlp.get_pipe("tagger").model.to_bytes() for nlp in (before, after)]
    assert frozen[0] == frozen[1]
    heads = [nlp.get_pipe("str_attr").model.to_bytes() for nlp in (before, after)]
    assert heads[0] != heads[1]
    performance = after.meta["performance"]
    assert {"spans_sc_f", "rels_f", "attrs_f"} <= performance.keys()


def test_the_number_of_updates_follows_the_data(save: Save, tmp_path: Path) -> None:
    model = save()
    corpus = str(tmp_path / "corpus.spacy")
    docs = make_docs(spacy.blank("zh"), None)
    # 404 texts are 101 batches of 4, and 6 passes 606 updates.
    DocBin(docs=docs * 101, store_user_data=True).to_disk(corpus)
    text = continue_config(read_trained(str(model)))
    paths = {"paths.train": corpus, "paths.dev": corpus}
    nlp = init_nlp(Config().from_str(text, overrides=paths))
    assert nlp.config.interpolate()["training"]["max_steps"] == 606


def test_a_package_is_found_by_its_name(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "zh_tiny"
    shutil.copytree(save(), package / "zh_tiny-1.0.0")
    meta = {"lang": "zh", "name": "tiny", "version": "1.0.0", "spacy_version": ">=3.8,<4"}
    (package / "meta.json").write_text(json.dumps(meta), "utf-8")
    (package / "__init__.py").touch()
    information = tmp_path / "site" / "zh_tiny-1.0.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: zh_tiny\nVersion: 1.0.0\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    config = write_config("zh_tiny")
    assert config["components"]["str_ner"] == {"source": "zh_tiny"}
    assert config["nlp"]["lang"] == "zh"
    sys.modules.pop("zh_tiny")


def test_the_next_commands_compare_both(save: Save, tmp_path: Path) -> None:
    model, output = save(), tmp_path / "continued.cfg"
    result = invoke("--from", model, "-o", output)
    assert [shlex.split(line) for line in result.stdout.splitlines()[1:]] == [
        [*TRAIN, str(output), "--output", "continued", *PATHS],
        [*EVALUATE, "continued/model-best", "corpus/dev.spacy", "--compare", str(model)],
    ]


def test_the_pipeline_is_not_loaded(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    model = save()
    shutil.rmtree(model / "str_encoder")
    assert write_config(model)["nlp"]["lang"] == "zh"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "missing"], "missing: can't read this pipeline: "),
        (["--from", "model", "--lang", "zh"], "--lang can't be used with --from"),
        (["--from", "model", "--nested"], "--nested can't be used with --from"),
        (["--freeze-encoder"], "--freeze-encoder requires --from"),
        (["--from", "blank"], "blank: the pipeline must have a component to train (str_ner, "),
        (["--from", "ner", "--freeze-encoder"], "--freeze-encoder requires a pipeline with"),
    ],
)
def test_errors_take_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nlp = spacy.blank("zh")
    nlp.to_disk("blank")
    nlp.add_pipe("str_ner")
    nlp.to_disk("ner")
    result = invoke(*arguments, "-o", "config.cfg")
    assert result.exit_code == 1
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not Path("config.cfg").exists()
