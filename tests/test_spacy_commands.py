"""spaCy's own commands on the shipped configs as they are, and on the pipelines that they make."""

from pathlib import Path

import pytest
import spacy
from click.testing import Result
from spacy.cli import app
from spacy.tokens import DocBin
from spacy.util import load_config
from typer.testing import CliRunner

from spacy_str_encoder.init_encoder import init_encoder

from .pipelines import ANNOTATIONS, ENGLISH, make_example

pytestmark = pytest.mark.slow

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.cfg"))
ON_CONFIGS = {
    "debug config": "{config} {paths}",
    "debug data": "{config} {paths}",
    "init fill-config": "{config} {folder}/filled.cfg",
}
ON_PIPELINES = {
    "apply": "{model} {data} {folder}/applied.spacy",
    "benchmark accuracy": "{model} {data}",
    "benchmark speed": "{model} {data} --batches 30 --warmup 0 --batch-size 4",
    "debug profile": "{model} {folder}/texts.jsonl",
    "evaluate": "{model} {data} --output {folder}/scores.json",
    "find-threshold": "{model} {data} str_rel threshold rels_f --n_trials 3",
    "info": "{model}",
    "package": "{model} {folder}/package --build none",
}


@pytest.fixture(scope="module", params=CONFIGS, ids=lambda path: path.stem)
def names(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What commands get: a config, the paths that it lacks, and a pipeline that it makes."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    data, model, encoder = folder / "data.spacy", folder / "model", folder / "encoder"
    nlp = spacy.blank(load_config(request.param)["nlp"]["lang"])
    annotations = ANNOTATIONS if nlp.lang == "zh" else [ENGLISH]
    # As few as spaCy accepts.
    docs = [make_example(nlp, annotation).reference for annotation in annotations] * 100
    DocBin(docs=docs[:100], store_user_data=True).to_disk(data)
    (folder / "package").mkdir()
    (folder / "texts.jsonl").write_text('{"text": "Ada works."}\n' * 3, "utf-8")
    # As many layers as the shipped configs focus.
    texts = [doc.text for doc in docs[:4]]
    init_encoder(texts, encoder, layers=4, width=32, heads=4, max_length=128, dropout=0.0, seed=1)
    paths = {"encoder": encoder, "train": data, "dev": data}
    options = " ".join(f"--paths.{name} {path}" for name, path in paths.items())
    return {
        "config": str(request.param),
        "paths": options,
        "folder": str(folder),
        "data": str(data),
        "model": str(model),
    }


@pytest.fixture(autouse=True)
def work_in_the_folder(names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(names["folder"])


@pytest.mark.parametrize("command", ON_CONFIGS)
def test_a_command_takes_the_config(names: dict[str, str], command: str) -> None:
    run(command, ON_CONFIGS[command], names)


def test_nothing_is_assembled_without_labels(names: dict[str, str]) -> None:
    result = invoke("assemble", "{config} {folder}/assembled {paths}", names)
    assert "no labels were given" in str(result.exception)


def test_a_pipeline_is_assembled_from_label_files(names: dict[str, str]) -> None:
    run("init labels", "{config} {folder}/labels {paths}", names)
    config = load_config(names["config"])
    for name in ("str_ner", "str_rel"):
        path = f"{names['folder']}/labels/{name}.json"
        labels = {"@readers": "spacy.read_labels.v1", "path": path}
        config["initialize"]["components"][name] = {"labels": labels}
    config.to_disk(f"{names['folder']}/with-labels.cfg")
    run("assemble", "{folder}/with-labels.cfg {folder}/assembled {paths}", names)
    nlp = spacy.load(Path(names["folder"]) / "assembled")
    assert nlp.get_pipe("str_ner").labels and nlp.get_pipe("str_rel").labels


def test_models_are_not_shown(names: dict[str, str]) -> None:
    """As docs/troubleshooting.md says: the command looks for a component of this name."""
    result = invoke("debug model", "{config} str_ner {paths}", names)
    assert "No component 'transformer'" in str(result.exception)


@pytest.mark.parametrize("command", ON_PIPELINES)
def test_a_command_takes_the_pipeline(names: dict[str, str], command: str) -> None:
    if not Path(names["model"]).exists():
        train = "{config} --output {folder} {paths} --training.max_steps 1 --training.max_epochs 0"
        run("train", train, names)
        (Path(names["folder"]) / "model-last").rename(names["model"])
    run(command, ON_PIPELINES[command], names)


def run(command: str, arguments: str, names: dict[str, str]) -> None:
    result = invoke(command, arguments, names)
    assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception!r}"


def invoke(command: str, arguments: str, names: dict[str, str]) -> Result:
    return CliRunner().invoke(app, [*command.split(), *arguments.format(**names).split()])
