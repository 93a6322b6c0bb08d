"""Chinese texts that the tokenizer of another language leaves whole are reported."""

import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import pytest
from spacy.tokens import Doc
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


# Some Chinese texts, and where their entities are. In English, the last one aligns: it is a text.
ITEMS = [
    (TEXT, (0, 3), (3, 5), (7, 9)),
    ("左主干无狭窄，右冠未见", (0, 3), (4, 6)),
    (TEXT[:12], (0, 12)),
]
BLAMED = "of the entities of train do not align with words: "
CHINESE = (
    "the language is en, the text looks Chinese. Convert again with --lang zh, and set lang = "
)
WHOLE = "the text looks Chinese, but is not split into words. Convert again with --lang zh."


def debug_data(path: Path, *options: str) -> list[str]:
    result = CliRunner().invoke(app, ["debug-data", str(path), "--json", *options])
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout)["advice"])


def write_jsonl(path: Path, items: Iterable[tuple[str, *tuple[tuple[int, int], ...]]]) -> Path:
    lines = []
    for text, *places in items:
        entities = [{"start": start, "end": end, "label": "X"} for start, end in places]
        relations = [{"head": 0, "tail": i, "label": "R"} for i in range(1, len(places))]
        lines.append(json.dumps({"text": text, "entities": entities, "relations": relations}))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def is_about_tokens(advice: str) -> bool:
    words = ("store_user_data", "VietnameseTokenizer", "splits there", "spans_key", "left out")
    return any(word in advice for word in words)


@pytest.mark.parametrize(
    ("convert", "options", "expected"),
    [
        (None, ["--lang", "en"], f"83 % {BLAMED}{CHINESE}"),
        ("en", ["--lang", "en"], f"83 % {BLAMED}{CHINESE}"),
        ("en", ["--lang", "zh"], f"83 % {BLAMED}{WHOLE}"),
        ("en", [], f"83 % {BLAMED}{WHOLE}"),
    ],
)
def test_debug_data_blames_the_language_alone(
    tmp_path: Path, convert: str | None, options: list[str], expected: str
) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", ITEMS)
    if convert is not None:
        run = ["convert", str(path), "-o", str(tmp_path / "out"), "--lang", convert, "--allow-loss"]
        assert CliRunner().invoke(app, run).exit_code == 0
        path = tmp_path / "out" / "train.spacy"
    advice = debug_data(path, *options)
    assert advice[0].startswith(expected)
    assert not any(map(is_about_tokens, advice))


def test_debug_data_does_not_blame_the_right_language(tmp_path: Path) -> None:
    advice = debug_data(write_jsonl(tmp_path / "train.jsonl", ITEMS), "--lang", "zh")
    assert not any("align" in each for each in advice)


@pytest.mark.parametrize(("misaligned", "is_blamed"), [(2, False), (3, True)])
def test_most_entities_have_to_be_misaligned_in_another_language(
    tmp_path: Path, misaligned: int, is_blamed: bool
) -> None:
    parts = [("Ada works at Acme", (0, 2))] * misaligned
    items = [*parts, *[("Ada works at Acme", (0, 3))] * (4 - misaligned)]
    advice = debug_data(write_jsonl(tmp_path / "train.jsonl", items), "--lang", "en")
    sentence = f"75 % {BLAMED}the language en may not be that of the texts. Convert again with"
    assert advice[0].startswith(sentence) is is_blamed
    left_out = "Left out: entities that do not align with tokens (2 in train)."
    assert any(each.startswith(left_out) for each in advice) is not is_blamed


def test_relations_that_were_left_out_are_not_taken_for_missing(tmp_path: Path) -> None:
    items = [("Ada works at Acme", (0, 2), (13, 17)), ("Ada works at Acme", (0, 3))]
    advice = debug_data(write_jsonl(tmp_path / "train.jsonl", items), "--lang", "en")
    assert "Left out: relations of entities that were left out (1 in train)." in advice
    assert not any("store_user_data" in each for each in advice)


def test_texts_of_which_all_entities_align_are_still_chinese(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", ITEMS[2:])
    advice = debug_data(path, "--lang", "en")
    assert advice[0].startswith(f"Hardly any entity can align with words: {CHINESE}")


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
