"""The web service of docs/deployment.md: its memory does not grow with the words of requests."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.util import load_model_from_config

from .pipelines import ENGLISH, MakeNlp, make_example

DOCS = Path(__file__).parents[1] / "docs" / "deployment.md"
REQUESTS, FIRST = 5000, 1000
# In bytes.
MOST_PER_REQUEST = 1000
# Resident memory before the first of the measured requests, and after the last.
CALLS = f"""
import json, os
from serve import Texts, annotate

def measure():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

sizes = []
for number in range({REQUESTS}):
    if number == {FIRST}:
        sizes.append(measure())
    words = [f"word{{number}}x{{i}}" for i in range(5)]
    assert len(annotate(Texts(texts=[" ".join(words)]))) == 1
print(json.dumps([*sizes, measure()]))
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor
from serve import Texts, annotate

requests = [Texts(texts=[f"Ada{i} works at Acme{i}."]) for i in range(64)]
expected = [annotate(each) for each in requests]
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(annotate, requests)) == expected
"""


@pytest.fixture
def service(make_nlp: MakeNlp, tmp_path: Path) -> Path:
    """The folder of the service, with a pipeline that splits words at spaces."""
    pytest.importorskip("fastapi")
    config = make_nlp().config.copy()
    config["nlp"].update(lang="en", tokenizer={"@tokenizers": "spacy.Tokenizer.v1"})
    nlp = load_model_from_config(config, auto_fill=True)
    nlp.initialize(lambda: [make_example(nlp, ENGLISH)])
    nlp.to_disk(tmp_path / "pipeline")
    [code] = re.findall(r"^```python serve\.py\n(.*?)^```", DOCS.read_text("utf-8"), re.S | re.M)
    (tmp_path / "serve.py").write_text(code, "utf-8")
    return tmp_path


def run(code: str, service: Path) -> str:
    paths = os.pathsep.join([str(DOCS.parents[1]), str(service)])
    environment = {"PIPELINE": str(service / "pipeline"), "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_new_words_do_not_fill_the_memory(service: Path) -> None:
    before, after = json.loads(run(CALLS, service))
    assert (after - before) / (REQUESTS - FIRST) < MOST_PER_REQUEST


@pytest.mark.slow
def test_threads_answer_as_one(service: Path) -> None:
    run(THREADS, service)
