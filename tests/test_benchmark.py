"""The command `benchmark`: what is timed, what is left out, and what is said of it."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import spacy
import torch
from click.testing import Result
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc
from typer.testing import CliRunner

from spacy_str_encoder.benchmark.machine import describe_machine, one_thread
from spacy_str_encoder.benchmark.run import measure
from spacy_str_encoder.benchmark.stages import time_stages
from spacy_str_encoder.benchmark.tables import lay_out
from spacy_str_encoder.benchmark.texts import Texts, read_texts, try_texts
from spacy_str_encoder.cli import app
from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.files.entries import Entry, Rejection
from spacy_str_encoder.files.readers import Fields

from .pipelines import ANNOTATIONS

FIVE = [f"text {number}" for number in range(5)]


class Clock:
    """A clock that stands still unless somebody works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Piped:
    """A component that takes a second for each batch and half a second for each doc."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.batches: list[list[str]] = []

    def __call__(self, doc: Doc) -> Doc:
        raise AssertionError("its `pipe` is called")

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        docs = list(stream)
        assert batch_size == len(docs)
        self.batches.append([doc.text for doc in docs])
        self.clock.now += 1 + 0.5 * len(docs)
        yield from docs


def add(nlp: Language, name: str, component: Callable[[Doc], Doc]) -> None:
    """Add a component that belongs to one test."""
    factory = f"{name}_{uuid4().hex}"
    Language.component(factory, func=component)
    nlp.add_pipe(factory, name=name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def piped(clock: Clock) -> Piped:
    return Piped(clock)


@pytest.fixture
def nlp(clock: Clock, piped: Piped) -> Language:
    """A pipeline whose tokenizer takes 1/8 s for each text, and each component its own time."""
    nlp = spacy.blank("en")
    tokenize = nlp.tokenizer

    def tokenize_slowly(text: str) -> Doc:
        clock.now += 0.125
        return tokenize(text)

    def call(doc: Doc) -> Doc:
        clock.now += 0.25
        return doc

    nlp.tokenizer = tokenize_slowly
    for name, component in (("piped", piped), ("called", call), ("disabled", call)):
        add(nlp, name, component)
    nlp.disable_pipe("disabled")
    return nlp


def test_each_component_has_its_own_time(nlp: Language, piped: Piped, clock: Clock) -> None:
    assert time_stages(nlp, FIVE, batch_size=2, clock=clock) == {
        "tokenizer": 5 * 0.125,
        "piped": 3 * 1 + 5 * 0.5,
        "called": 5 * 0.25,
        "other": 0,
    }
    assert piped.batches == [FIVE[:2], FIVE[2:4], FIVE[4:]]


def test_the_rest_is_the_time_between_components() -> None:
    """With a clock that goes on by a second whenever it is read."""
    seconds = iter(range(100))
    times = time_stages(spacy.blank("en"), FIVE, batch_size=2, clock=lambda: next(seconds))
    # Before each batch and at the end, and one for the tokens of each batch.
    assert times == {"tokenizer": 3, "other": 4}
    assert sum(times.values()) == next(seconds) - 1


def test_docs_are_those_of_the_pipeline(trained: Language) -> None:
    texts = [text for text, _, _ in ANNOTATIONS]
    expected = [to_annotations(doc) for doc in trained.pipe(texts, batch_size=2)]
    found = []

    def keep(doc: Doc) -> Doc:
        found.append(to_annotations(doc))
        return doc

    add(trained, "keep", keep)
    times = time_stages(trained, texts, batch_size=2)
    assert found == expected
    assert [*times] == ["tokenizer", *trained.pipe_names, "other"]


@pytest.mark.parametrize(("target", "processes"), [(1, 2), (8, 9), (500, 538)])
def test_the_median_round_counts(nlp: Language, clock: Clock, target: int, processes: int) -> None:
    def rounds() -> Iterator[int]:
        """Other work slows the tokenizer down, each time by so many seconds."""
        plain = nlp.tokenizer
        for extra in (1.25, 0.0, 2.5):
            nlp.tokenizer = slowed_down(plain, clock, extra)
            yield 0
        nlp.tokenizer = plain

    nlp.disable_pipe("called")
    texts = Texts(["four", "five5", "sixsix", "7", "8888"], Counter({"too long": 2}))
    report = measure(
        nlp, texts, rounds=rounds(), batch_size=5, target=target, clock=clock, gpu_id=-1
    )
    # 3.5 s of the component and 5/8 s of the tokenizer in each round, and the extra time.
    rates = {"median": 5 / 5.375, "lowest": 5 / 6.625, "highest": 5 / 4.125}
    assert report["texts_per_second"] == pytest.approx(rates)
    characters = {name: 4 * rate for name, rate in rates.items()}
    assert report["characters_per_second"] == pytest.approx(characters)
    assert report["seconds"] == {"tokenizer": 1.875, "piped": 3.5, "other": 0}
    assert (report["texts"], report["characters"], report["rounds"]) == (5, 20, 3)
    assert (report["batch_size"], report["rejected"]) == (5, {"too long": 2})
    assert report["target"] == {"texts_per_second": target, "processes": processes}


def slowed_down(tokenize: Callable[[str], Doc], clock: Clock, extra: float) -> Any:
    def run(text: str) -> Doc:
        clock.now += extra / 5
        return tokenize(text)

    return run


def write_lines(path: Path, *rows: Any) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return str(path)


def test_the_first_texts_are_read_in_order(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", {"body": "one"}, {"text": "no body"}, {"body": "two"})
    (tmp_path / "b.txt").write_text("three\nfour\n", "utf-8")
    fields = Fields(text="body")
    items = read_texts([str(tmp_path)], fields, limit=4)
    assert [item.text if isinstance(item, Entry) else item.number for item in items] == [
        *("one", 2, "two", "three")
    ]
    assert read_texts([str(tmp_path / "*.txt")], fields, limit=9) == [
        Entry(1, "three"),
        Entry(2, "four"),
    ]


def test_a_file_that_is_not_read_is_counted(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.txt"):
        (tmp_path / name).write_text("one", "utf-8")
    assert read_texts([str(tmp_path)], Fields(), limit=9) == [
        Rejection(1, "the type of the file is not supported"),
        Entry(1, "one"),
    ]


@pytest.mark.parametrize("content", ["", " \n\n"])
def test_without_texts_there_is_nothing_to_measure(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"a\.txt: no texts found"):
        read_texts([str(tmp_path / "a.txt")], Fields(), limit=9)


def fail_on_bad(doc: Doc) -> Doc:
    if "bad" in doc.text:
        raise RuntimeError(f"secret: {doc.text}")
    return doc


@pytest.fixture
def strict() -> Language:
    """A pipeline that fails on texts with "bad"."""
    Language.component("fail_on_bad", func=fail_on_bad)
    nlp = spacy.blank("en")
    nlp.add_pipe("fail_on_bad")
    return nlp


def test_texts_that_fail_are_left_out_before(strict: Language) -> None:
    items = [
        Entry(1, "one"),
        Entry(2, "bad"),
        Rejection(3, "not JSON"),
        Entry(4, ""),
        Entry(5, "2"),
    ]
    texts = try_texts(strict, items, batch_size=3)
    # An empty text is annotated as others are.
    assert texts.texts == ["one", "", "2"]
    assert texts.rejected == {"not JSON": 1, "the pipeline failed (RuntimeError)": 1}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [Entry(1, "bad"), Entry(2, "bad too"), Rejection(3, "not JSON")],
            r"^there must be texts that can be annotated, got 3 rejected texts: 2 x the pipeline "
            r"failed \(RuntimeError\); 1 x not JSON$",
        ),
        ([Entry(1, ""), Entry(2, " \n")], "^there must be texts to measure, got 2 empty texts"),
    ],
)
def test_a_pipeline_needs_something_to_annotate(
    items: list[Entry | Rejection], message: str, strict: Language
) -> None:
    with pytest.raises(ValueError, match=message):
        try_texts(strict, items, batch_size=2)


@pytest.mark.parametrize("before", [None, "true"])
def test_one_thread_is_used_for_a_while(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    if before is not None:
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", before)
    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyError), one_thread():
            assert (torch.get_num_threads(), os.environ["TOKENIZERS_PARALLELISM"]) == (1, "false")
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert os.environ.get("TOKENIZERS_PARALLELISM") == before


def test_the_machine_is_described(trained: Language) -> None:
    trained.get_pipe("str_encoder").precision = "bfloat16"
    machine = describe_machine(trained, gpu_id=-1)
    assert machine["processor"]
    assert machine["cores"] == os.cpu_count()
    assert (machine["gpu"], machine["threads"]) == (None, 1)
    assert machine["torch"] == torch.__version__
    assert machine["precision"] == {"str_encoder": "bfloat16"}


def spell(*, rate: float = 12.345, **changes: Any) -> str:
    machine: dict[str, Any] = {
        "processor": "Abacus 9",
        "cores": 8,
        "gpu": None,
        "threads": 1,
        "torch": "2.6.0",
        "precision": {"str_encoder": "float32"},
        "has_bfloat16_units": False,
    }
    speed = {"median": rate, "lowest": 10.0, "highest": 20.0}
    report: dict[str, Any] = {
        "machine": {**machine, **changes},
        "texts": 1000,
        "characters": 66_000,
        "rejected": {"not JSON": 2},
        "batch_size": 64,
        "rounds": 5,
        "texts_per_second": speed,
        "characters_per_second": {name: 1000 * each for name, each in speed.items()},
        "seconds": {"tokenizer": 1.0, "str_encoder": 7.0, "other": 0.0},
        "target": {"texts_per_second": 50_000, "processes": 4051},
    }
    console = Console(width=80, record=True, file=StringIO())
    for block in lay_out(report):  # type: ignore[arg-type]
        console.print(block)
    return console.export_text()


def test_the_report_is_read_in_a_terminal() -> None:
    lines = [" ".join(line.split()) for line in spell().splitlines()]
    assert lines[0] == "Abacus 9, 8 logical cores; 1 thread in use"
    said = " ".join(lines)
    assert "PyTorch 2.6.0; precision: float32 (str_encoder); no units for bfloat16" in said
    assert "1,000 texts of 66 characters on average, 64 at a time, 5 rounds" in said
    assert "left out (2): rejected texts (not JSON)" in lines
    assert {
        "texts 12.3 10.0 20.0",
        "characters 12,345 10,000 20,000",
        "tokenizer 1.00 12.5%",
        "str_encoder 7.00 87.5%",
        "other 0.00 0.0%",
        "all 8.00 100.0%",
    } <= {*lines}
    assert "for 50,000 texts per second: 4,051 cores like this one, a process on each" in said


@pytest.mark.parametrize(
    ("rate", "gpu", "expected"),
    [
        (20.0, None, "1,000,000 texts: 13.9 hours on one core"),
        (0.125, None, "1,000,000 texts: 2,222 hours on one core"),
        (1000.0, "Loom 3", "1,000,000 texts: 0.3 hours on one GPU"),
    ],
)
def test_the_time_for_a_million_texts_is_said(rate: float, gpu: str | None, expected: str) -> None:
    assert expected in spell(rate=rate, gpu=gpu).splitlines()


def test_a_gpu_is_named() -> None:
    said = " ".join(spell(gpu="Loom 3", threads=4, precision={}, has_bfloat16_units=True).split())
    assert "Abacus 9, 8 logical cores; 4 threads in use GPU: Loom 3 PyTorch" in said
    assert "precision: no encoder; units for bfloat16" in said
    assert "for 50,000 texts per second: 4,051 such GPUs" in said


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


@pytest.fixture
def saved(strict: Language, tmp_path: Path) -> Path:
    strict.to_disk(tmp_path / "model")
    return tmp_path / "model"


def test_the_command_prints_json(saved: Path, tmp_path: Path) -> None:
    texts = write_lines(tmp_path / "a.jsonl", *({"body": text} for text in ("one", "bad", "four")))
    result = run(saved, texts, "--text-field", "body", "--batch-size", 2, "--target", 9, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["texts"], report["characters"]) == (2, 7)
    assert (report["batch_size"], report["rounds"]) == (2, 5)
    assert report["rejected"] == {"the pipeline failed (RuntimeError)": 1}
    assert [*report["seconds"]] == ["tokenizer", "fail_on_bad", "other"]
    speed = report["texts_per_second"]
    assert 0 < speed["lowest"] <= speed["median"] <= speed["highest"]
    assert report["target"]["texts_per_second"] == 9
    assert report["machine"]["threads"] == 1


def test_the_command_prints_tables(save_trained: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(text for text, _, _ in ANNOTATIONS), "utf-8")
    result = run(save_trained("pair"), tmp_path / "a.txt", "--limit", 1, "--precision", "bfloat16")
    assert result.exit_code == 0
    assert "1 text of" in result.stdout
    assert "bfloat16 (str_encoder)" in " ".join(result.stdout.split())
    assert "str_rel" in result.stdout
    assert "per second need" not in result.stdout


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (
            [{"text": "bad"}],
            (),
            "got 1 rejected text: 1 x the pipeline failed",
        ),
        ([{"text": ""}], (), "got 1 empty text"),
        ([], (), "no texts found"),
        ([{"text": "one"}], ("--precision", "int9"), "Invalid value for '--precision'"),
        ([{"text": "one"}], ("--target", "0"), "Invalid value for '--target'"),
    ],
)
def test_errors_take_one_line_without_the_text(
    lines: list[Any], options: tuple[str, ...], message: str, saved: Path, tmp_path: Path
) -> None:
    result = run(saved, write_lines(tmp_path / "a.jsonl", *lines), *options)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert "secret" not in result.stderr


def test_a_missing_file_or_pipeline_is_named(saved: Path, tmp_path: Path) -> None:
    texts = write_lines(tmp_path / "a.jsonl", {"text": "one"})
    assert "missing.jsonl: no such file" in run(saved, tmp_path / "missing.jsonl").stderr
    assert "can't load this pipeline" in run(tmp_path / "missing", texts).stderr
