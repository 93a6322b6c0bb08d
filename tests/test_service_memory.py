"""The memory of the service: it does not grow with the words of requests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.util import load_model_from_config

from spacy_str_encoder.serving import predictor
from spacy_str_encoder.serving.predictor import Predictor
from spacy_str_encoder.serving.settings import Settings

from .pipelines import ENGLISH, MakeNlp, make_example
from .services import ROOT, SAVED

BATCHES, FIRST = 5000, 1000
# In bytes.
MOST_PER_BATCH = 1000
# Resident memory before the first of the measured batches, and after the last.
CODE = f"""
import json, os, sys
from spacy_str_encoder.serving.predictor import Predictor
from spacy_str_encoder.serving.settings import Settings

def measure():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

predictor = Predictor(Settings(sys.argv[1]))
predictor.load()
sizes = []
for number in range({BATCHES}):
    if number == {FIRST}:
        sizes.append(measure())
    words = [f"word{{number}}x{{i}}" for i in range(5)]
    [answer] = predictor([" ".join(words)])
    assert "error" not in answer
print(json.dumps([*sizes, measure()]))
"""


@pytest.fixture
def pipeline(make_nlp: MakeNlp, tmp_path: Path) -> Path:
    """A pipeline that splits words at spaces."""
    config = make_nlp().config.copy()
    config["nlp"].update(lang="en", tokenizer={"@tokenizers": "spacy.Tokenizer.v1"})
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: [make_example(nlp, ENGLISH)])
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_new_words_do_not_fill_the_memory(pipeline: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(pipeline)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    before, after = json.loads(done.stdout)
    assert (after - before) / (BATCHES - FIRST) < MOST_PER_BATCH


def test_free_memory_is_released_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[None] = []
    service = Predictor(Settings(str(SAVED)))
    monkeypatch.setattr(predictor, "release_free_memory", lambda: released.append(None))
    monkeypatch.setattr(predictor, "RELEASE_EVERY", 3)
    # The warm-up is a batch, too.
    service.load()
    counts = []
    for _ in range(6):
        service(["a"])
        counts.append(len(released))
    assert counts == [0, 1, 1, 1, 2, 2]
