"""Loggers of training get the scores of all components: those of spacy-loggers, and spaCy's own.

Neither wandb nor MLflow is needed: the code of spacy-loggers runs with modules that record calls.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from spacy.cli.train import train as spacy_train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import dict_to_dot, load_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_str_encoder import Relation, set_attributes
from spacy_str_encoder.cli import app

from .pipelines import ANNOTATIONS, MakeNlp, make_examples
from .reduced_project import ROOT

# It trains.
pytestmark = pytest.mark.slow

# As MLflow checks names of metrics (mlflow/utils/validation.py).
METRIC_NAME = re.compile(r"[/\w.\- :]*")
# By hand: all entities, 5 of 9 relations and nothing wrong, and 7 attributes, of which 3 are gold.
EXPECTED = {"ents_f": 1.0, "rels_f": 2 * 5 / (5 + 9), "attrs_f": 2 * 3 / (7 + 3)}
WANDB = {"@loggers": "spacy.WandbLogger.v5", "project_name": "reports"}
MLFLOW = {"@loggers": "spacy.MLflowLogger.v2"}
CONSOLE = {"@loggers": "spacy.ConsoleLogger.v3"}


@Language.component("answer")
def answer(doc: Doc) -> Doc:
    """Gives all entities; relations, and the same attribute to all, in the first text alone."""
    [(_, entities, relations)] = [each for each in ANNOTATIONS if each[0] == doc.text]
    doc.set_ents([doc.char_span(*place[:2], label=place[2]) for place in entities])
    is_first = doc.text == ANNOTATIONS[0][0]
    for entity in doc.ents:
        set_attributes(entity, {"Assertion": "negated"} if is_first else {})
    kept = relations if is_first else []
    doc._.relations = [Relation(doc.ents[i], doc.ents[j], label) for i, j, label in kept]
    return doc


@pytest.fixture
def write_config(make_nlp: MakeNlp, tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes a config with a logger."""
    nlp = make_nlp()
    nlp.add_pipe("str_attr", config={"defaults": {"Assertion": "present"}})
    nlp.add_pipe("answer")
    docs = [example.reference for example in make_examples(nlp)]
    for doc in docs:
        for number, entity in enumerate(doc.ents):
            is_negated = doc is docs[0] and number % 2
            set_attributes(entity, {"Assertion": "negated"} if is_negated else {})
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    reader = {
        "@readers": "spacy-str-encoder.Corpus.v1",
        "path": str(tmp_path / "train.spacy"),
    }

    def write(logger: dict[str, Any]) -> Path:
        config: Any = nlp.config.copy()
        config["corpora"] = {"train": reader, "dev": reader}
        weights = {"ents_f": 0.5, "rels_f": 0.25, "attrs_f": 0.25}
        config["training"] |= {
            "max_steps": 2,
            "eval_frequency": 1,
            "score_weights": weights,
            "logger": logger,
        }
        Config(config).to_disk(tmp_path / "config.cfg")
        return tmp_path / "config.cfg"

    return write


def make_module(name: str, log: Callable[[dict[str, Any]], None], *functions: str) -> ModuleType:
    module: Any = ModuleType(name)
    for function in functions:
        setattr(module, function, lambda *args, **kwargs: SimpleNamespace(id="1"))
    for function in ("log", "log_metrics"):
        setattr(module, function, log)
    # MLflow keeps the best pipeline.
    module.spacy = SimpleNamespace(log_model=lambda nlp, name: None)
    return module  # type: ignore[no-any-return]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What wandb and MLflow get, one call an item."""
    calls: list[dict[str, Any]] = []

    def log_metrics(metrics: dict[str, Any]) -> None:
        for name, value in metrics.items():
            assert isinstance(value, int | float)
            if not METRIC_NAME.fullmatch(name):
                raise ValueError(f"Invalid metric name: {name}")
        calls.append(metrics)

    wandb = make_module("wandb", calls.append, "init", "join", "Artifact")
    others = ("start_run", "log_metric", "log_params", "log_artifact", "end_run")
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", make_module("mlflow", log_metrics, *others))
    return calls


def run(config: Path) -> None:
    arguments = ["train", str(config), "--output", str(config.parent / "trained")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def assert_scores(calls: list[dict[str, Any]]) -> None:
    scores = [call for call in calls if "rels_f" in call]
    # Before the first update, and after each of the two.
    assert len(scores) == 3
    for each in scores:
        assert {name: each[name] for name in EXPECTED} == pytest.approx(EXPECTED)


@pytest.mark.parametrize("train", [run, spacy_train])
def test_wandb_gets_all_scores(
    train: Callable[[Path], object], write_config: Any, logged: list[dict[str, Any]]
) -> None:
    train(write_config(WANDB))
    assert_scores(logged)
    losses = {name for call in logged for name in call if name.startswith("loss_")}
    assert losses == {f"loss_{name}" for name in ("str_encoder", "str_ner", "str_rel", "str_attr")}
    [per_type] = {json.dumps(call["rels_per_type"]) for call in logged if "rels_per_type" in call}
    assert json.loads(per_type)["Position"]["r"] == 0.5


def test_mlflow_refuses_scores_by_value(write_config: Any, logged: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"Invalid metric name: attrs_per_type\.Assertion=negated"):
        spacy_train(write_config(MLFLOW))


def test_mlflow_gets_all_totals(write_config: Any, logged: list[dict[str, Any]]) -> None:
    exec(block_of("python loggers.py"), {})
    run(write_config({"@loggers": "totals.v1", "logger": MLFLOW}))
    assert_scores(logged)
    assert not any("." in name for call in logged for name in call)


def test_several_loggers_in_a_row_and_a_file(
    write_config: Any, logged: list[dict[str, Any]], tmp_path: Path
) -> None:
    text = f"[training]\n\n{block_of('ini logger.cfg')}"
    block: Any = Config().from_str(text)["training"]["logger"]
    assert [block[name]["@loggers"] for name in ("logger1", "logger2")] == [
        CONSOLE["@loggers"],
        WANDB["@loggers"],
    ]
    # These are in the configs that this library has, of which this one is none.
    removed = block["logger2"].pop("remove_config_values")
    for name in ("chinese", "coronary", "english"):
        config = load_config(ROOT / "configs" / f"{name}.cfg")
        assert {*removed} <= {*dict_to_dot(config)}
    block["logger1"]["output_file"] = str(tmp_path / "log.jsonl")
    run(write_config(block))
    assert_scores(logged)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 3
    for line in lines:
        percents = {name: line["scores"][name] / 100 for name in EXPECTED}
        assert percents == pytest.approx(EXPECTED)


def block_of(kind: str) -> str:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    [block] = re.findall(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return str(block)
