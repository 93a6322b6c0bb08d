"""Chinese texts that the tokenizer of another language leaves whole are reported."""

import json
import warnings
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.chinese import ChineseCounts

from .pipelines import MakeNlp, make_examples

TEXT = "前降支近段轻度狭窄约三成，回旋支未见明显狭窄。"
ENGLISH = "Ada works at Acme, which is in Rome."
JAPANESE = "これはわたしのいえですから、どうぞはいってください。"


def count(*words: str) -> ChineseCounts:
    counts = ChineseCounts()
    counts.add(Doc(Vocab(), words=words, spaces=[False] * len(words)))
    return counts


@pytest.mark.parametrize(
    ("words", "are_whole"),
    [
        ([TEXT], True),
        ([TEXT[:13], TEXT[13:]], True),
        ([*TEXT], False),
        # Five characters a token are few enough, six are not.
        (["前降支近段", "，"], False),
        (["前降支近段的", "，"], True),
        # A long name among many letters of another script.
        ([*ENGLISH.split(), TEXT[:12]], False),
        ([JAPANESE], False),
        ([], False),
        (["\U00020000" * 6], True),
    ],
)
def test_the_length_of_tokens_tells(words: list[str], are_whole: bool) -> None:
    assert count(*words).are_whole is are_whole


def test_a_token_counts_its_chinese_characters() -> None:
    counts = count("前降支LAD", "2", "狭窄")
    assert (counts.letters, counts.characters, counts.tokens) == (8, 5, 2)
    assert counts.length == 2.5


def debug_data(path: Path, *options: str) -> list[str]:
    result = CliRunner().invoke(app, ["debug-data", str(path), "--json", *options])
    assert result.exit_code == 0, result.output
    advice = json.loads(result.stdout)["advice"]
    return [each for each in advice if each.startswith("The texts look Chinese")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    item = {"text": TEXT, "entities": [{"start": 0, "end": len(TEXT), "label": "X"}]}
    path.write_text(json.dumps({**item, "relations": []}) + "\n", "utf-8")
    return path


def test_debug_data_names_the_language(data: Path) -> None:
    [advice] = debug_data(data, "--lang", "en")
    assert "tokens of train have 21.0 Chinese characters on average" in advice
    assert "The language of the pipeline is en. Use --lang zh" in advice
    assert debug_data(data, "--lang", "zh") == []


def test_debug_data_reads_tokens_of_docs(tmp_path: Path) -> None:
    docs = [spacy.blank("en")(TEXT)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    [advice] = debug_data(tmp_path / "train.spacy")
    assert "The language of the pipeline" not in advice


def test_training_warns_of_the_language(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    examples = make_examples(nlp)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.initialize(lambda: examples)
    whole = [
        Example(Doc(nlp.vocab, words=[each.text], spaces=[False]), each.reference)
        for each in examples
    ]
    message = "str_ner: the language of the pipeline is zh, but the texts look Chinese: tokens have"
    with pytest.warns(UserWarning, match=message):
        make_nlp().initialize(lambda: whole)
