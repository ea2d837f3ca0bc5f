"""A process that is killed in the middle of each timer, and another one that goes on: everything comes when it would have.

The story is told by a process for each of its instants, every one of which dies by SIGKILL when its instant is over. So each
timer below has deaths in its middle; the table says when who is told, the same with and without the deaths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.alerting.outcome import arrivals, doubles, faults, outcome
from tests.faults.alerting.scene import Plan, Scene, scene
from tests.faults.alerting.story import STORY
from tests.stores import NewStore

Told = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer: the alerts that show it, the steps at which it began and ran out, and all that is told of these alerts."""

    name: str
    alertname: str
    began: int
    over: int
    told: tuple[Told, ...]


GROUPED = (
    (5, "team", "1 firing, 2 firing"),
    (17, "team", "1 firing, 2 firing"),
    (23, "team", "1 resolved, 2 firing"),
    (35, "team", "2 resolved"),
)
TAKEN = (
    (3, "team", "1 firing"),
    (19, "team", "1 firing"),
    (25, "team", "1 firing"),
    (31, "team", "1 firing"),
    (35, "team", "1 resolved"),
)
PAGED = (
    (3, "li.wei", "1 firing"),
    (3, "team", "1 firing"),
    (5, "team", "2 firing"),
    (6, "li.wei", "2 firing"),
    (7, "zhang.min", "1 firing"),
    (11, "chief", "1 firing"),
    (14, "zhang.min", "2 firing"),
    (18, "chief", "2 firing"),
    (30, "chief", "2 resolved"),
    (30, "li.wei", "2 resolved"),
    (30, "team", "2 resolved"),
    (30, "zhang.min", "2 resolved"),
    (32, "team", "1 resolved"),
    (33, "chief", "1 resolved"),
    (33, "li.wei", "1 resolved"),
    (33, "zhang.min", "1 resolved"),
)
PUSHED = (
    (3, "team", "1 firing"),
    (4, "team", "2 firing"),
    (5, "team", "3 firing"),
    (10, "team", "2 resolved"),
    (11, "team", "3 resolved"),
    (13, "team", "1 resolved"),
)
WOBBLY = (
    (6, "team", "1 firing"),
    (10, "team", "1 firing"),
    (10, "team", "1 resolved"),
    (14, "team", "1 resolved"),
    (20, "team", "1 firing"),
    (34, "team", "1 resolved"),
)
CHATTY = (
    (5, "robot", "1 firing, 2 firing, 3 firing, 4 firing, 5 firing"),
    (7, "robot", "6 firing"),
    (11, "robot", "7 firing"),
    (19, "robot", "1 resolved, 2 resolved, 3 resolved, 4 resolved, 5 resolved"),
    (25, "robot", "6 resolved"),
    (25, "robot", "7 resolved"),
)
LASTING = ((9, "team", "1 firing"), (15, "team", "1 resolved"))
FAILING = (
    (10, "backup", "1 firing"),
    (13, "backup", "2 firing"),
    (29, "backup", "2 resolved"),
    (29, "flaky", "2 resolved"),
    (33, "backup", "1 resolved"),
    (33, "flaky", "1 resolved"),
)
LATE = ((13, "slow", "1 firing"), (20, "slow", "1 resolved"))
TIMERS = (
    Timer("group_wait of 30 s", "grouped", 2, 5, GROUPED),
    Timer("repeat_interval of 2 min", "grouped", 5, 17, GROUPED),
    Timer("group_interval of 40 s", "wobbly", 6, 10, WOBBLY),
    Timer("2 of 3 samples until it is raised", "lasting", 6, 9, LASTING),
    Timer("2 of 3 samples well back until it clears", "lasting", 12, 15, LASTING),
    Timer("the value before, of a rate", "jumping", 8, 9, ((9, "team", "1 firing"), (13, "team", "1 resolved"))),
    Timer(
        "silence of a series until it is absent", "silent", 9, 12, ((12, "team", "firing"), (22, "team", "resolved"))
    ),
    Timer(
        "inhibition, until its cause is over", "effect", 5, 15, ((15, "team", "1 firing"), (28, "team", "1 resolved"))
    ),
    Timer(
        "settling of 30 s after a parent is up", "sluggish", 16, 19, ((19, "team", "firing"), (28, "team", "resolved"))
    ),
    Timer("end of a silence", "quieted", 7, 18, ((18, "team", "1 firing"), (32, "team", "1 resolved"))),
    Timer("end of maintenance", "maintained", 11, 18, ((18, "team", "1 firing"), (27, "team", "1 resolved"))),
    Timer("end on the shelf", "shelved", 5, 16, ((16, "team", "1 firing"), (32, "team", "1 resolved"))),
    Timer("calm of 1 min after flapping", "wobbly", 14, 20, WOBBLY),
    Timer("expiry of an acknowledgement", "taken", 5, 19, TAKEN),
    Timer("expiry of an acknowledgement that holds an escalation", "paged", 8, 14, PAGED),
    Timer("wait of the first step of an escalation", "paged", 3, 7, PAGED),
    Timer("wait of its last step, before the catch-all", "paged", 7, 11, PAGED),
    Timer("back-off of a failing channel", "late", 7, 13, LATE),
    Timer("1 min until the fall-back is told", "failing", 4, 10, FAILING),
    Timer("rate limit of 2 a minute", "chatty", 5, 11, CHATTY),
    Timer("grace of a heartbeat", "heartbeat-late", 2, 10, ((10, "team", "firing"), (20, "team", "resolved"))),
    Timer("resolve_timeout of a push", "pushed", 6, 12, PUSHED),
    Timer("endsAt of a push", "pushed", 4, 10, PUSHED),
    Timer(
        "warning and breach of a ticket's answer",
        "ticket-answer",
        4,
        12,
        ((10, "team", "firing"), (14, "team", "firing"), (18, "team", "resolved")),
    ),
    Timer(
        "warning and breach of a ticket's end",
        "ticket-resolve",
        4,
        16,
        ((13, "team", "firing"), (17, "team", "firing"), (24, "team", "resolved")),
    ),
)


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory, new_sqlite: NewStore, quiet_sqlite: Scene) -> Iterator[Scene]:
    """The story on SQLite, told by one process after the other."""
    yield from told_by_many(tmp_path_factory.mktemp("restarted"), new_sqlite, quiet_sqlite)


def told_by_many(folder: Path, new_store: NewStore, quiet: Scene) -> Iterator[Scene]:
    """The story told by a process for each step, which dies when its step is over."""
    with new_store(folder) as url, scene(folder, url, STORY, quiet.teller) as there:
        there.tell(Plan("the end of a step", last=step) for step in range(1, STORY.last))
        yield there


@pytest.mark.parametrize("timer", TIMERS, ids=lambda timer: timer.name)
def test_a_timer_runs_out_when_it_would_have(timer: Timer, quiet_sqlite: Scene, restarted: Scene) -> None:
    """By one process, and by one that died in the middle of it and others that went on."""
    assert arrivals(quiet_sqlite, timer.alertname) == list(timer.told)
    died = {int(where.split()[1].rstrip(":")) for where in restarted.died_at}
    assert died.intersection(range(timer.began, timer.over)), "nobody died in the middle"
    assert arrivals(restarted, timer.alertname) == list(timer.told)


def test_everything_else_is_the_same_too(quiet_sqlite: Scene, restarted: Scene) -> None:
    """The whole outcome: reasons, histories, tickets, groups; no message came twice, since none was in flight."""
    assert restarted.kills == STORY.last - 1
    assert not faults(restarted)
    assert doubles(restarted) == 0
    assert outcome(restarted) == outcome(quiet_sqlite)


@pytest.mark.faults
def test_the_same_holds_on_postgresql(tmp_path: Path, new_postgresql: NewStore, quiet_postgresql: Scene) -> None:
    """Every timer, and everything else."""
    for restarted in told_by_many(tmp_path, new_postgresql, quiet_postgresql):
        for timer in TIMERS:
            assert arrivals(restarted, timer.alertname) == list(timer.told), timer.name
        assert outcome(restarted) == outcome(quiet_postgresql)
