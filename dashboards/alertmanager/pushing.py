"""`POST /api/v2/alerts`: what others found becomes alerts of ours, in one transaction a push."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from alerts import pipeline, pushed
from alerts.pushed import Refusal
from core.store.open import writing
from core.store.refusals import Refused as Counted
from dashboards.alertmanager.answers import ANSWERED, Refused, body_of, refused
from dashboards.alertmanager.models import REFERENCE
from dashboards.alertmanager.models import body_of as described
from dashboards.api import needs
from dashboards.context import Console, current_viewer

MOST_BYTES = 5 * 1024 * 1024
SHOWN = 20  # refusals that one answer names
LONGEST_EXAMPLE = 300
ALERTS = {"type": "array", "items": {"$ref": REFERENCE.format(model="PostableAlert")}}
TOO_LONG, NOT_JSON = "too_long", "not_json"


def register(app: FastAPI, console: Console) -> None:
    """Add the push."""

    @app.post(
        "/api/v2/alerts",
        dependencies=needs("alerts.push"),
        responses={200: {"description": "All of them were taken."}, **ANSWERED},
        openapi_extra=described(ALERTS),
        response_class=Response,
        tags=["alert"],
    )
    async def post_alerts(request: Request) -> Response:
        """Take alerts. Those that cannot be taken are named in an answer 400; the others are taken all the same."""
        who = current_viewer().name
        try:
            body = await body_of(request, MOST_BYTES)
        except Refused as error:
            reason = TOO_LONG if error.status == 413 else NOT_JSON
            faults = [Refusal("the body", reason, error.sentence)]
            await to_thread.run_sync(_count, console, who, faults)
            raise
        faults = await to_thread.run_sync(take, console, who, body)
        return refused(400, sentence_of(faults)) if faults else Response()


def take(console: Console, who: str, body: bytes) -> list[Refusal]:
    """Take what can be taken of a body, and count what cannot, in one transaction; what cannot, in its order."""
    now = console.clock()
    found = pushed.read(body, now, console.routes.general.resolve_timeout)
    faults = list(found.refused)
    if not found.alerts and not faults:
        return []
    with writing(console.engine) as connection:
        if found.alerts:
            faults += pipeline.push(connection, found.alerts, who, console.routes, now, console.tickets).refused
        _counted(who, faults).write(connection, now)
    return faults


def sentence_of(faults: Sequence[Refusal]) -> str:
    """All that was refused, each with its place; of very many the first."""
    named = "; ".join(str(one) for one in faults[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return f"{named}{more}"


def _count(console: Console, who: str, faults: Sequence[Refusal]) -> None:
    with writing(console.engine) as connection:
        _counted(who, faults).write(connection, console.clock())


def _counted(who: str, faults: Sequence[Refusal]) -> Counted:
    counted = Counted()
    for one in faults:
        counted.add(f"push:{who}", one.reason, str(one).replace("\0", "")[:LONGEST_EXAMPLE])
    return counted
