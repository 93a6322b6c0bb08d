"""A service under load, with bad, slow and broken requests among others: no answer may be lost, or
belong to another text.
"""

import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

from spacy.language import Language

from spacy_str_encoder.doc.plain_data import to_annotations
from spacy_str_encoder.loading import entity_group

from .endurance import PAGES_PER_MB
from .outcome import Outcome

CHECK = "requests of {clients} clients, one service"
# The last two have no answers.
KINDS = ("good", "slow", "bad", "too long", "cut off", "gone")
WEIGHTS = (70, 5, 10, 5, 5, 5)
HEADERS = {"Content-Type": "application/json"}
BAD = (b"{", b"[]", b'{"texts": [5]}', b'{"texts": ["\xff"]}', b'{"texts": ["\\ud800"]}')
MAX_LENGTH = 2000
# Seconds to wait for the service, and between the parts of a slow request.
PATIENCE, PAUSE = 120.0, 0.01


def soak_service(
    nlp: Language, pipeline: Path, sentences: Sequence[str], *, requests: int, clients: int = 16
) -> tuple[Outcome, list[tuple[int, float]]]:
    """Send requests to a service, and compare the answers with the pipeline's own.

    nlp (Language): The pipeline.
    pipeline (Path): Its folder.
    sentences (Sequence[str]): The texts to send.
    requests (int): The number of requests.
    clients (int): The number of requests at the same time.
    RETURNS (tuple[Outcome, list[tuple[int, float]]]): The outcome; the memory of the service in MB
        after some numbers of requests.
    """
    spans_key = entity_group(nlp)
    expected = {
        doc.text: _without_scores(to_annotations(doc, spans_key=spans_key))
        for doc in nlp.pipe(sentences)
    }
    counts, points = Counter[str](), []
    with run_service(pipeline) as (port, process), ThreadPoolExecutor(clients) as pool:
        send = partial(_send, port, list(expected), expected)
        step = max(1, requests // 10)
        for start in range(0, requests, step):
            numbers = range(start, min(start + step, requests))
            counts.update(result for results in pool.map(send, numbers) for result in results)
            points.append((numbers[-1] + 1, _memory_of(process)))
    faults = requests - counts["requests"]
    check = CHECK.format(clients=clients)
    outcome = Outcome(check, counts["texts"], faults, counts["lost"], 0, counts["differing"])
    return outcome, points


@contextmanager
def run_service(pipeline: Path) -> Iterator[tuple[int, int]]:
    """Run a service in a process of its own.

    pipeline (Path): The folder of the pipeline.
    YIELDS (tuple[int, int]): The port and the process ID.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--max-length", str(MAX_LENGTH), "--max-queue", "64"]
    command = [sys.executable, "-m", "spacy_str_encoder", "serve", str(pipeline), *options]
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port)
        yield port, service.pid
    finally:
        service.terminate()
        service.wait()


def _wait_until_ready(port: int) -> None:
    end = monotonic() + PATIENCE
    while monotonic() < end:
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        sleep(0.1)
    raise TimeoutError("the service is not ready")


def _send(port: int, texts: list[str], expected: dict[str, Any], number: int) -> list[str]:
    """Send a request. RETURNS (list[str]): What there is to count of it."""
    random = Random(number)
    [kind] = random.choices(KINDS, WEIGHTS)
    chosen = random.choices(texts, k=random.randint(1, 3))
    items = [{"id": f"{number}-{i}", "text": text} for i, text in enumerate(chosen)]
    body = json.dumps({"texts": items}).encode()
    if kind in ("cut off", "gone"):
        _break_off(port, body if kind == "gone" else body[: len(body) // 2], len(body))
        return []
    if kind in ("bad", "too long"):
        body = random.choice(BAD) if kind == "bad" else _too_long()
        status, _ = _exchange(port, body)
        # Another answer than a refusal is as wrong as a wrong annotation.
        return [] if status == (422 if kind == "bad" else 413) else ["differing"]
    status, content = _exchange(port, body, slow=kind == "slow")
    results = content.get("results", []) if status == 200 else []
    found = {each["id"]: _without_scores(each) for each in results}
    wanted = {each["id"]: {"id": each["id"], **expected[each["text"]]} for each in items}
    lost = [*wanted.keys() - found.keys()]
    differing = [key for key, each in found.items() if each != wanted.get(key)]
    counts = {"requests": 1, "texts": len(items), "lost": len(lost), "differing": len(differing)}
    return [*Counter(counts).elements()]


def _exchange(port: int, body: bytes, *, slow: bool = False) -> tuple[int, Any]:
    """Send a request, again as long as the service is busy."""
    end = monotonic() + PATIENCE
    while True:
        try:
            status, content = _try(port, body, slow=slow)
        except (OSError, HTTPException):
            return 0, {}
        if status != 503 or monotonic() > end:
            return status, content
        sleep(0.05)


def _try(port: int, body: bytes, *, slow: bool) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        parts = [body[i : i + 40] for i in range(0, len(body), 40)] if slow else [body]
        headers = {**HEADERS, "Content-Length": str(len(body))}
        connection.request("POST", "/annotate", _pause_between(parts), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _pause_between(parts: Sequence[bytes]) -> Iterator[bytes]:
    for number, part in enumerate(parts):
        if number:
            sleep(PAUSE)
        yield part


def _break_off(port: int, body: bytes, length: int) -> None:
    """Close the connection before the request is complete, or before its answer."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
        lines = ["POST /annotate HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
        head = "\r\n".join([*lines, "Content-Type: application/json", "", ""])
        connection.sendall(head.encode() + body)


def _too_long() -> bytes:
    return json.dumps({"texts": ["a" * (MAX_LENGTH + 1)]}).encode()


def _without_scores(item: Any) -> Any:
    # Scores differ in the last digits with the other texts of a batch.
    if isinstance(item, dict):
        return {key: _without_scores(value) for key, value in item.items() if "score" not in key}
    return [*map(_without_scores, item)] if isinstance(item, list) else item


def _memory_of(process: int) -> float:
    """RETURNS (float): The resident memory of a process in MB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) / PAGES_PER_MB
