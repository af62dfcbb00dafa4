"""An answer on its way: sent piece by piece, with an end to a reader who takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from publica.http import logs


class Streamed(Response):
    """A response made of pieces. A reader who takes none for `seconds` is cut off."""

    def __init__(
        self, pieces: AsyncGenerator[bytes], media_type: str, headers: Mapping[str, str], seconds: float
    ) -> None:
        super().__init__(None, 200, dict(headers), media_type)
        del self.headers["content-length"]
        self.pieces, self.seconds = pieces, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = asyncio.ensure_future(gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if await self._sent(scope, send, left):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            await self.pieces.aclose()

    async def _sent(self, scope: Scope, send: Send, left: asyncio.Future[None]) -> bool:
        """Whether every piece was taken. What was not finished, the server closes, so that it shows."""
        async for piece in self.pieces:
            if left.done():
                return False
            message = {"type": "http.response.body", "body": piece, "more_body": True}
            try:
                await asyncio.wait_for(send(message), self.seconds)
            except TimeoutError:
                logs.event("reader too slow", request=scope["state"].get("request_id"))
                scope["state"].get("abort", _nothing)()
                return False
        return True


def _nothing() -> None:
    """Nothing to abort: no server of ours is below."""


async def gone(receive: Receive) -> None:
    """Returns once the client has gone away. Only after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        continue
