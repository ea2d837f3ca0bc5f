"""How API v2 reads bodies and says what is wrong: a refusal is one sentence as a JSON string, as its clients expect."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

DROPPED_BYTES = 64 << 20  # of a body that is too long
DROPPED_S = 10.0
ANSWERED: dict[int | str, dict[str, Any]] = {
    400: {"model": str, "description": "What was sent is wrong; the sentence says where."},
    401: {"description": "Nobody is known by that token or password."},
    403: {"description": "The role does not include the right."},
}


class Refused(Exception):
    """The request cannot be answered: the HTTP status, and the sentence for whoever sent it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def refused(status: int, sentence: str) -> JSONResponse:
    """The sentence as a JSON string."""
    return JSONResponse(sentence, status)


def answer(value: Any) -> Response:
    """Anything that orjson writes, aware instants in UTC."""
    return Response(orjson.dumps(value, option=orjson.OPT_UTC_Z), media_type="application/json")


async def body_of(request: Request, most_bytes: int) -> bytes:
    """The whole body. Raises Refused 415 when it is not said to be JSON, 413 when it is longer than may be: no more of it
    is kept, and what is still on its way is dropped, so that its sender hears the sentence and not a broken connection."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"The body is {kind or 'of no stated type'}; send it as application/json.")
    too_long = f"The body is longer than {most_bytes} bytes; send it in parts."
    stated = request.headers.get("content-length", "")
    stream = request.stream()
    if stated.isdigit() and int(stated) > most_bytes:
        await _drop(stream)
        raise Refused(413, too_long)
    parts: list[bytes] = []
    length = 0
    async for part in stream:
        length += len(part)
        if length > most_bytes:
            await _drop(stream)
            raise Refused(413, too_long)
        parts.append(part)
    return b"".join(parts)


async def _drop(stream: AsyncIterator[bytes]) -> None:
    """Read on for a while and keep nothing."""
    left = DROPPED_BYTES
    with anyio.move_on_after(DROPPED_S), contextlib.suppress(ClientDisconnect):
        async for part in stream:
            left -= len(part)
            if left < 0:
                return
