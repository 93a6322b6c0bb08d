"""What a real Label Studio has sent, sent again: the answers are those that it got. `make
record-label-studio` records both.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from scripts.label_studio.check import MOST, TOKEN
from scripts.label_studio.exchange import FOLDER, scrub
from scripts.label_studio.rules import make_rules

from .services import run_here

FILES = sorted(FOLDER.glob("*.json"))
KINDS = {"health", "setup_401", "setup", "versions", "webhook_annotation_created", "predict"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    make_rules().to_disk(path := tmp_path_factory.mktemp("rules"))
    settings = {"label_studio": True, "tokens": (TOKEN,), "max_length": MOST}
    with run_here(model=str(path), **settings) as client:
        yield client


def authorize(scheme: str, status: int) -> dict[str, str]:
    token = "wrong" if status == 401 else TOKEN
    given = b64encode(f"any:{token}".encode()).decode() if scheme == "Basic" else token
    return {"Authorization": f"{scheme} {given}"} if scheme else {}


def test_all_kinds_of_requests_are_recorded() -> None:
    assert {path.stem.partition("_")[2] for path in FILES} >= KINDS
    assert sum(path.stat().st_size for path in FILES) < 50_000


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_answers_are_as_recorded(client: TestClient, name: str) -> None:
    exchange: Any = json.loads((FOLDER / name).read_text("utf-8"))
    response = client.request(
        exchange["method"],
        exchange["path"],
        json=exchange["body"],
        headers=authorize(exchange["authorization"], exchange["status"]),
    )
    assert response.status_code == exchange["status"]
    assert scrub(response.json()) == exchange["answer"]
