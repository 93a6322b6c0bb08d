"""Run the service in this process, or in several."""

import logging
import os
import signal
import sys
from functools import partial
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from uvicorn import Config, Server

from .settings import Settings
from .workers import STARTUP_FAILURE, run_workers

# Where worker processes keep their metrics. It has to be set before prometheus_client is imported.
METRICS = "PROMETHEUS_MULTIPROC_DIR"
logger = logging.getLogger("uvicorn.error")


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve until the process is told to stop. Requests that were received are answered first.

    settings (Settings): The settings.
    host (str): The address to listen at.
    port (int): The port; 0 for any that is free.
    workers (int): The number of processes.
    RAISES (ValueError): If the pipeline can't be loaded, or the address is taken.
    """
    # The server handles the signal, and raises it again at the end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if workers == 1:
        _serve_alone(settings, host=host, port=port)
        return
    with TemporaryDirectory(prefix="spacy-str-encoder-metrics-") as folder:
        os.environ[METRICS] = folder
        _serve_in_processes(settings, workers, host=host, port=port)


def _serve_alone(settings: Settings, **options: Any) -> None:
    failures: list[Exception] = []

    def fail(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    server = Server(_configure(partial(create, settings, fail), **options))
    server.run([bind(server.config)])
    if failures:
        raise failures[0]


def _serve_in_processes(settings: Settings, workers: int, **options: Any) -> None:
    config = _configure(partial(create, settings, exit_worker, loads_first=True), **options)
    with bind(config) as listening:
        is_started = run_workers(partial(work, config, listening), workers, listening=listening)
    if not is_started:
        raise ValueError(f"{settings.model}: a worker process can't load this pipeline, see above")


def _configure(app: Any, **options: Any) -> Config:
    # The access log of the server would only repeat what metrics count.
    return Config(app, factory=True, access_log=False, **options)


def bind(config: Config) -> socket:
    """Bind the socket to listen at.

    config (Config): The settings of the server.
    RETURNS (socket): The socket.
    RAISES (ValueError): If the address is taken.
    """
    try:
        listening = config.bind_socket()
    except SystemExit as error:
        raise ValueError(f"can't listen at {config.host}:{config.port}, see above") from error
    # asyncio does this for its own sockets alone. Without it, answers wait for 40 ms until clients
    # confirm their head.
    listening.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return listening


def create(settings: Settings, fail: Any, *, loads_first: bool = False) -> Any:
    """Create the application in the process that runs it.

    settings (Settings): The settings.
    fail (Callable): Called with the error if the pipeline can't be loaded.
    loads_first (bool): Whether to load the pipeline before connections are accepted.
    RETURNS (FastAPI): The application.
    """
    from .app import create_app

    return create_app(settings, fail=fail, loads_first=loads_first)


class Worker(Server):
    """Server of a worker process. It accepts connections once its pipeline is loaded."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: once all requests are answered, or at once if there were none.

        sig (int): The signal.
        frame (FrameType | None): Where it was noticed.
        """
        super().handle_exit(sig, frame)
        if not self.started:
            os._exit(0)


def work(config: Config, listening: socket) -> None:
    """Serve in a worker process.

    config (Config): The settings of the server.
    listening (socket): The socket that all workers share.
    """
    config.configure_logging()
    Worker(config).run([listening])


def exit_worker(error: Exception) -> None:
    """End a worker process, so that its parent does not start it again.

    error (Exception): The error.
    """
    logger.error("%s", error)
    os._exit(STARTUP_FAILURE)
