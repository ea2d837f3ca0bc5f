"""Silences by API v2: made, changed, ended and shown; what they are is in `alerts/muting/silences.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from anyio import to_thread
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from alerts.muting import silences
from alerts.muting.silences import Silence, SilenceError, Spec, UnknownSilenceError
from alerts.pushed import instant
from alerts.routes.matchers import Matcher, MatcherError
from core.store.open import reading, writing
from dashboards.alertmanager import shown
from dashboards.alertmanager.answers import ANSWERED, Refused, answer, body_of
from dashboards.alertmanager.looking import Filter
from dashboards.alertmanager.models import REFERENCE, GettableSilence, PostableSilence, SilenceId
from dashboards.alertmanager.models import body_of as described
from dashboards.api import needs
from dashboards.context import Console, current_viewer

MOST_BYTES = 256 * 1024
MOST_SILENCES = 20_000
SILENCE = {"$ref": REFERENCE.format(model="PostableSilence")}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": str, "description": "There is no silence of that id."}}


def register(app: FastAPI, console: Console) -> None:
    """Add the four routes."""
    _add_reads(app, console)

    @app.post(
        "/api/v2/silences",
        dependencies=needs("alerts.silence"),
        response_model=SilenceId,
        responses={**ANSWERED, **UNKNOWN},
        openapi_extra=described(SILENCE),
        tags=["silence"],
    )
    async def post_silences(request: Request) -> Response:
        """Make a silence, or change the one whose `id` is sent; the id that holds now."""
        body = await body_of(request, MOST_BYTES)
        sent, spec = spec_of(body)
        who = current_viewer().name

        def act() -> str:
            with _said(), writing(console.engine) as connection:
                if sent:
                    return silences.change(connection, sent, spec, who, console.clock())
                return silences.create(connection, spec, who, console.clock())

        return answer({"silenceID": await to_thread.run_sync(act)})

    @app.delete(
        "/api/v2/silence/{silence_id}",
        dependencies=needs("alerts.silence"),
        responses={200: {"description": "It has ended."}, **ANSWERED, **UNKNOWN},
        response_class=Response,
        tags=["silence"],
    )
    def delete_silence(silence_id: str) -> Response:
        """End a silence now."""
        with _said(), writing(console.engine) as connection:
            silences.expire(connection, _id(silence_id), current_viewer().name, console.clock())
        return Response()


def _add_reads(app: FastAPI, console: Console) -> None:
    @app.get(
        "/api/v2/silences",
        dependencies=needs("see.alerts"),
        response_model=list[GettableSilence],
        responses=ANSWERED,
        tags=["silence"],
    )
    def get_silences(filters: Filter = None) -> Response:
        """All silences that have each of the filters among their matchers: active, then pending, then expired ones."""
        wanted, now = shown.matchers_of(filters or []), console.clock()
        with reading(console.engine) as connection:
            found = [one for one in silences.listed(connection, now) if _fits(one, wanted)]
        if len(found) > MOST_SILENCES:
            raise Refused(400, f"More than {MOST_SILENCES} silences fit; narrow the filter to see all you ask for.")
        return answer([_gettable(one, now) for one in found])

    @app.get(
        "/api/v2/silence/{silence_id}",
        dependencies=needs("see.alerts"),
        response_model=GettableSilence,
        responses={**ANSWERED, **UNKNOWN},
        tags=["silence"],
    )
    def get_silence(silence_id: str) -> Response:
        """One silence."""
        with _said(), reading(console.engine) as connection:
            found = silences.get(connection, _id(silence_id))
        return answer(_gettable(found, console.clock()))


def spec_of(body: bytes) -> tuple[str | None, Spec]:
    """The id that was sent, if any, and what is to be silenced. Raises Refused 400 with what is wrong, and where."""
    try:
        sent = PostableSilence.model_validate(_dated(orjson.loads(body)))
        matchers = silences.of_rows(one.model_dump() for one in sent.matchers)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error}") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}" for one in error.errors()[:20]
        )
        raise Refused(400, f"The silence cannot be read: {faults}.") from None
    except MatcherError as error:
        raise Refused(400, f"matchers: {error}") from None
    for name, text in (("createdBy", sent.createdBy), ("comment", sent.comment), ("id", sent.id or "")):
        if "\0" in text:
            raise Refused(400, f"{name}: the text holds a NUL, which cannot be kept.")
    return sent.id, Spec(matchers, sent.startsAt, sent.endsAt, sent.comment, sent.createdBy)


def _dated(sent: Any) -> Any:
    """The body with its instants read as those of a pushed alert are, which is stricter than pydantic."""
    if not isinstance(sent, dict):
        return sent
    found = dict(sent)
    for name in ("startsAt", "endsAt"):
        given = sent.get(name)
        if isinstance(given, str):
            try:
                found[name] = instant(given)
            except ValueError as error:
                raise Refused(400, f"{name}: {error}") from None
        elif given is not None:
            raise Refused(400, f"{name}: an instant is a text like 2026-03-02T12:00:00Z")
    return found


def _fits(one: Silence, wanted: tuple[Matcher, ...]) -> bool:
    """Whether each filter is one of the silence's own matchers, which is how Alertmanager looks for silences."""
    return {str(each) for each in wanted} <= {str(each) for each in one.matchers}


def _gettable(one: Silence, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": {"state": one.state(now).value},
        "updatedAt": one.updated_at,
        "matchers": silences.as_rows(one.matchers),
        "startsAt": one.starts_at,
        "endsAt": one.ends_at,
        "createdBy": one.created_by,
        "comment": one.comment,
    }


def _id(text: str) -> str:
    if "\0" in text:
        raise Refused(404, "There is no silence of an id with a NUL.")
    return text


@contextmanager
def _said() -> Iterator[None]:
    """What `alerts.muting.silences` refuses is said as API v2 says it."""
    try:
        yield
    except UnknownSilenceError as error:
        raise Refused(404, str(error)) from error
    except SilenceError as error:
        raise Refused(400, str(error)) from error
