"""Label Studio in a process of its own, and a client of its API."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

USER = "annotator@example.com"
# Seconds: the first start compiles the packages, and makes the tables of a database.
DEADLINE = 900
HOST = "127.0.0.1"


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something.

    condition (Callable): Returns something true once it is there.
    what (str): What is waited for, for the message.
    RETURNS (Any): What the condition returned.
    RAISES (TimeoutError): If it takes too long.
    """
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if value := condition():
                return value
        time.sleep(0.2)
    raise TimeoutError(f"{what} took more than {DEADLINE} seconds")


def find_port() -> int:
    """RETURNS (int): A port that is free now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class Studio:
    """A client of the API."""

    def __init__(self, address: str, token: str) -> None:
        """Construct the client.

        address (str): The address of Label Studio.
        token (str): The token of a user.
        """
        headers = {"Authorization": f"Token {token}"}
        self._client = httpx.Client(base_url=address, headers=headers, timeout=120)

    def is_up(self) -> bool:
        """RETURNS (bool): Whether Label Studio answers."""
        return self._client.get("/health").is_success

    def get(self, path: str, **options: Any) -> Any:
        """Send a GET request.

        path (str): The path.
        **options (Any): Options of httpx.
        RETURNS (Any): The answer.
        """
        return self._client.get(path, **options).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        """Send a POST request.

        path (str): The path.
        body (Any): The body.
        RETURNS (Any): The answer.
        """
        return self.send("POST", path, body).raise_for_status().json()

    def send(self, method: str, path: str, body: Any) -> httpx.Response:
        """Send a request that may fail.

        method (str): The method.
        path (str): The path.
        body (Any): The body.
        RETURNS (Response): The answer.
        """
        return self._client.request(method, path, json=body)


@contextmanager
def run_studio(command: Path, folder: Path) -> Iterator[Studio]:
    """Run Label Studio until the end of the block.

    command (Path): The command `label-studio` of its environment.
    folder (Path): An empty folder for its data.
    YIELDS (Studio): A client, once it answers.
    """
    token, port = secrets.token_hex(20), find_port()
    arguments = ["start", "--no-browser", "--internal-host", HOST, "--port", str(port)]
    with (folder / "label-studio.log").open("w") as log:
        process = subprocess.Popen(
            # A relative path would be looked for in the folder.
            [command.absolute(), *arguments],
            cwd=folder,
            env=make_environment(folder, token),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        studio = Studio(f"http://{HOST}:{port}", token)
        wait_until(lambda: process.poll() is not None or studio.is_up(), "Label Studio")
        yield studio
    finally:
        process.terminate()
        process.wait()


def make_environment(folder: Path, token: str) -> dict[str, str]:
    """Make the variables that Label Studio reads.

    folder (Path): The folder for its data.
    token (str): The token of the user.
    RETURNS (dict[str, str]): The variables, and those of this process.
    """
    # Its packages are others than ours.
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **others,
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_USERNAME": USER,
        "LABEL_STUDIO_PASSWORD": secrets.token_hex(20),
        "LABEL_STUDIO_USER_TOKEN": token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        # The service has a local address, which Label Studio refuses otherwise.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
    }
