"""Benchmark the service beside a plain one: requests a second, and seconds until the answer."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Annotated

import numpy
import srsly
import typer
from rich.console import Console
from rich.table import Table

import served
from workload import make_texts

OUTPUT = Path(__file__).parents[1] / "docs" / "benchmarks" / "service.json"
CLIENTS = (1, 8, 64)
# The seconds that a round took, and those of each of its requests.
Round = tuple[float, list[float]]
# Seconds that a service may take to start.
PATIENCE = 120.0


@dataclass(frozen=True)
class Load:
    """The answers of a service to some clients, each of which sends one text after the other.

    service (str): The name of the service.
    clients (int): The number of clients.
    rate (float): Requests a second.
    median (float): The median of the seconds until an answer.
    high (float): Their 99th percentile.
    """

    service: str
    clients: int
    rate: float
    median: float
    high: float


def main(
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")] = OUTPUT,
    seconds: Annotated[float, typer.Option(help="Seconds per round.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each measurement.")] = 3,
    quick: Annotated[bool, typer.Option(help="One short round, to try it.")] = False,
) -> None:
    """Print a table of loads, and write it."""
    with TemporaryDirectory() as folder:
        pipeline = served.save_pipeline(Path(folder))
        loads = measure(pipeline, *((2, 1) if quick else (seconds, rounds)))
    show(loads)
    srsly.write_json(output, {"cores": os.cpu_count(), "loads": [asdict(load) for load in loads]})


def measure(pipeline: Path, seconds: float, rounds: int) -> list[Load]:
    """Measure both services in turn, so that other load on the machine affects both.

    pipeline (Path): The folder of the pipeline.
    seconds (float): The seconds of a round.
    rounds (int): The number of rounds.
    RETURNS (list[Load]): The loads.
    """
    texts = [sentence.text for sentence in make_texts(served.TEXTS)]
    folder = Path(__file__).parent
    own = ["-m", "spacy_str_encoder", "serve", str(pipeline), "--code", str(folder / "served.py")]
    plain = ["-m", "uvicorn", "plain_service:app", "--log-level", "warning"]
    answers: dict[tuple[str, int], list[Round]] = {}
    with run(own, pipeline) as served_port, run(plain, pipeline) as plain_port:
        for clients in CLIENTS:
            for _ in range(rounds):
                for name, port in (("serve", served_port), ("snippet", plain_port)):
                    done = send_for(seconds, clients, port, texts)
                    answers.setdefault((name, clients), []).append(done)
    return [summarize(*key, done) for key, done in answers.items()]


@contextmanager
def run(arguments: list[str], pipeline: Path) -> Iterator[int]:
    """Run a service in a process of its own.

    arguments (list[str]): The arguments of Python.
    pipeline (Path): The folder of the pipeline.
    YIELDS (int): The port, once the service answers.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, *arguments, "--port", str(port)],
        env={**os.environ, "PYTHONPATH": path, served.PIPELINE: str(pipeline)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_answer(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for_answer(port: int) -> None:
    """Send a text until it is annotated.

    port (int): The port of the service.
    RAISES (TimeoutError): If the service does not start.
    """
    end = perf_counter() + PATIENCE
    while perf_counter() < end:
        with suppress(OSError, RuntimeError):
            connection = HTTPConnection("127.0.0.1", port)
            send(connection, "a")
            return
        sleep(0.1)
    raise TimeoutError("a service did not start")


def send(connection: HTTPConnection, text: str) -> float:
    """Send a text, and wait for the answer.

    connection (HTTPConnection): The connection.
    text (str): The text.
    RETURNS (float): The seconds.
    RAISES (RuntimeError): If the text is refused.
    """
    start = perf_counter()
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/annotate", json.dumps({"texts": [text]}), headers)
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise RuntimeError(f"a service answered with {response.status}")
    return perf_counter() - start


def send_for(seconds: float, clients: int, port: int, texts: list[str]) -> Round:
    """Let clients send texts, one after the other.

    seconds (float): The seconds until no more is sent.
    clients (int): The number of clients.
    port (int): The port of the service.
    texts (list[str]): The texts.
    RETURNS (Round): The seconds until the last answer, and those of each request.
    """
    start = perf_counter()
    client = partial(_send_until, start + seconds, port=port, texts=texts, clients=clients)
    with ThreadPoolExecutor(clients) as pool:
        times = [each for times in pool.map(client, range(clients)) for each in times]
    return perf_counter() - start, times


def _send_until(
    end: float, first: int, *, port: int, texts: list[str], clients: int
) -> list[float]:
    connection = HTTPConnection("127.0.0.1", port)
    times: list[float] = []
    # Clients send different texts.
    while perf_counter() < end:
        times.append(send(connection, texts[(first + clients * len(times)) % len(texts)]))
    return times


def summarize(name: str, clients: int, rounds: list[Round]) -> Load:
    """Summarize the rounds of a service.

    name (str): The name of the service.
    clients (int): The number of clients.
    rounds (list[Round]): The rounds.
    RETURNS (Load): The load.
    """
    seconds = sum(each for each, _ in rounds)
    times = [each for _, times in rounds for each in times]
    median, high = numpy.percentile(times, [50, 99]).tolist()
    return Load(name, clients, len(times) / seconds, median, high)


def show(loads: list[Load]) -> None:
    """Print a table.

    loads (list[Load]): The loads.
    """
    table = Table("clients", "service", "requests/s", "median, ms", "99th percentile, ms")
    for load in loads:
        times = (f"{1000 * each:.0f}" for each in (load.median, load.high))
        table.add_row(str(load.clients), load.service, f"{load.rate:.1f}", *times)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
