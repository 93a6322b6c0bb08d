"""Paths that Label Studio calls of an ML backend.

It calls `/health` and `/setup` before each `/predict`. `/setup` must answer within 3 seconds,
`/predict` within 100. A `/predict` has all tasks that somebody selected, and the answer one result
for each. A task that has a prediction of the same version is not sent again, so the version changes
with the files of the pipeline. `/webhook` says what annotators have done.
"""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from spacy.util import minibatch
from starlette.requests import ClientDisconnect

from ..doc.plurals import count_noun
from ..formats.annotated_text import AnnotationError
from ..formats.label_studio.interface import Interface, find_differences, read_interface
from .batching import BusyError
from .clients import until_gone
from .offer import Offer
from .predictor import Answer
from .tasks import FAILED, find_texts, make_prediction

# Labeling configs whose differences are logged once, and the characters that one may have.
CONFIGS, MOST = 100, 1_000_000
EVENT = re.compile(r"[A-Z_]{1,50}")
logger = logging.getLogger("uvicorn.error")


class SetupRequest(BaseModel):
    """Project that uses the service. Label Studio sends a token of its own, which nothing reads."""

    project: str | int = ""
    config: str = Field(alias="schema", max_length=MOST)


class PredictRequest(BaseModel):
    """Tasks of a project."""

    project: str | int = ""
    label_config: str
    tasks: list[dict[str, Any]]


class WebhookRequest(BaseModel):
    """Event in a project."""

    action: str
    annotation: Any = None
    annotations: Any = None


def add_paths(app: FastAPI) -> None:
    """Add the paths to an application.

    app (FastAPI): The application.
    """
    app.post("/setup")(setup)
    app.get("/versions")(versions)
    app.post("/predict")(predict)
    app.post("/webhook")(webhook)


async def setup(request: Request, body: SetupRequest) -> dict[str, Any]:
    """Tell the version of the pipeline, and where its labels differ from those of a project.

    request (Request): The request.
    body (SetupRequest): The project.
    RETURNS (dict[str, Any]): The version and the differences.
    """
    offer = _get_offer(request)
    differences = _compare(body.project, body.config, offer.labeling_config)
    return {"model_version": offer.version, "differences": differences}


async def versions(request: Request) -> dict[str, list[str]]:
    """Tell the version of the pipeline.

    request (Request): The request.
    RETURNS (dict[str, list[str]]): The only version.
    """
    return {"versions": [_get_offer(request).version]}


async def predict(request: Request, body: PredictRequest) -> dict[str, list[Any]]:
    """Predict tasks. One without a text, or with one that can't be annotated, gets an empty result.

    request (Request): The request.
    body (PredictRequest): The tasks.
    RETURNS (dict[str, list[Any]]): The prediction for each task.
    RAISES (HTTPException): If the project labels no texts.
    """
    offer, interface = _get_offer(request), _read(body.label_config)
    most = request.app.state.settings.max_length
    texts, reasons = find_texts(body.tasks, interface, max_length=most)
    answers = await _wait_for_answers([*texts.values()], request, body.project)
    predictions: list[dict[str, Any]] = [{"result": []} for _ in body.tasks]
    for number, answer in zip(texts, answers, strict=True):
        if "error" in answer:
            reasons[FAILED] += 1
        else:
            predictions[number] = make_prediction(answer, interface, version=offer.version)
    counts = [f"{count:,} {reason}" for reason, count in reasons.items()]
    tasks = ", ".join([count_noun(len(predictions), "task"), *counts])
    logger.info("Label Studio, project %r: predictions for %s", body.project, tasks)
    return {"results": predictions}


async def webhook(body: WebhookRequest) -> dict[str, str]:
    """Log what annotators have done. Nothing is trained.

    body (WebhookRequest): The event.
    RETURNS (dict[str, str]): An answer.
    """
    event = body.action if EVENT.fullmatch(body.action) else "unknown event"
    found = body.annotation or body.annotations or []
    count = len(found) if isinstance(found, list) else 1
    logger.info("Label Studio: %s, %s", event, count_noun(count, "annotation"))
    return {"status": "received"}


def _get_offer(request: Request) -> Offer:
    offer: Offer | None = request.app.state.predictor.offer
    if offer is None:
        raise BusyError("The pipeline is being loaded. Try again later.")
    return offer


def _read(config: str) -> Interface:
    try:
        return read_interface(config)
    except AnnotationError as error:
        raise HTTPException(422, f"{error}.") from error


async def _wait_for_answers(
    texts: Sequence[str], request: Request, project: str | int
) -> list[Answer]:
    try:
        return await until_gone(request, _annotate(texts, request))
    except ClientDisconnect:
        # It reports that it has retrieved them.
        predictions = count_noun(len(texts), "prediction")
        logger.warning("Label Studio, project %r: did not wait for %s", project, predictions)
        raise


async def _annotate(texts: Sequence[str], request: Request) -> list[Answer]:
    """Annotate any number of texts. Not all of them may fit into the queue at once."""
    state = request.app.state
    return [
        answer
        for some in minibatch(texts, state.settings.max_texts)
        for answer in await state.batcher.annotate(some)
    ]


@lru_cache(CONFIGS)
def _compare(project: str | int, config: str, fitting: str) -> tuple[str, ...]:
    """Compare a labeling config with the one that fits the pipeline. Label Studio asks again and
    again, and the answer is logged once.
    """
    try:
        differences = find_differences(read_interface(config), read_interface(fitting))
    except AnnotationError as error:
        differences = [f"No text gets predictions: {error}."]
    for difference in differences:
        logger.warning("Label Studio, project %r: %s", project, difference)
    return tuple(differences)
