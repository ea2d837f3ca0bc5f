"""The receivers of the story and the kills: one process after the other tells on, each dies at its point or ends the story."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.alerts.receivers import Got, Hook, hook
from tests.faults.alerting.estate import HOOKS, configure
from tests.faults.alerting.story import Story
from tests.faults.alerting.teller import Teller
from tests.faults.alerting.telling import CLOCK, NOTE, Telling
from tests.faults.killing import COMMIT, ENDED, Point

REACHES = (180, 260)
"""Within so many statements a process dies: one or two instants of the story, the start included."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one process dies: at a step of its store's, when the `arrival`-th message arrives (from 0) at anybody or at
    `receiver`, heard or unheard, or when a step of the story is over."""

    how: str
    point: Point | None = None
    arrival: int | None = None
    receiver: str | None = None
    last: int | None = None


def drawn(random: Random, reach: int) -> Plan:
    """One kill within so many statements: mostly at one of any kind, else at a commit or its end, the start, a statement of
    the outbox or of a timer, or an arrival."""
    how = random.choice(
        ("statement",) * 5
        + ("commit",) * 2
        + ("ended",) * 2
        + ("start", "outbox", "timers", "arrival", "arrival", "unheard")
    )
    points = {
        "statement": Point(random.randrange(reach)),
        "commit": Point(random.randrange(reach // 12), only=COMMIT),
        "ended": Point(random.randrange(reach // 12), only=ENDED),
        "start": Point(random.randrange(60)),
        "outbox": Point(random.randrange(4), only=random.choice(("INTO delivery", "UPDATE delivery"))),
        "timers": Point(random.randrange(4), only=random.choice(("UPDATE notify_group", "UPDATE escalation"))),
    }
    if how in ("arrival", "unheard"):
        return Plan(how, arrival=random.randrange(4))
    return Plan(how, points[how])


@dataclass
class Scene:
    """The receivers, the store and the home of one telling."""

    home: Path
    url: str
    story: Story
    hooks: dict[str, Hook]
    teller: Teller
    died_at: list[str] = field(default_factory=list)
    _plan: Plan | None = None
    _victim: int | None = None
    _arrived: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kills(self) -> int:
        """How many processes died by SIGKILL."""
        return len(self.died_at)

    def tell(self, plans: Iterable[Plan] = ()) -> None:
        """Tell the story to its end: a process for each plan as long as it lasts, then one that is not killed."""
        for plan in plans:
            if self._run(plan) == 0:
                return
        assert self._run(None) == 0

    def _run(self, plan: Plan | None) -> int:
        """Tell on in a process of its own, to its death or the end of the story; 0 when it was not killed."""
        (self.home / NOTE).unlink(missing_ok=True)
        part = Telling(self.url, self.home, plan.point, plan.last) if plan else Telling(self.url, self.home)
        with self._lock:
            self._plan, self._arrived = plan, 0
            self._victim = self.teller.start(part, self.story)
        code = self.teller.wait()
        if code == -signal.SIGKILL and plan is not None:
            note = self.home / NOTE
            where = note.read_text() if note.exists() else plan.how
            self.died_at.append(f"step {(self.home / CLOCK).read_text()}: {where}")
            return code
        assert code == 0, f"the telling ended with {code}; it was to die at {plan}, after {self.died_at}"
        return code

    def arrived(self, name: str) -> None:
        """A message is there: the receiver answers as the story says, or its sender dies before the answer."""
        there = self.hooks[name]
        there.answer = 500 if self.story.fails(name, int((self.home / CLOCK).read_text())) else 200
        with self._lock:
            plan, victim, number = self._plan, self._victim, self._arrived
            if plan is None or victim is None or plan.receiver not in (None, name):
                return
            self._arrived += 1
            if plan.arrival != number:
                return
            if plan.how == "unheard":
                there.got.pop()
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)

    def got(self, name: str) -> list[Got]:
        """What a receiver took."""
        return [one for one in self.hooks[name].got if one.answer == 200]


@contextlib.contextmanager
def scene(home: Path, url: str, story: Story, teller: Teller) -> Iterator[Scene]:
    """Receivers that listen, and the configuration written."""
    with contextlib.ExitStack() as stack:
        hooks = {name: stack.enter_context(hook()) for name in HOOKS}
        made = Scene(home, url, story, hooks, teller)
        for name, there in hooks.items():
            there.on_request = partial(made.arrived, name)
        configure(home, {name: there.url for name, there in hooks.items()})
        yield made
