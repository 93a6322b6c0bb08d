"""What `make soak` does for minutes, in short, and that it would tell if something were wrong."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from typer.testing import CliRunner

from scripts.soak import __main__ as command
from scripts.soak.any_text import TEXTS, annotate_anything
from scripts.soak.at_once import call_from_threads, pipe_in_processes
from scripts.soak.endurance import watch_memory
from scripts.soak.killed import WAYS, annotate_with_kills
from scripts.soak.outcome import Outcome, compare_docs, compare_rows
from scripts.soak.reports import BAD_LINES, draw_reports, write_archive
from scripts.soak.service import soak_service
from scripts.soak.windows import compare_windows

from .pipelines import ANNOTATIONS

SENTENCES = [text for text, _, _ in ANNOTATIONS]


@pytest.fixture(scope="module")
def pipeline(save_trained: Callable[[str], Path]) -> Path:
    return save_trained("pair")


@pytest.fixture(scope="module")
def nlp(pipeline: Path) -> Language:
    return spacy.load(pipeline)


@settings(max_examples=20)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.integers(0, 99))
def test_any_texts_are_annotated_alike_however_they_come(
    nlp: Language, texts: list[str], seed: int
) -> None:
    outcome = annotate_anything(nlp, texts, Random(seed))
    assert outcome.is_flawless and outcome.documents == 2 * len(texts)


def test_threads_answer_as_one(nlp: Language) -> None:
    outcome = call_from_threads(nlp, SENTENCES * 8)
    assert outcome.is_flawless and outcome.documents == 8 * len(SENTENCES)


@pytest.mark.slow
def test_processes_that_are_spawned_answer_as_one(nlp: Language, pipeline: Path) -> None:
    outcome = pipe_in_processes(nlp, pipeline, SENTENCES * 8, "spawn")
    assert outcome.is_flawless and outcome.documents == 8 * len(SENTENCES)


@pytest.mark.slow
def test_a_service_answers_each_request_with_its_own_texts(nlp: Language, pipeline: Path) -> None:
    outcome, memory = soak_service(nlp, pipeline, SENTENCES, requests=100, clients=4)
    assert outcome.is_flawless
    assert outcome.documents > 0 and outcome.faults > 0
    assert len(memory) == 10


@pytest.mark.slow
def test_other_answers_of_a_service_are_counted(nlp: Language, pipeline: Path) -> None:
    with nlp.select_pipes(disable="str_rel"):
        outcome, _ = soak_service(nlp, pipeline, SENTENCES, requests=20, clients=2)
    assert outcome.differing > 0


@pytest.mark.slow
def test_killed_runs_lose_and_repeat_nothing(pipeline: Path, tmp_path: Path) -> None:
    random, (_, way, _) = Random(0), WAYS
    write_archive(tmp_path / "a.jsonl", draw_reports(SENTENCES, 60, random), bad=5, random=random)
    outcome = annotate_with_kills(
        way, pipeline, tmp_path / "a.jsonl", tmp_path, kills=1, random=random
    )
    assert outcome.is_flawless and outcome.documents == 65 and outcome.faults <= 1


def test_bad_lines_stand_among_the_reports(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.jsonl", SENTENCES, bad=9, random=Random(0))
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines()
    assert len(lines) == len(SENTENCES) + 9
    assert sum(line in BAD_LINES for line in lines) == 9


def test_memory_is_looked_at_now_and_then(nlp: Language) -> None:
    points = list(watch_memory(nlp, SENTENCES, documents=10, every=5))
    assert [number for number, _ in points] == [5, 10]
    assert all(megabytes > 50 for _, megabytes in points)


def test_one_window_and_many_are_compared(pipeline: Path) -> None:
    near, far = compare_windows(spacy.load(pipeline), "".join(SENTENCES * 2)[:100])
    assert near.same + far.same > 0
    assert near.same + near.different > 0


def test_what_is_lost_repeated_or_changed_is_counted() -> None:
    expected = {1: "a", 2: "b", 3: "c", 4: "d"}
    found = [(1, "a"), (1, "a"), (1, "a"), (2, "x"), (4, "d"), (5, "e")]
    outcome = compare_rows("check", expected, found, faults=7)
    assert outcome == Outcome("check", 4, faults=7, lost=1, duplicated=2, differing=2)
    assert not outcome.is_flawless
    assert outcome + outcome == Outcome("check", 8, 14, 2, 4, 4)


def test_other_answers_are_counted(nlp: Language) -> None:
    docs = [nlp(text) for text in SENTENCES]
    other = [nlp(text) for text in SENTENCES]
    other[0]._.relations = []
    other[1].ents[0]._.score = 0.1
    other[2] = nlp.make_doc(SENTENCES[2])
    outcome = compare_docs("check", docs, other)
    assert outcome == Outcome("check", len(SENTENCES), differing=3)


@pytest.mark.parametrize("differing", [0, 1])
def test_the_command_tells(
    pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, differing: int
) -> None:
    killed = Outcome("killed", 40, faults=3, differing=differing)
    monkeypatch.setattr(command, "soak_archives", lambda *arguments: [killed])
    monkeypatch.setattr(command, "soak_callers", lambda *arguments: [])
    monkeypatch.setattr(command, "soak_texts", lambda *arguments: Outcome("any text", 9))
    served = Outcome("served", 9), [(10, 1.0), (20, 2.0)]
    monkeypatch.setattr(command, "soak_service", lambda *arguments, **options: served)
    monkeypatch.setattr(command, "DOCUMENTS", 20)
    monkeypatch.setattr(command, "EVERY", 5)
    monkeypatch.setattr(command, "FITTED", 1)
    app = command.typer.Typer()
    app.command()(command.main)
    result = CliRunner().invoke(app, [str(pipeline), "--output", str(tmp_path)])
    assert result.exit_code == differing, result.output
    assert "killed" in result.output and "after 20." in result.output
    assert "Service: 1 MB after 10 requests, 2 MB after 20." in result.output
    assert (tmp_path / "memory.png").stat().st_size > 1000
