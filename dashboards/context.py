"""What every page and every request is given: the console it belongs to, and the person or machine that looks at it.

The viewer of a request lives in a context variable that the server's gate sets and clears; callbacks run in worker
threads with a copy of that context, so `current_viewer()` answers there too. Outside of a request there is no viewer,
and asking for one raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from alerts.config import RoutesFile, default_routes
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from alerts.oncall.config import OnCallFile
from alerts.tickets.book import Book, default_book
from core.people.rights import allowed
from core.people.users import LANGUAGES
from dashboards.controls import ControlCard

if TYPE_CHECKING:
    from alerts.heartbeats.config import Heartbeat
    from reconciliation.deliveries import Expectation


def _nothing_expected(_now: datetime) -> Sequence[Expectation]:
    return ()


@dataclass(eq=False)
class Console:
    """One running console: its store, its clock and the operator that it serves. Only `reroute` changes anything of it."""

    engine: Engine
    clock: Callable[[], datetime]  # aware UTC
    operator: str
    timezone: ZoneInfo  # the operator's
    external_url: str = "http://127.0.0.1:8050"  # as people's browsers reach it; https:// makes cookies Secure
    language: str = LANGUAGES[0]  # of people who have not chosen one, and of the login page
    demo: bool = False  # every page says that its data is generated
    version: str = ""
    idle: timedelta = timedelta(minutes=30)  # a session ends when nobody used it for so long
    lifetime: timedelta = timedelta(hours=12)  # ... and in any case so long after the login
    settings: Mapping[str, object] = field(default_factory=dict)  # what commands need besides, by name
    controls: Sequence[ControlCard] = ()  # the standing controls, in the order in which pages list them
    expectations: Callable[[datetime], Sequence[Expectation]] = _nothing_expected  # deliveries that are due around then
    routes: RoutesFile = field(default_factory=default_routes)  # where alerts go that are pushed to the console
    heartbeats: Sequence[Heartbeat] = ()  # the jobs that are to be heard of
    oncall: OnCallFile = field(default_factory=OnCallFile)  # who is on call, as the configuration says
    tickets: Book = field(default_factory=default_book)  # what tickets are here
    duty: DutyFile = field(default_factory=DutyFile)  # the duty desks
    plans: PlansFile = field(default_factory=PlansFile)  # their routine jobs
    home: Path | None = None  # the folder below which the runs' files are; without it there is nothing to download

    reload: Callable[[str], Sequence[str]] | None = None
    """Has the routing read again for somebody; the files that wait for a restart. Raises RefusedError with all faults."""

    def reroute(self, routes: RoutesFile) -> None:
        """Let another routing, and the oncall.yaml beside it, hold for every request from now on."""
        self.routes, self.oncall = routes, routes.oncall

    @property
    def tls(self) -> bool:
        """Whether people reach it through TLS."""
        return self.external_url.startswith("https://")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: a person with a session, or a machine with a bearer token (then `csrf` is empty)."""

    name: str
    role: str
    language: str
    timezone: ZoneInfo
    csrf: str = ""
    session: str = ""  # the session's stored hash, never the cookie; empty for machines

    def may(self, right: str) -> bool:
        """Whether this viewer has that right."""
        return allowed(self.role, right)


_viewer: ContextVar[Viewer] = ContextVar("bomc_viewer")


def current_viewer() -> Viewer:
    """The viewer of the request being answered. Raises LookupError outside of a request: there is no default one."""
    return _viewer.get()


@contextmanager
def viewing(viewer: Viewer) -> Iterator[None]:
    """Make this the current viewer until the block ends."""
    token = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(token)
