"""Requests of Label Studio to the service and their answers: recorded by a proxy, without what is
secret or changes from run to run.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

FOLDER = Path(__file__).parents[2] / "tests" / "label_studio_exchange"
Exchange = dict[str, Any]
# What takes the place of the values of some fields.
FIXED = {
    "access_token": "token",
    "token": "token",
    "hostname": "http://label-studio.example",
    "unique_id": "00000000-0000-0000-0000-000000000000",
    "label_config_hash": 0,
    "lead_time": 1.0,
}
REPLACED = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"), "2000-01-01T00:00:00.000000Z"),
    # The project and when it was made; the files of a pipeline.
    (re.compile(r"^(\d+)\.\d{9,}$"), r"\1.946684800"),
    (re.compile(r"\b[0-9a-f]{16}$"), "0" * 16),
]


def scrub(value: Any) -> Any:
    """Replace what is secret or changes from run to run.

    value (Any): A part of a body.
    RETURNS (Any): The same without it.
    """
    if isinstance(value, dict):
        return {name: FIXED.get(name, scrub(each)) for name, each in value.items()}
    if isinstance(value, list):
        return [*map(scrub, value)]
    for pattern, other in REPLACED if isinstance(value, str) else ():
        value = pattern.sub(other, value)
    return value


def name_exchange(exchange: Exchange) -> str:
    """Name the file of an exchange.

    exchange (dict[str, Any]): The exchange.
    RETURNS (str): The name. Exchanges of the same name are of the same kind.
    """
    event = (exchange["body"] or {}).get("action", "").lower()
    status = "" if exchange["status"] == 200 else str(exchange["status"])
    path = exchange["path"].partition("?")[0].strip("/")
    return "_".join(filter(None, [path, event, status]))


@contextmanager
def record(address: str, port: int) -> Iterator[list[Exchange]]:
    """Hand requests on to the service, and record them.

    address (str): The address of the service.
    port (int): The port to listen at.
    YIELDS (list[dict[str, Any]]): What was recorded so far.
    """
    found: list[Exchange] = []
    handler = type("Handler", (_Handler,), {"address": address, "found": found})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    address: str
    found: list[Exchange]

    def do_GET(self) -> None:
        self._hand_on()

    def do_POST(self) -> None:
        self._hand_on()

    def _hand_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        names = ("Authorization", "Content-Type")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        url = f"{self.address}{self.path}"
        answer = httpx.request(self.command, url, content=content, headers=headers, timeout=120)
        self.found.append(
            {
                "method": self.command,
                "path": self.path,
                "authorization": headers.get("Authorization", "").partition(" ")[0],
                "body": json.loads(content or "null"),
                "status": answer.status_code,
                "answer": answer.json(),
            }
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def save(found: list[Exchange], folder: Path) -> None:
    """Save the first exchange of each kind, in their order.

    found (list[dict[str, Any]]): The exchanges.
    folder (Path): The folder, whose files are replaced.
    """
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    kinds: dict[str, Exchange] = {}
    for exchange in found:
        kinds.setdefault(name_exchange(exchange), exchange)
    for number, (name, exchange) in enumerate(kinds.items(), start=1):
        text = json.dumps(scrub(exchange), ensure_ascii=False, indent=1)
        (folder / f"{number:02}_{name}.json").write_text(f"{text}\n", "utf-8")
