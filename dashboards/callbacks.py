"""How a page registers a callback: with the right it needs, and off the event loop.

Dash's FastAPI back end runs plain functions on the event loop, where a slow one would freeze every page of everybody;
here they run in worker threads. A callback that was registered without a right is never run (`dashboards/backend.py`)
and keeps the console from starting (`unguarded`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from dash import Dash

from core.people import rights
from dashboards.context import current_viewer

P = ParamSpec("P")
R = TypeVar("R")

RIGHT = "bomc_right"
"""Key under which an entry of Dash's callback map names the right that it needs."""

WORKERS = 16
"""Callbacks that run at once in a process; more of them wait in line."""


class Refused(Exception):
    """The viewer lacks a right; the sentence says which."""


def guarded(app: Dash, right: str, *dash_args: Any, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a Dash callback that only viewers with that right can run; otherwise used like `app.callback`.

    The function stays plain and synchronous and may block: it runs in a worker thread, where `current_viewer()` and
    Dash's own context work. Raises ValueError when there is no such right, or when the callback would escape the gate
    (an `api_endpoint`, a background or a WebSocket callback).
    """
    if not rights.known(right):
        raise ValueError(f"There is no right {right!r}; core/people/rights.py lists them.")
    for option in ("api_endpoint", "background", "websocket", "persistent"):
        if options.get(option):
            raise ValueError(f"A guarded callback cannot use {option}: it would be answered outside of the gate.")
    register = app.callback(*dash_args, **options)
    callback_id = app._callback_list[-1]["output"]
    app.callback_map[callback_id][RIGHT] = right

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        async def in_worker(*args: P.args, **kwargs: P.kwargs) -> R:
            require(right)
            return await to_thread.run_sync(functools.partial(function, *args, **kwargs), limiter=_limiter())

        register(in_worker)
        return function

    return decorate


def text(value: object) -> str:
    """What was typed or chosen, as a page sent it; nothing for what is no text."""
    return value if isinstance(value, str) else ""


def require(right: str) -> None:
    """Raises Refused unless the current viewer has that right."""
    viewer = current_viewer()
    if not viewer.may(right):
        raise Refused(f"The role {viewer.role} of {viewer.name} does not include the right {right}.")


def unguarded(app: Dash) -> list[str]:
    """The ids of all callbacks that the server could run but that name no right; must be empty before it starts."""
    return [key for key, entry in app.callback_map.items() if "callback" in entry and not entry.get(RIGHT)]


_limiters: RunVar[CapacityLimiter] = RunVar("bomc_callback_workers")


def _limiter() -> CapacityLimiter:
    try:
        return _limiters.get()
    except LookupError:
        limiter = CapacityLimiter(WORKERS)
        _limiters.set(limiter)
        return limiter
