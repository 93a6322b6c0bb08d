"""One queue of texts, and one thread that annotates them in batches."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from .metrics import Metrics
from .predictor import Answer, Predictor
from .settings import Settings

logger = logging.getLogger("uvicorn.error")


class BusyError(Exception):
    """Raised if texts can't be taken now."""


@dataclass(frozen=True)
class Job:
    """A text that waits.

    text (str): The text.
    answer (Future[Answer]): The answer to come. It is cancelled if nobody waits for it any more.
    due (float): The time to begin at the latest, by the clock of the event loop.
    """

    text: str
    answer: asyncio.Future[Answer]
    due: float


class Batcher:
    """Collects the texts of requests, and annotates those that come together in one batch."""

    def __init__(self, predictor: Predictor, settings: Settings, metrics: Metrics) -> None:
        """Construct the batcher. `run` starts it.

        predictor (Predictor): The pipeline.
        settings (Settings): The limits of queue and batch.
        metrics (Metrics): The metrics to keep.
        """
        self.ready = asyncio.Event()
        self._predictor, self._settings, self._metrics = predictor, settings, metrics
        self._jobs: deque[Job] = deque()
        self._changed = asyncio.Condition()

    async def run(self, fail: Callable[[Exception], None]) -> None:
        """Load the pipeline, then annotate what comes until the task is cancelled.

        fail (Callable): Called with the error if the pipeline can't be loaded.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="predictor") as thread:
            try:
                await loop.run_in_executor(thread, self._predictor.load)
            except Exception as error:
                fail(error)
                return
            self._metrics.describe(self._predictor.nlp.meta)
            logger.info("The pipeline %s is loaded: ready", self._settings.model)
            self.ready.set()
            while True:
                batch = await self._next_batch()
                await self._annotate(batch, thread)

    async def annotate(self, texts: Sequence[str]) -> list[Answer]:
        """Annotate the texts of a request, in batches with those of others. If the caller is
        cancelled, texts that have not begun are dropped.

        texts (Sequence[str]): The texts.
        RETURNS (list[Answer]): The answers, in the order of the texts.
        RAISES (BusyError): If the pipeline is not loaded yet, or the queue is full.
        """
        if not self.ready.is_set():
            raise BusyError("The pipeline is being loaded. Try again later.")
        loop = asyncio.get_running_loop()
        due = loop.time() + self._settings.batch_wait
        async with self._changed:
            if len(self._jobs) + len(texts) > self._settings.max_queue:
                raise BusyError("Too many texts are waiting. Try again later.")
            jobs = [Job(text, loop.create_future(), due) for text in texts]
            self._jobs.extend(jobs)
            self._metrics.queue.set(len(self._jobs))
            self._changed.notify_all()
        return await asyncio.gather(*(job.answer for job in jobs))

    async def _next_batch(self) -> list[Job]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._jobs)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._jobs[0].due):
                    await self._changed.wait_for(self._is_full)
            return self._take()

    def _is_full(self) -> bool:
        is_long = sum(len(job.text) for job in self._jobs) >= self._settings.max_length
        return is_long or len(self._jobs) >= self._settings.batch_size

    def _take(self) -> list[Job]:
        """RETURNS (list[Job]): The next batch: as many texts as may be, and, since memory grows
        with characters, no more of these than one text may have.
        """
        batch: list[Job] = []
        room = self._settings.max_length
        while self._jobs and len(batch) < self._settings.batch_size:
            if batch and len(self._jobs[0].text) > room:
                break
            job = self._jobs.popleft()
            if not job.answer.cancelled():
                batch.append(job)
                room -= len(job.text)
        self._metrics.queue.set(len(self._jobs))
        return batch

    async def _annotate(self, batch: Sequence[Job], thread: ThreadPoolExecutor) -> None:
        if not batch:
            return
        self._metrics.batches.observe(len(batch))
        texts = [job.text for job in batch]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(thread, self._predictor, texts)
        except Exception as error:  # components may raise errors of any type
            answers = [{"error": f"The service failed ({type(error).__name__})."}] * len(batch)
        for job, answer in zip(batch, answers, strict=True):
            self._metrics.count_text("error" not in answer)
            if not job.answer.done():
                job.answer.set_result(answer)
