"""Metrics of the service, in the format of Prometheus."""

import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

PREFIX = "spacy_str_encoder"
# Where worker processes keep their numbers. It has to be set before prometheus_client is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Nobody asks when a number began to be counted.
disable_created_metrics()
LIVE = re.compile(r"gauge_live\w+_(\d+)\.db")


class Metrics:
    """Metrics of a worker process. If there are several, each reports the sum over all of them."""

    def __init__(self) -> None:
        """Construct the metrics."""
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            f"{PREFIX}_requests", "Requests", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            f"{PREFIX}_request_seconds",
            "Seconds from the end of a request to its answer",
            ["path"],
            buckets=SECONDS,
            registry=registry,
        )
        self.texts = Counter(f"{PREFIX}_texts", "Texts", ["outcome"], registry=registry)
        self.batches = Histogram(
            f"{PREFIX}_batch_texts", "Texts of a batch", buckets=TEXTS, registry=registry
        )
        self.queue = Gauge(
            f"{PREFIX}_queue_texts",
            "Texts that wait",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.info = Gauge(
            f"{PREFIX}_info",
            "Version of the library, name and version of the pipeline",
            ["version", "pipeline", "pipeline_version"],
            registry=registry,
            multiprocess_mode="max",
        )

    def describe(self, meta: Mapping[str, Any]) -> None:
        """Tell which pipeline this is.

        meta (Mapping[str, Any]): The meta data of the pipeline.
        """
        name = f"{meta['lang']}_{meta['name']}"
        self.info.labels(version(PREFIX), name, meta["version"]).set(1)

    def count_text(self, is_annotated: bool) -> None:
        """Count a text.

        is_annotated (bool): Whether it was annotated. Otherwise the pipeline failed on it.
        """
        self.texts.labels("annotated" if is_annotated else "failed").inc()

    def render(self) -> bytes:
        """RETURNS (bytes): The metrics of all worker processes."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        for path in Path(folder).iterdir():
            if (match := LIVE.fullmatch(path.name)) and not _is_alive(int(match[1])):
                path.unlink(missing_ok=True)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
