"""The command `serve`, in processes of its own: workers, signals, lost connections, and logs."""

import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import spacy
from spacy.language import Language
from typer.testing import CliRunner
from uvicorn import Config

from spacy_str_encoder.cli import app
from spacy_str_encoder.serving.run import bind

from .pipelines import TEXTS
from .services import ADDRESS, SAVED, Service, run_service, wait_until

# Code that waits for a file while the pipeline is loaded.
LOADING = """
import time
from pathlib import Path

while not (Path({folder!r}) / "go").exists():
    time.sleep(0.01)
"""
# A component that waits, on some texts, until it may go on.
CODE = """
import time
from pathlib import Path
from spacy.language import Language

@Language.component("tests_waiting")
def wait(doc):
    folder = Path({folder!r})
    while "wait" in doc.text and not (folder / "go").exists():
        (folder / "begun").touch()
        time.sleep(0.01)
    return doc
"""


@pytest.fixture
def waiting(request: Any, tmp_path: Path) -> Iterator[Service]:
    """A service whose pipeline waits for a file. It has one worker, or as many as a test says."""
    Language.component("tests_waiting", func=lambda doc: doc)
    nlp = spacy.load(SAVED)
    nlp.add_pipe("tests_waiting", first=True)
    nlp.to_disk(tmp_path / "pipeline")
    (tmp_path / "code.py").write_text(CODE.format(folder=str(tmp_path)))
    options = ["--code", str(tmp_path / "code.py"), "--batch-size", "1"]
    options += ["--workers", getattr(request, "param", "1")]
    with run_service(tmp_path / "log", *options, model=tmp_path / "pipeline") as service:
        try:
            yield service
        finally:
            (tmp_path / "go").touch()


def count(client: httpx.Client, name: str) -> float:
    """The sum of a metric over all labels."""
    found = re.findall(rf"^spacy_str_encoder_{name}\S* (\S+)$", client.get("/metrics").text, re.M)
    return sum(map(float, found))


def send(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("/annotate", json={"texts": [text]})


def workers_of(service: Service) -> list[str]:
    """The processes that have been started."""
    return re.findall(r"Started server process \[(\d+)\]", service.log.read_text())


def loaded_in(service: Service) -> int:
    """The number of times that the pipeline was loaded."""
    return service.log.read_text().count(f"The pipeline {SAVED} is loaded: ready")


def refuses(client: httpx.Client) -> bool:
    """Whether new connections are refused."""
    try:
        httpx.get(client.base_url.join("/health"))
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        # Accepted just before the socket was closed.
        return False
    return False


@pytest.mark.slow
def test_a_service_that_is_stopped_answers_what_it_has_received(
    waiting: Service, tmp_path: Path
) -> None:
    client = waiting.connect()
    with ThreadPoolExecutor() as pool:
        answers: list[Future[httpx.Response]] = []
        answers.append(pool.submit(send, client, "wait"))
        wait_until((tmp_path / "begun").exists)
        # This one still waits in the queue.
        answers.append(pool.submit(send, client, TEXTS[0]))
        wait_until(lambda: count(client, "queue_texts") == 1)
        waiting.terminate()
        wait_until(lambda: refuses(client))
        assert not waiting.has_ended()
        (tmp_path / "go").touch()
        first, second = [each.result() for each in answers]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json()["results"][0]["entities"]
    assert waiting.wait() == 0


def test_answers_do_not_wait_until_the_client_confirms_their_head() -> None:
    with bind(Config("", host="127.0.0.1", port=0)) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
@pytest.mark.parametrize("waiting", ["2"], indirect=True)
def test_workers_that_are_stopped_refuse_connections_while_they_finish(
    waiting: Service, tmp_path: Path
) -> None:
    client = waiting.connect()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(send, client, "wait")
        wait_until((tmp_path / "begun").exists)
        waiting.terminate()
        wait_until(lambda: refuses(client))
        assert not waiting.has_ended()
        (tmp_path / "go").touch()
        assert answer.result().status_code == 200
    assert waiting.wait() == 0


@pytest.mark.slow
def test_workers_that_still_load_accept_nothing_and_end_at_once(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(LOADING.format(folder=str(tmp_path)))
    options = ("--workers", "2", "--code", str(tmp_path / "code.py"))
    with run_service(tmp_path / "log", *options) as service:
        wait_until(lambda: len(workers_of(service)) == 2)
        match = ADDRESS.search(service.log.read_text())
        assert match is not None
        with httpx.Client(base_url=match[1]) as client:
            assert refuses(client)
        service.terminate()
        assert service.wait() == 0


@pytest.mark.slow
def test_a_request_whose_client_has_gone_is_dropped(waiting: Service, tmp_path: Path) -> None:
    client = waiting.connect()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(send, client, "wait")
        wait_until((tmp_path / "begun").exists)
        body = json.dumps({"texts": ["gone", "gone"]}).encode()
        host, port = client.base_url.host, client.base_url.port
        assert port is not None
        with socket.create_connection((host, port)) as connection:
            head = f"POST /annotate HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_until(lambda: count(client, "queue_texts") == 2)
        wait_until(lambda: count(client, r'requests_total{path="/annotate",status="499"}') == 1)
        (tmp_path / "go").touch()
        assert first.result().status_code == 200
    assert send(client, TEXTS[0]).status_code == 200
    assert count(client, "texts_total") == 2


@pytest.mark.slow
def test_workers_share_the_port_and_sum_their_metrics(tmp_path: Path) -> None:
    with run_service(tmp_path / "log", "--workers", "2", "--max-texts", "3") as service:
        service.connect().close()
        # Each connection goes to any of them, and one may still be loading.
        answers, requests = [], 40
        for number in range(requests):
            with closing(service.connect()) as client:
                answers.append(client.post("/annotate", json={"texts": [f"{number}"] * 2}).json())
        expected = [f"{number}" for number in range(requests)]
        assert [each["results"][1]["text"] for each in answers] == expected
        # The last metrics of the other worker may come a little later.
        with closing(service.connect()) as client:
            wait_until(lambda: count(client, "texts_total") == 2 * requests)
            assert count(client, 'requests_total{path="/annotate",status="200"}') == requests
            assert count(client, "info") == 1
            assert client.post("/annotate", json={"texts": ["a"] * 4}).status_code == 413
        service.terminate()
        assert service.wait() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with run_service(tmp_path / "log", "--workers", "2") as service:
        with closing(service.connect()) as client:
            assert send(client, TEXTS[0]).status_code == 200

        wait_until(lambda: loaded_in(service) == 2)
        os.kill(int(workers_of(service)[0]), signal.SIGKILL)
        wait_until(lambda: len(workers_of(service)) == 3)
        answered = 0
        while loaded_in(service) < 3:
            # The other worker answers while this one loads.
            response = httpx.post(client.base_url.join("/annotate"), json={"texts": ["a"]})
            assert response.status_code == 200
            answered += 1
        with closing(service.connect()) as client:
            assert send(client, TEXTS[0]).status_code == 200
            # Those of the killed one stay counted, but it has no queue any more.
            wait_until(lambda: count(client, "texts_total") == 2 + answered)
            assert count(client, "queue_texts") == 0
        service.terminate()
        assert service.wait() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with (
        run_service(tmp_path / "log", "--workers", "2") as service,
        closing(service.connect()) as client,
    ):
        service.process.kill()
        wait_until(lambda: refuses(client))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_missing_pipeline_is_an_error(tmp_path: Path, workers: str) -> None:
    with run_service(tmp_path / "log", "--workers", workers, model=tmp_path / "none") as service:
        assert service.wait() == 1
    log = (tmp_path / "log").read_text()
    assert f"{tmp_path / 'none'}: can't load this pipeline" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_logs_of_the_service_hold_no_text(tmp_path: Path) -> None:
    (tokens := tmp_path / "tokens").write_text("hidden")
    tokens.chmod(0o644)
    with run_service(tmp_path / "log", "--token-file", str(tokens)) as service:
        client = service.connect()
        assert send(client, "secret").status_code == 401
        client.headers["Authorization"] = "Bearer hidden"
        assert send(client, "secret").status_code == 200
        for content in (b"secret", b'{"texts": [{"secret": 1}]}', b'{"texts": ["secret \\ud800"]}'):
            response = client.post("/annotate?secret", content=content)
            assert response.status_code == 422
        with suppress(httpx.HTTPError):
            client.request("secret", "/secret", content=b"secret")
    log = (tmp_path / "log").read_text()
    assert f"{tokens}: all users of this machine can read the tokens" in log
    assert "secret" not in log
    assert "hidden" not in log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--token-file", "none"], "none: no such file (--token-file)"),
        (
            ["--max-queue", "3"],
            "the queue (--max-queue 3) must have room for a request of --max-texts 64 texts",
        ),
        (["--host", "192.0.2.1"], "can't listen at 192.0.2.1:8000, see above"),
    ],
)
def test_a_service_that_can_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["serve", str(SAVED), *arguments])
    assert result.exit_code == 1
    assert f"Error: {message}\n" in result.output


def test_without_fastapi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("spacy_str_encoder.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    result = CliRunner().invoke(app, ["serve", str(SAVED)])
    assert result.exit_code == 1
    assert "pip install 'spacy_str_encoder[serve]'" in result.output


def test_tests_leave_no_folder_of_metrics() -> None:
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
