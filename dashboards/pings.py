"""Where jobs say that they ran: `/ping/TOKEN`, `/ping/TOKEN/start`, `/ping/TOKEN/fail`, `/ping/TOKEN/EXIT-STATUS`.

By GET, HEAD or POST; the body of a POST is the job's output, of which the end is kept. The token is the secret, so nobody
logs in; one that nobody has gets 404 and not a word more, a flood 429.
"""

from __future__ import annotations

from math import ceil

from fastapi import FastAPI, Request, Response
from starlette.responses import PlainTextResponse

from alerts.heartbeats import pings
from alerts.heartbeats.judging import FAIL, START, SUCCESS
from alerts.heartbeats.pings import MOST_OUTPUT_BYTES, Heard
from core.store.open import reading, writing
from dashboards.answers import refusal
from dashboards.context import Console
from dashboards.gate import in_worker

MOST_READ_BYTES = 4 * 1024 * 1024
"""A job's output is read to its end, of which the last 10 KB are kept; beyond this the rest is left on the wire."""


def register(app: FastAPI, console: Console) -> None:
    """Add the one route."""

    @app.api_route("/ping/{rest:path}", methods=["GET", "HEAD", "POST"], include_in_schema=False)
    async def ping(request: Request, rest: str) -> Response:
        token, _, what = rest.partition("/")
        known = meaning(what)
        output = await _end_of_body(request)
        heard = Heard(None)
        if known is not None and token:
            kind, exit_status = known
            heard = await in_worker(lambda: _hear(console, token, kind, exit_status, output))
        if heard.name is None:
            return refusal(404, "There is nothing here.")
        if not heard.taken:
            wait_s = ceil(heard.wait.total_seconds())
            sentence = f"This job has been heard of too often; wait {wait_s} s."
            return refusal(429, sentence, {"retry-after": str(wait_s)})
        return PlainTextResponse("OK")


def meaning(what: str) -> tuple[str, int | None] | None:
    """The kind of ping and the exit status that the end of the address says; none when it says nothing known."""
    if what in ("", "start", "fail"):
        return ({"": SUCCESS, "start": START, "fail": FAIL}[what], None)
    if what.isascii() and what.isdigit() and len(what) <= 3 and int(what) <= 255:
        return (FAIL if int(what) else SUCCESS), int(what)
    return None


def _hear(console: Console, token: str, kind: str, exit_status: int | None, output: bytes) -> Heard:
    now = console.clock()
    with reading(console.engine) as connection:
        found = pings.look_up(connection, token, now)
    if found.name is None or found.wait:
        return found
    with writing(console.engine) as connection:
        return pings.hear(connection, token, kind, now, exit_status, output)


async def _end_of_body(request: Request) -> bytes:
    kept, size = b"", 0
    async for part in request.stream():
        size += len(part)
        kept = (kept + part)[-MOST_OUTPUT_BYTES:]
        if size > MOST_READ_BYTES:
            break
    return kept
