"""How API v2 reads bodies and says what is wrong: a refusal is one sentence as a JSON string, as its clients expect."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

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
    """The whole body. Raises Refused 415 when it is not said to be JSON, 413 as soon as it is longer than may be."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"The body is {kind or 'of no stated type'}; send it as application/json.")
    too_long = f"The body is longer than {most_bytes} bytes; send it in parts."
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > most_bytes:
        raise Refused(413, too_long)
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > most_bytes:
            raise Refused(413, too_long)
        parts.append(part)
    return b"".join(parts)
