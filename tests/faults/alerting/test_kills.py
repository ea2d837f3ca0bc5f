"""1,000 seeded kill -9 of the process that alerts, 50 of them again and again in the usual run, on SQLite and PostgreSQL.

Counted are processes that died by SIGKILL, each at a point of its own: a statement of any kind, a commit, the end of a
transaction, its start, a message at the receiver that is not marked yet, one that the receiver never heard. After each the
next process goes on from the store. `USUAL` holds the 50 of `make test`, `FAULTS` the 1,000 of `make faults`; their shares
are counted and asserted. A telling that was killed some fifty times ends exactly as the one that never was: the same
alerts, messages, repeats, escalation steps, tickets, warnings and reasons at the same instants; a receiver got at most one
message again for each kill, under the same key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.faults.alerting.outcome import PACED, doubles, faults, outcome
from tests.faults.alerting.scene import REACHES, Plan, Scene, drawn, scene
from tests.faults.alerting.story import STORY
from tests.faults.seeds import seeds
from tests.stores import NewStore


@dataclass(frozen=True, slots=True)
class Share:
    """So many kills with the points of one seed, on one database."""

    database: str
    seed: int
    kills: int


USUAL = (Share("sqlite", 41, 35), Share("postgresql", 42, 15))
FAULTS = (
    *(Share("sqlite", seed, 100) for seed in range(401, 408)),
    *(Share("postgresql", seed, 100) for seed in range(501, 504)),
)


def test_the_shares_are_the_numbers_that_are_promised() -> None:
    """50 in the usual run, 1,000 in the long one, each seed once, on both databases."""
    assert sum(share.kills for share in USUAL) == 50
    assert sum(share.kills for share in FAULTS) == 1000
    for shares in (USUAL, FAULTS):
        assert {share.database for share in shares} == {"sqlite", "postgresql"}
        assert len({share.seed for share in shares}) == len(shares)


@pytest.fixture(params=USUAL, ids=lambda share: f"{share.kills}-on-{share.database}")
def usual(request: pytest.FixtureRequest) -> Share:
    found: Share = request.param
    return found


@pytest.fixture(params=FAULTS, ids=lambda share: f"{share.database}-seed-{share.seed}")
def long(request: pytest.FixtureRequest) -> Share:
    found: Share = request.param
    return found


def test_50_kills_lose_nothing_and_double_only_what_was_in_flight(
    usual: Share, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The 50 of `make test`."""
    killed_again_and_again(usual, tmp_path, request)


@pytest.mark.faults
def test_1000_kills_lose_nothing_and_double_only_what_was_in_flight(
    long: Share, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The 1,000 of `make faults`, in ten shares."""
    killed_again_and_again(long, tmp_path, request)


def killed_again_and_again(share: Share, folder: Path, request: pytest.FixtureRequest) -> None:
    """Tell the story as often as it takes until that many processes were killed, and compare each telling."""
    new_store: NewStore = request.getfixturevalue(f"new_{share.database}")
    quiet: Scene = request.getfixturevalue(f"quiet_{share.database}")
    [seed] = seeds(share.seed)
    random, kills, again, tellings = Random(seed), 0, 0, 0
    while kills < share.kills:
        tellings += 1
        home = folder / f"telling-{tellings}"
        home.mkdir()
        with new_store(home) as url, scene(home, url, STORY, quiet.teller) as there:
            tell(there, random, share.kills - kills)
            ends_like(there, quiet, f"seed {seed}, telling {tellings}, killed at {there.died_at}")
            kills += there.kills
            again += doubles(there)
    print(f"seed {seed}: {kills} processes killed in {tellings} tellings, {again} messages arrived again")
    assert kills == share.kills


def tell(there: Scene, random: Random, at_most: int) -> None:
    """Tell it with so many kills or as many as it has room for."""

    def plans() -> Iterator[Plan]:
        reach = random.choice(REACHES)
        while there.kills < at_most:
            yield drawn(random, reach)

    there.tell(plans())


def ends_like(there: Scene, quiet: Scene, where: str) -> None:
    """Compare a telling with the one that was never killed."""
    assert not faults(there), where
    expected = outcome(quiet)
    for name, found in outcome(there).items():
        missing = [row for row in expected[name] if row not in found]
        more = [row for row in found if row not in expected[name]]
        assert found == expected[name], f"{name}: missing {missing[:3]}, more {more[:3]}; {where}"


@pytest.mark.faults
def test_kills_in_flight_that_use_up_a_rate_limit_lose_no_alert(
    tmp_path: Path, new_sqlite: NewStore, quiet_sqlite: Scene
) -> None:
    """Each try at the paced receiver dies before its answer: what waited behind it until it was over is told as it was last."""
    with new_sqlite(tmp_path) as url, scene(tmp_path, url, STORY, quiet_sqlite.teller) as there:
        there.tell(Plan("arrival", arrival=0, receiver=PACED) for _ in range(7))
        assert there.kills == 7
        ends_like(there, quiet_sqlite, f"killed at {there.died_at}")
        told = [{(one["labels"]["n"], one["status"]) for one in got.body["alerts"]} for got in there.got(PACED)]
    assert told[:8] == [{(str(n), "firing") for n in range(1, 6)}] * 8
    assert told[8:] == [{(str(n), "resolved") for n in range(1, 8)}]


def test_the_points_of_a_seed_are_always_the_same() -> None:
    """So that a failure can be told again with its seed."""
    first, second = Random(7), Random(7)
    assert [drawn(first, 200) for _ in range(50)] == [drawn(second, 200) for _ in range(50)]
    hows = {drawn(first, 200).how for _ in range(300)}
    assert hows == {"statement", "commit", "ended", "start", "outbox", "timers", "arrival", "unheard"}
