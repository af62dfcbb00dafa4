"""An answer on its way: sent piece by piece, with an end to a reader who takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from publica.http import logs


class Streamed(Response):
    """A response made of pieces. A reader who takes none for `seconds` is cut off."""

    def __init__(
        self, pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str], seconds: float
    ) -> None:
        super().__init__(None, 200, dict(headers), media_type)
        del self.headers["content-length"]
        self.pieces, self.seconds = pieces, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for piece in self.pieces:
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                await asyncio.wait_for(send(message), self.seconds)
        except TimeoutError:
            logs.event("reader too slow", request=scope.get("state", {}).get("request_id"))
            return  # the server closes what was not finished, so that the reader sees that it is not whole
        finally:
            await self._close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _close(self) -> None:
        close = getattr(self.pieces, "aclose", None)
        if close is not None:
            await close()


async def gone(request: Request) -> None:
    """Returns once the client has gone away. Only after the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
