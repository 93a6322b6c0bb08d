"""The service: what it answers, what it refuses, and that no text gets into logs or errors."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import spacy
from fastapi.testclient import TestClient
from spacy.language import Language
from spacy.tokens import Doc

from spacy_str_encoder import to_annotations
from spacy_str_encoder.serving import gate
from spacy_str_encoder.serving.app import create_app
from spacy_str_encoder.serving.predictor import Predictor
from spacy_str_encoder.serving.settings import Settings
from spacy_str_encoder.serving.tokens import can_others_read, read_tokens

from .pipelines import TEXTS
from .services import SAVED, run_here, wait_until

SECRET = "secret"
LIMITS = {"max_length": 200, "max_texts": 4, "max_queue": 8, "max_bytes": 2000}
BODY = 'The body must be a JSON object with a list of texts, as {"texts": ["..."]}.'
TYPE = "The request must have the header 'Content-Type: application/json'."
ITEM = (
    "texts[{}] must be a string of valid Unicode, or an object with such a 'text' and an 'id' that "
    "is a string or an integer."
)
PUBLIC = ("/health", "/ready", "/metrics", "/openapi.json")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with run_here(**LIMITS) as client:
        yield client


@pytest.fixture(scope="module")
def guarded() -> Iterator[TestClient]:
    with run_here(tokens=("first", "second")) as client:
        yield client


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service whose pipeline fails on some texts, and quotes them."""

    @Language.component("tests_fragile")
    def fail(doc: Doc) -> Doc:
        if SECRET in doc.text:
            raise KeyError(doc.text)
        return doc

    nlp = spacy.load(SAVED)
    nlp.add_pipe("tests_fragile", first=True)
    nlp.to_disk(path := tmp_path_factory.mktemp("fragile"))
    with run_here(model=str(path)) as client:
        yield client


def annotate(client: TestClient, texts: list[Any], **options: Any) -> Any:
    response = client.post("/annotate", json={"texts": texts}, **options)
    assert response.status_code == 200, response.text
    return response.json()


def without_scores(item: Any) -> Any:
    """Scores of a batch may differ in the last digits."""
    if isinstance(item, dict):
        return {
            key: pytest.approx(value, abs=1e-4) if key == "score" else without_scores(value)
            for key, value in item.items()
        }
    return [*map(without_scores, item)] if isinstance(item, list) else item


def test_answers_are_what_annotate_writes(client: TestClient) -> None:
    nlp = spacy.load(SAVED)
    expected = [{"id": None, **to_annotations(nlp(text))} for text in TEXTS]
    assert any(each["relations"] for each in expected)
    assert annotate(client, TEXTS) == {"version": 1, "results": without_scores(expected)}


def test_identifiers_come_back_in_order(client: TestClient) -> None:
    texts = [{"id": "b", "text": TEXTS[0]}, "", {"id": 7, "text": TEXTS[1]}, {"text": "x"}]
    results = annotate(client, texts)["results"]
    assert [each["id"] for each in results] == ["b", None, 7, None]
    assert [each["text"] for each in results] == [TEXTS[0], "", TEXTS[1], "x"]


def test_no_texts_have_no_results(client: TestClient) -> None:
    assert annotate(client, []) == {"version": 1, "results": []}


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b'{"texts": ["secret"', BODY),
        (b'["secret"]', BODY),
        (b'{"text": "secret"}', BODY),
        (b'{"texts": "secret"}', BODY),
        (b'{"texts": ["\xff secret"]}', BODY),
        (b"[" * 1900, BODY),
        (b"", BODY),
        (b'{"texts": ["a", 3, "secret"]}', ITEM.format(1)),
        (b'{"texts": [{"id": "secret"}]}', ITEM.format(0)),
        (b'{"texts": [{"id": ["secret"], "text": "a"}]}', ITEM.format(0)),
        (b'{"texts": ["secret \\ud800"]}', ITEM.format(0)),
        (b'{"texts": [{"id": "\\udfff", "text": "secret"}]}', ITEM.format(0)),
    ],
)
def test_an_invalid_request_is_explained_and_not_quoted(
    client: TestClient, content: bytes, detail: str
) -> None:
    response = client.post(
        "/annotate", content=content, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()) == (422, {"detail": detail})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_site_is_refused(client: TestClient, content_type: str) -> None:
    # A browser sends these types without asking the service first, and curl the second.
    response = client.post(
        "/annotate", content=b'{"texts": ["a"]}', headers={"Content-Type": content_type}
    )
    assert (response.status_code, response.json()) == (422, {"detail": TYPE})


def test_an_unknown_path_is_told(client: TestClient) -> None:
    response = client.get(f"/{SECRET}")
    detail = "The service has no such path, see /openapi.json."
    assert (response.status_code, response.json()) == (404, {"detail": detail})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/annotate", "POST"), ("POST", "/", "GET or HEAD"), ("PUT", "/ready", "GET")],
)
def test_the_method_must_fit_the_path(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)
    detail = f"The method must be {allowed}."
    assert (response.status_code, response.json()) == (405, {"detail": detail})
    assert {*response.headers["Allow"].split(", ")} == {*allowed.split(" or ")}


def test_the_page_has_a_head(client: TestClient) -> None:
    assert client.head("/").status_code == 200


def test_the_log_says_when_the_pipeline_is_loaded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with run_here():
        assert f"The pipeline {SAVED} is loaded: ready" in caplog.messages


@pytest.mark.parametrize(
    ("texts", "detail"),
    [
        (["a"] * 5, "A request must have at most 4 texts, got 5."),
        (["a", "b" * 201], "texts[1] must have at most 200 characters, got 201."),
        (["c" * 2000], "The request must have at most 2,000 bytes."),
        (["c" * 20_000], "The request must have at most 2,000 bytes."),
    ],
)
def test_what_is_too_large_is_refused(client: TestClient, texts: list[str], detail: str) -> None:
    response = client.post("/annotate", json={"texts": texts})
    assert (response.status_code, response.json()) == (413, {"detail": detail})


def test_what_is_just_small_enough_is_not_refused(client: TestClient) -> None:
    assert len(annotate(client, ["a" * 200] * 4)["results"]) == 4


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer third", "first", "Basic first", "Bearer first second"]
)
def test_without_a_valid_token_nothing_is_answered(guarded: TestClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    # Not even whether the request is valid.
    for content in (b'{"texts": ["a"]}', b"secret"):
        response = guarded.post("/annotate", content=content, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.json() == {"detail": "Send a valid token: Authorization: Bearer TOKEN."}


@pytest.mark.parametrize("header", ["Bearer first", "Bearer second", "bearer  second"])
def test_each_token_is_valid(guarded: TestClient, header: str) -> None:
    assert annotate(guarded, ["a"], headers={"Authorization": header})["results"]


@pytest.mark.parametrize("path", PUBLIC)
def test_monitoring_needs_no_token(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_a_file_of_tokens_has_one_per_line(tmp_path: Path) -> None:
    (path := tmp_path / "tokens").write_text("first\n\n  second\n")
    assert read_tokens(path) == ("first", "second")
    path.chmod(0o640)
    assert not can_others_read(path)
    path.chmod(0o644)
    assert can_others_read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b" \n", "the file must have at least one token, got none"),
        ("令牌".encode(), "tokens must be ASCII"),
    ],
)
def test_a_file_without_tokens_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "tokens"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_tokens(path)


def test_a_text_that_makes_the_pipeline_fail_fails_alone(fragile: TestClient) -> None:
    texts = [TEXTS[2], f"{SECRET} 1", {"id": 3, "text": SECRET}, TEXTS[2]]
    first, *failed, last = annotate(fragile, texts)["results"]
    assert first == last
    assert first["entities"]
    error = "On this text, the pipeline failed (KeyError)."
    assert failed == [{"id": None, "error": error}, {"id": 3, "error": error}]
    metrics = fragile.get("/metrics").text
    assert 'spacy_str_encoder_texts_total{outcome="failed"} 2.0' in metrics
    assert 'spacy_str_encoder_texts_total{outcome="annotated"} 2.0' in metrics


def test_no_text_gets_into_logs(
    fragile: TestClient,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*arguments: object) -> None:
        raise KeyError(SECRET)

    with caplog.at_level(logging.DEBUG):
        annotate(fragile, [SECRET])
        fragile.post("/annotate", json={"texts": [{SECRET: SECRET}]})
        monkeypatch.setattr(fragile.app.state.batcher, "annotate", fail)  # type: ignore[attr-defined]
        response = fragile.post("/annotate", json={"texts": [SECRET]})
    assert (response.status_code, response.json()) == (500, {"detail": "The service failed."})
    assert "The service failed on a request: KeyError" in caplog.text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_a_request_that_takes_too_long_to_arrive_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(gate, "UPLOAD", 0.01)
    scope = {"type": "http", "method": "POST", "path": "/annotate", "headers": []}
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
    start, body = sent
    assert start["status"] == 408
    assert json.loads(body["body"]) == {"detail": "The request took too long to arrive."}


def test_metrics_count_requests_texts_and_batches() -> None:
    with run_here(tokens=("token",)) as client:
        annotate(client, TEXTS, headers={"Authorization": "Bearer token"})
        client.post("/annotate", json={})
        client.get(f"/{SECRET}", headers={"Authorization": "Bearer token"})
        lines = client.get("/metrics").text.splitlines()
    for line in (
        'requests_total{path="/annotate",status="200"} 1.0',
        'requests_total{path="/annotate",status="401"} 1.0',
        # Paths that are not there share one name.
        'requests_total{path="other",status="404"} 1.0',
        'texts_total{outcome="annotated"} 4.0',
        'request_seconds_count{path="/annotate"} 2.0',
        "batch_texts_count 1.0",
        "batch_texts_sum 4.0",
        "queue_texts 0.0",
        'info{pipeline="zh_pipeline",pipeline_version="0.0.0",version="0.1.0"} 1.0',
    ):
        assert f"spacy_str_encoder_{line}" in lines


def test_a_service_lives_before_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Event()
    load = Predictor.load

    def load_later(predictor: Predictor) -> None:
        loaded.wait()
        load(predictor)

    monkeypatch.setattr(Predictor, "load", load_later)
    with TestClient(create_app(Settings(str(SAVED)), fail=pytest.fail)) as client:
        try:
            assert client.get("/health").json() == {"status": "alive"}
            for response in (client.get("/ready"), client.post("/annotate", json={"texts": ["a"]})):
                assert response.status_code == 503
                assert int(response.headers["Retry-After"]) > 0
                assert "The pipeline is being loaded." in response.json()["detail"]
        finally:
            loaded.set()
        wait_until(lambda: client.get("/ready").json() == {"status": "ready"})
        assert annotate(client, ["a"])["results"]


def test_a_pipeline_that_can_not_be_loaded_is_told(tmp_path: Path) -> None:
    failures: list[Exception] = []
    app = create_app(Settings(str(tmp_path / "missing")), fail=failures.append)
    with TestClient(app) as client:
        wait_until(lambda: failures)
        assert client.get("/ready").status_code == 503
    [error] = failures
    assert "can't load this pipeline" in str(error)


def test_the_description_loads_nothing_from_elsewhere(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    assert "://" not in client.get("/openapi.json").text
    texts = [
        operation["description"]
        for operations in description["paths"].values()
        for operation in operations.values()
    ]
    assert all(texts) and not any("RETURNS" in text or "(Request)" in text for text in texts)
    assert description["paths"]["/metrics"]["get"]["description"].startswith("Show metrics")
    assert {"200", "401", "408", "413", "422", "503"} == {
        *description["paths"]["/annotate"]["post"]["responses"]
    }
    # These pages would.
    assert {client.get(path).status_code for path in ("/docs", "/redoc")} == {404}


def test_the_queue_has_room_for_a_request() -> None:
    with pytest.raises(ValueError, match=r"--max-queue 4.* --max-texts 5 texts"):
        Settings("model", max_queue=4, max_texts=5)
