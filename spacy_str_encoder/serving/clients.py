"""Clients that go away before they have their answer."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def until_gone(request: Request, work: Awaitable[T]) -> T:
    """Wait for work, and drop it if the client goes away.

    request (Request): The request.
    work (Awaitable): The work.
    RETURNS (Any): Its result.
    RAISES (ClientDisconnect): If the client goes away.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_until_gone(request))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        doing.cancel()
        gone.cancel()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
