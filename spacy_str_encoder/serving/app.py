"""The application: paths and their answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, cast

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse

from . import description
from .batching import Batcher, BusyError
from .clients import until_gone
from .gate import Gate, answer
from .label_studio import add_paths
from .metrics import Metrics
from .page import PATHS, add_page
from .predictor import Predictor
from .requests import AnnotateRequest, check_size, explain, explain_body
from .settings import Settings

# Version of the results. A change that clients would notice makes it larger.
SCHEMA = 1
# Paths that need no token: they hold nothing of texts.
PUBLIC = {"/health", "/ready", "/metrics", "/openapi.json", *PATHS}
RETRY_AFTER = {"Retry-After": "1"}
STATUSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "The token is missing or wrong"},
    408: {"description": "The request took too long to arrive"},
    413: {"description": "Too many texts, or too long ones"},
    422: {"description": "Not a valid request"},
    503: {"description": "The pipeline is being loaded, or too many texts are waiting"},
}


def create_app(
    settings: Settings, *, fail: Callable[[Exception], None], loads_first: bool = False
) -> FastAPI:
    """Create the application. `app.state.batcher` annotates texts for further paths, too.

    settings (Settings): The settings.
    fail (Callable): Called with the error if the pipeline can't be loaded.
    loads_first (bool): Whether to load the pipeline before connections are accepted: those of a
        worker that is still loading are better off with another one.
    RETURNS (FastAPI): The application.
    """
    metrics = Metrics()
    predictor = Predictor(settings)

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        app.state.batcher = Batcher(predictor, settings, metrics)
        task = asyncio.create_task(app.state.batcher.run(fail))
        if loads_first:
            await app.state.batcher.ready.wait()
        # The server stops once all requests are answered.
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    # The pages of documentation would load scripts from elsewhere.
    app = FastAPI(
        title="spacy-str-encoder",
        version=version("spacy_str_encoder"),
        docs_url=None,
        redoc_url=None,
        lifespan=live,
    )
    app.state.metrics = metrics
    app.openapi = partial(description.describe, app)  # type: ignore[method-assign]
    app.state.settings = settings
    app.state.predictor = predictor
    app.add_middleware(Gate, settings=settings, metrics=metrics, public=PUBLIC)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(400, _refuse_unreadable)
    app.add_exception_handler(404, _refuse_path)
    app.add_exception_handler(405, _refuse_method)
    app.add_exception_handler(BusyError, _refuse_busy)
    app.post("/annotate", responses=STATUSES)(annotate)
    add_page(app)
    app.get("/health")(health)
    app.get("/ready", responses={503: STATUSES[503]})(ready)
    app.get("/metrics", response_class=Response)(show_metrics)
    if settings.label_studio:
        add_paths(app)
    return app


async def annotate(request: Request, body: AnnotateRequest) -> Any:
    """Annotate texts. `results` has one object for each, in their order: `id`, and what `annotate`
    writes of a text, or `error`.

    request (Request): The request.
    body (AnnotateRequest): The texts.
    RETURNS (Response): The answer.
    """
    items = body.items()
    check_size(items, request.app.state.settings)
    answers = await until_gone(request, request.app.state.batcher.annotate([i.text for i in items]))
    results = [{"id": item.id, **each} for item, each in zip(items, answers, strict=True)]
    return JSONResponse({"version": SCHEMA, "results": results})


async def health() -> dict[str, str]:
    """RETURNS (dict[str, str]): An answer, as long as the process lives."""
    return {"status": "alive"}


async def ready(request: Request) -> dict[str, str]:
    """Check whether texts can be annotated now.

    request (Request): The request.
    RETURNS (dict[str, str]): An answer, if they can.
    RAISES (HTTPException): If they can't.
    """
    if not request.app.state.batcher.ready.is_set():
        raise HTTPException(503, "The pipeline is being loaded.", RETRY_AFTER)
    return {"status": "ready"}


async def _refuse_invalid(request: Request, error: Exception) -> JSONResponse:
    errors = cast(RequestValidationError, error).errors()
    return answer(422, explain(errors, request.url.path))


async def _refuse_unreadable(request: Request, error: Exception) -> JSONResponse:
    return answer(422, explain_body(request.url.path))


async def _refuse_path(request: Request, error: Exception) -> JSONResponse:
    return answer(404, "The service has no such path, see /openapi.json.")


async def _refuse_method(request: Request, error: Exception) -> JSONResponse:
    headers = dict(cast(StarletteHTTPException, error).headers or {})
    methods = " or ".join(sorted(headers["Allow"].split(", ")))
    return answer(405, f"The method must be {methods}.", headers)


async def _refuse_busy(request: Request, error: Exception) -> JSONResponse:
    return answer(503, str(error), RETRY_AFTER)


def show_metrics(request: Request) -> Response:
    """Show metrics for Prometheus, the sum of all workers.

    request (Request): The request.
    RETURNS (Response): The metrics.
    """
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")
