"""Batches of the service: what comes together is annotated together, and what may wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from spacy_str_encoder.serving.batching import Batcher, BusyError
from spacy_str_encoder.serving.metrics import Metrics
from spacy_str_encoder.serving.settings import Settings

META = {"lang": "en", "name": "test", "version": "0"}
LONG = 3600.0


class Recorder:
    """Takes a predictor's place. It keeps the batches, and waits before each until it may go on."""

    def __init__(self) -> None:
        self.nlp = SimpleNamespace(meta=META)
        self.batches: list[list[str]] = []
        self.begun, self.may_go_on = Event(), Event()
        self.may_go_on.set()

    def load(self) -> None:
        pass

    def __call__(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        self.batches.append([*texts])
        self.begun.set()
        self.may_go_on.wait()
        if "fail" in texts:
            raise KeyError("fail")
        return [{"text": text} for text in texts]


def run(work: Callable[[Batcher, Recorder], Awaitable[Any]], **settings: Any) -> list[list[str]]:
    """Run work with a batcher. Returns the batches."""
    recorder = Recorder()

    async def main() -> None:
        chosen = Settings("model", **{"max_texts": 1, "batch_wait": 0.0, **settings})
        batcher = Batcher(recorder, chosen, Metrics())  # type: ignore[arg-type]
        task = asyncio.create_task(batcher.run(pytest.fail))
        while not batcher.ready.is_set():
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(60):
                await work(batcher, recorder)
        finally:
            recorder.may_go_on.set()
            task.cancel()

    asyncio.run(main())
    return recorder.batches


async def begin(batcher: Batcher, recorder: Recorder) -> asyncio.Task[Any]:
    """A first text, whose batch stays unfinished."""
    recorder.may_go_on.clear()
    task = asyncio.create_task(batcher.annotate(["first"]))
    await asyncio.to_thread(recorder.begun.wait)
    return task


def test_requests_that_come_together_share_a_batch_and_get_their_own_answers() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        requests = [["a", "b"], ["c"], ["d", "e"]]
        answers = await asyncio.gather(*map(batcher.annotate, requests))
        assert answers == [[{"text": text} for text in request] for request in requests]

    # The batch is full: nothing waits any longer.
    assert run(work, batch_wait=LONG, batch_size=5) == [["a", "b", "c", "d", "e"]]


def test_a_text_does_not_wait_for_others_for_long() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        assert await batcher.annotate(["a"]) == [{"text": "a"}]

    assert run(work, batch_wait=0.001) == [["a"]]


def test_what_came_during_a_batch_goes_into_the_next_one() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        first = await begin(batcher, recorder)
        others = [asyncio.create_task(batcher.annotate([text])) for text in "abc"]
        await asyncio.sleep(0)
        recorder.may_go_on.set()
        await asyncio.gather(first, *others)

    assert run(work, batch_size=2) == [["first"], ["a", "b"], ["c"]]


def test_a_batch_has_no_more_characters_than_a_text_may_have() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        await batcher.annotate(["a" * 6, "b" * 4, "c", "d" * 10, "e"])

    batches = run(work, max_length=10, max_texts=5, batch_wait=0.001)
    assert batches == [["a" * 6, "b" * 4], ["c"], ["d" * 10], ["e"]]


def test_a_full_queue_takes_no_more() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        first = await begin(batcher, recorder)
        waiting = asyncio.create_task(batcher.annotate(["a", "b"]))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="Too many texts are waiting"):
            await batcher.annotate(["c", "d"])
        last = asyncio.create_task(batcher.annotate(["e"]))
        await asyncio.sleep(0)
        recorder.may_go_on.set()
        await asyncio.gather(first, waiting, last)

    assert run(work, max_queue=3) == [["first"], ["a", "b", "e"]]


def test_texts_that_nobody_waits_for_are_dropped_unless_they_have_begun() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        first = await begin(batcher, recorder)
        gone = asyncio.create_task(batcher.annotate(["gone", "gone"]))
        other = asyncio.create_task(batcher.annotate(["other"]))
        await asyncio.sleep(0)
        gone.cancel()
        first.cancel()
        await asyncio.sleep(0)
        recorder.may_go_on.set()
        assert await other == [{"text": "other"}]

    assert run(work) == [["first"], ["other"]]


def test_an_error_of_a_batch_is_answered_and_the_next_one_begins() -> None:
    async def work(batcher: Batcher, recorder: Recorder) -> None:
        assert await batcher.annotate(["fail"]) == [{"error": "The service failed (KeyError)."}]
        assert await batcher.annotate(["a"]) == [{"text": "a"}]

    assert run(work) == [["fail"], ["a"]]
