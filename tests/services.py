"""Services for tests: in this process, and in one of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from spacy_str_encoder.serving.app import create_app
from spacy_str_encoder.serving.settings import Settings

SAVED = Path(__file__).parent / "saved" / "pipeline"
ROOT = Path(__file__).parents[1]
# Seconds until a test gives up.
DEADLINE = 120
ADDRESS = re.compile(r"running on (http://\S+)")


def wait_until(condition: Callable[[], Any]) -> Any:
    """The first value of a condition that is true."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise TimeoutError(condition)


def is_ready(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/ready").status_code == 200
    return False


@contextmanager
def run_here(**settings: Any) -> Iterator[TestClient]:
    """A client of a service in this process."""
    failures: list[Exception] = []
    app = create_app(Settings(**{"model": str(SAVED), **settings}), fail=failures.append)
    with TestClient(app, raise_server_exceptions=False) as client:
        wait_until(lambda: is_ready(client) or failures)
        assert not failures
        yield client


class Service:
    """A service in a process of its own."""

    def __init__(self, log: Path, *options: str, model: Path | str = SAVED) -> None:
        command = [sys.executable, "-m", "spacy_str_encoder", "serve", str(model), "--port", "0"]
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [*command, *options],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def connect(self) -> httpx.Client:
        """A client, once the service is ready."""
        match = wait_until(lambda: ADDRESS.search(self.log.read_text()) or self.has_ended())
        assert match is not True, self.log.read_text()
        client = httpx.Client(base_url=match[1], timeout=DEADLINE)
        wait_until(lambda: is_ready(client) or self.has_ended())
        return client

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self.process.wait(DEADLINE)


@contextmanager
def run_service(log: Path, *options: str, **arguments: Any) -> Iterator[Service]:
    """A service that ends with the block."""
    service = Service(log, *options, **arguments)
    try:
        yield service
    finally:
        service.terminate()
        try:
            service.wait()
        finally:
            service.process.kill()
