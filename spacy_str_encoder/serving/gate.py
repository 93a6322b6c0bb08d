"""The gate that each request passes: who may send it, how large it may be, and what is counted."""

import asyncio
import logging
from collections.abc import Collection
from time import perf_counter

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .settings import Settings
from .tokens import is_allowed

# Most clients send all of their request before they read the answer: this many times the maximum is
# read, and thrown away, before the request is refused.
PATIENCE = 4
# Seconds that a client may take to send a request.
UPLOAD = 60
logger = logging.getLogger("uvicorn.error")


class Gate:
    """Refuses requests without a token, and those that are too large, before anything reads them.
    An error that nothing else has caught becomes an answer here: its message may quote a text, so
    nobody gets to see it.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, metrics: Metrics, public: Collection[str]
    ) -> None:
        """Construct the gate.

        app (ASGIApp): What is behind it.
        settings (Settings): Tokens and limits.
        metrics (Metrics): The metrics to keep.
        public (Collection[str]): The paths that need no token.
        """
        self.app, self.settings, self.metrics, self.public = app, settings, metrics, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request.

        scope (Scope): The connection.
        receive (Receive): Gets the parts of the request.
        send (Send): Sends the parts of the answer.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, failure = 500, ""
        start = perf_counter()

        async def follow(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            refusal = self._refuse(scope)
            body = None if refusal else await read_body(receive, self.settings.max_bytes)
            start = perf_counter()
            if body is not None:
                await self.app(scope, replay(body, receive), follow)
            else:
                await (refusal or self._too_large())(scope, receive, follow)
        except ClientDisconnect:
            status = 499
        except TimeoutError:
            await answer(408, "The request took too long to arrive.")(scope, receive, follow)
        except Exception as error:
            failure = type(error).__name__
        # Not above, where an error of the logger itself would show this one too.
        if failure:
            logger.error("The service failed on a request: %s", failure)
            await answer(500, "The service failed.")(scope, receive, follow)
        # A client may make up as many paths as it likes.
        known = {route.path for route in scope["app"].routes}
        path = scope["path"] if scope["path"] in known else "other"
        self.metrics.requests.labels(path, status).inc()
        self.metrics.seconds.labels(path).observe(perf_counter() - start)

    def _refuse(self, scope: Scope) -> JSONResponse | None:
        tokens = self.settings.tokens
        if not tokens or scope["path"] in self.public:
            return None
        if is_allowed(Headers(scope=scope).get("authorization", ""), tokens):
            return None
        detail = "Send a valid token: Authorization: Bearer TOKEN."
        return answer(401, detail, {"WWW-Authenticate": "Bearer"})

    def _too_large(self) -> JSONResponse:
        return answer(413, f"The request must have at most {self.settings.max_bytes:,} bytes.")


def answer(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Make an answer with one sentence.

    status (int): The status.
    detail (str): The sentence.
    headers (dict[str, str] | None): Further headers.
    RETURNS (JSONResponse): The answer.
    """
    return JSONResponse({"detail": detail}, status, headers)


async def read_body(receive: Receive, most: int) -> bytes | None:
    """Read the body of a request.

    receive (Receive): Gets the parts of the request.
    most (int): The maximum number of bytes.
    RETURNS (bytes | None): The body; None if it is too large.
    RAISES (ClientDisconnect): If the client goes away.
    RAISES (TimeoutError): If the client takes too long.
    """
    parts, size, more = [], 0, True
    async with asyncio.timeout(UPLOAD):
        while more and size <= PATIENCE * most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            more = message.get("more_body", False)
            size += len(message.get("body", b""))
            if size <= most:
                parts.append(message.get("body", b""))
    return b"".join(parts) if size <= most else None


def replay(body: bytes, receive: Receive) -> Receive:
    """Hand a body on that was read already.

    body (bytes): The body.
    receive (Receive): Gets what comes after it: that the client has gone.
    RETURNS (Receive): Gets the body first.
    """
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def get() -> Message:
        return messages.pop() if messages else await receive()

    return get
