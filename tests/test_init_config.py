"""Configs that the command `init-config` writes: what they hold, and that they train."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import srsly
from spacy import registry
from spacy.schemas import ConfigSchemaTraining
from spacy.util import dict_to_dot, load_config, load_model_from_config
from thinc.api import Config
from typer.testing import CliRunner, Result

from scripts.check_pythons import copy_sources
from spacy_str_encoder.cli import app
from spacy_str_encoder.init_config import make_config
from spacy_str_encoder.init_config.text import get_lines, set_lines, set_value
from spacy_str_encoder.init_encoder import init_encoder

from .reduced_project import ROOT, run

CONFIGS = ROOT / "configs"
PACKAGED = ROOT / "spacy_str_encoder" / "init_config"
TEMPLATES = sorted(PACKAGED.glob("*.cfg"))
HUB = "xlm-roberta-base"
SMALL = """\
[one]
# Before.
key = "old"
other_key = 1

[one.two]
key = 2
"""
TEXT = {
    "text": "腹胀，无发热。",
    "entities": [
        {"start": 0, "end": 2, "label": "Finding", "attributes": {"Assertion": "present"}},
        {"start": 0, "end": 1, "label": "BodyPart", "attributes": {}},
        {"start": 4, "end": 6, "label": "Finding", "attributes": {"Assertion": "negated"}},
    ],
    "relations": [{"head": 1, "tail": 0, "label": "Position"}],
}


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init-config", *map(str, arguments)])


def differences(text: str, name: str) -> dict[str, object]:
    """The settings of a config that a shipped one does not have."""
    shipped = dict_to_dot(load_config(CONFIGS / f"{name}.cfg"))
    settings = dict_to_dot(Config().from_str(text, interpolate=False))
    assert settings.keys() >= shipped.keys()
    return {key: value for key, value in settings.items() if shipped.get(key) != value}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_a_copy_of_the_shipped_config(path: Path) -> None:
    advice = f"cp configs/{path.name} {path.relative_to(ROOT)}"
    assert path.read_bytes() == (CONFIGS / path.name).read_bytes(), advice


def test_the_templates() -> None:
    assert [path.stem for path in TEMPLATES] == ["chinese", "coronary", "english"]


@pytest.mark.parametrize(("lang", "name"), [("en", "english"), ("zh", "chinese")])
def test_english_and_chinese_are_written_as_shipped(lang: str, name: str) -> None:
    assert make_config(lang=lang) == (CONFIGS / f"{name}.cfg").read_text("utf-8")


@pytest.mark.parametrize(("lang", "name"), [("en", "english"), ("zh", "chinese")])
def test_the_encoder_is_filled_in(lang: str, name: str) -> None:
    text = make_config(lang=lang, encoder=HUB)
    assert differences(text, name) == {"paths.encoder": HUB}
    # The shipped comment at the top is about another encoder.
    assert text.startswith("[paths]\n")


@pytest.mark.parametrize(
    ("lang", "tokenizer"),
    [
        ("de", {"@tokenizers": "spacy.Tokenizer.v1"}),
        ("ja", {"@tokenizers": "spacy.ja.JapaneseTokenizer", "split_mode": None}),
        ("xx", {"@tokenizers": "spacy.Tokenizer.v1"}),
    ],
)
def test_another_language_has_its_own_tokenizer(lang: str, tokenizer: dict[str, object]) -> None:
    config = Config().from_str(make_config(lang=lang, encoder=HUB))
    assert config["nlp"]["lang"] == lang
    assert config["nlp"]["tokenizer"] == tokenizer


def test_entities_may_overlap() -> None:
    assert differences(make_config(nested=True), "english") == {
        "components.str_ner.spans_key": "sc",
        "training.score_weights.ents_f": 0.0,
        "training.score_weights.spans_sc_f": 0.5,
    }


def test_entities_may_have_attributes() -> None:
    assert differences(make_config(lang="zh", attributes=True), "chinese") == {
        "nlp.pipeline": ["str_encoder", "str_ner", "str_rel", "str_attr", "str_cleaner"],
        "training.score_weights.attrs_f": 0.3,
    }


def test_a_fresh_encoder_learns_as_in_the_demo(encoder_path: Path) -> None:
    text = make_config(lang="zh", encoder=str(encoder_path), fresh=True)
    config = Config().from_str(text)
    demo = load_config(CONFIGS / "coronary.cfg", interpolate=True)
    for section in (config, demo):
        del section["training"]["score_weights"]
    assert config["training"] == demo["training"]
    model = config["components"]["str_encoder"]["model"]
    assert model["learn_rate_scale"] == 1.0
    assert model["name"] == str(encoder_path)
    assert config["nlp"]["pipeline"] == ["str_encoder", "str_ner", "str_rel", "str_cleaner"]


def test_comments_are_kept() -> None:
    text = make_config(lang="de", encoder=HUB, nested=True, attributes=True)
    shipped = (CONFIGS / "english.cfg").read_text("utf-8").partition("[paths]")[2]
    comments = re.compile(r"^#.*\n.*$", re.MULTILINE)
    names = [match.split(" = ")[0] for match in comments.findall(shipped)]
    assert len(names) > 5
    assert [match.split(" = ")[0] for match in comments.findall(text)] == names


@pytest.mark.parametrize("attributes", [False, True])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("lang", ["de", "en", "zh"])
def test_every_combination_makes_a_pipeline(
    lang: str, fresh: bool, nested: bool, attributes: bool, encoder_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "config.cfg"
    encoder = str(encoder_path) if fresh else HUB
    text = make_config(
        lang=lang, encoder=encoder, fresh=fresh, nested=nested, attributes=attributes
    )
    path.write_text(text, "utf-8")
    nlp = load_model_from_config(load_config(path), auto_fill=True, validate=True)
    assert nlp.lang == lang
    assert ("str_attr" in nlp.pipe_names) == attributes
    assert nlp.get_pipe("str_rel").cfg["spans_key"] == ("sc" if nested else None)
    registry.resolve(nlp.config.interpolate()["training"], schema=ConfigSchemaTraining)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lang", "qq"], "the language must be a code that spaCy knows, such as en or zh"),
        (["--lang", "de"], "--lang de requires --encoder: a name on the Hugging Face hub"),
        (["--encoder", "./missing"], "Can't find the encoder './missing': no such folder"),
        (["--encoder", "a/b/c"], "Can't find the encoder 'a/b/c': no such folder"),
        (["--encoder", "package:no_such/model"], "no installed package 'no_such'"),
        (["--fresh"], "--fresh requires --encoder, a folder made by init-encoder"),
        (["--fresh", "--encoder", "typo"], "a folder made by init-encoder, got typo"),
    ],
)
def test_errors_take_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    output = tmp_path / "config.cfg"
    result = invoke(*arguments, "-o", output)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not output.exists()


def test_a_name_on_the_hub_can_not_be_checked() -> None:
    assert 'encoder = "someone/encoder"' in make_config(encoder="someone/encoder")


def test_a_file_is_overwritten_on_demand_alone(tmp_path: Path) -> None:
    output = tmp_path / "config.cfg"
    output.write_text("mine", "utf-8")
    result = invoke("-o", output)
    assert result.exit_code == 1
    assert "use --force" in result.stderr and output.read_text("utf-8") == "mine"
    assert invoke("-o", output, "--force").exit_code == 0
    assert output.read_bytes() == (CONFIGS / "english.cfg").read_bytes()


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    result = invoke("-o", tmp_path, "--force")
    assert result.exit_code == 1
    assert "the output must be a file, but is a folder" in result.stderr


def test_the_config_can_be_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("--lang", "zh", "-o", "-")
    assert result.stdout == (CONFIGS / "chinese.cfg").read_text("utf-8")
    assert [*tmp_path.iterdir()] == []


def test_the_next_commands_are_printed(tmp_path: Path) -> None:
    output = tmp_path / "new folder" / "config.cfg"
    result = invoke("--lang", "zh", "-o", output)
    assert result.stdout.splitlines() == [
        f"Wrote {output}. Next, with your own files:",
        "  spacy-str-encoder convert train.jsonl dev.jsonl --output corpus --lang zh",
        f"  spacy-str-encoder debug-data corpus/train.spacy corpus/dev.spacy --config '{output}'",
        f"  spacy-str-encoder train '{output}' --output training --paths.train corpus/train.spacy "
        "--paths.dev corpus/dev.spacy",
        "  spacy-str-encoder evaluate training/model-best corpus/dev.spacy",
    ]


@pytest.mark.slow
def test_the_next_commands_train_a_pipeline(tmp_path: Path) -> None:
    for name in ("train.jsonl", "dev.jsonl"):
        srsly.write_jsonl(tmp_path / name, [TEXT] * 4)
    encoder = tmp_path / "encoder"
    init_encoder([TEXT["text"]], encoder, layers=2, width=16, heads=2, max_length=32)
    options = "--fresh", "--nested", "--attributes"
    result = invoke("--lang", "zh", "--encoder", encoder, *options, "-o", tmp_path / "config.cfg")
    *others, train, evaluate = [shlex.split(line) for line in result.stdout.splitlines()[1:]]
    for command in others:
        run(command, tmp_path)
    printed = run([*train, "--training.max_steps", "2", "--training.eval_frequency", "1"], tmp_path)
    assert "SPANS_SC_F" in printed and "ATTRS_F" in printed
    assert (tmp_path / "training" / "model-last" / "str_attr").is_dir()
    assert "boundaries only" in run(evaluate, tmp_path)


@pytest.mark.slow
def test_a_wheel_alone_writes_configs(tmp_path: Path) -> None:
    copy_sources(tmp_path / "source")
    code = "import setuptools; setuptools.setup()"
    run([sys.executable, "-c", code, "-q", "bdist_wheel"], tmp_path / "source")
    [wheel] = (tmp_path / "source" / "dist").glob("*.whl")
    ZipFile(wheel).extractall(tmp_path / "installed")
    result = subprocess.run(
        [sys.executable, "-m", "spacy_str_encoder", "init-config", "--lang", "zh", "-o", "-"],
        cwd=tmp_path / "installed",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        check=True,
    )
    assert result.stdout.splitlines() == (CONFIGS / "chinese.cfg").read_bytes().splitlines()


def test_a_value_of_one_section_is_set() -> None:
    changed = SMALL.replace('key = "old"', r'key = "a\\1"')
    assert set_value(SMALL, "one", "key", r"a\1") == changed


def test_a_section_ends_at_an_empty_line() -> None:
    assert get_lines(SMALL, "one.two") == "key = 2\n"
    assert set_lines(SMALL, "one.two", "new = 3\n") == SMALL.replace("key = 2", "new = 3")


@pytest.mark.parametrize(("section", "key"), [("two", "key"), ("one", "ke"), ("one.two", "other")])
def test_settings_that_are_not_there_are_errors(section: str, key: str) -> None:
    with pytest.raises(ValueError, match="must have the se"):
        set_value(SMALL, section, key, 1)
