"""The one writer: a full queue is counted, a store that is away loses nothing, a poisonous outcome harms itself only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from bomc.pipeline.cycle import Cycle
from bomc.pipeline.lead import take_lead
from bomc.pipeline.writer import NOT_STORED, Writer
from core.model import Outcome, Sample, instant_ms
from core.store.open import writing
from core.store.tables import probe_state, pulse, sample
from tests.bomc.pipeline.world import USED, outcome, rows, rules
from tests.servers.process import wait_until


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def writer(engine: Engine, *, queue_size: int = 100, start: bool = True, leader: str | None = None) -> Iterator[Writer]:
    """A writer over the store; `lost` holds what it was told of the lead."""
    lost: list[str] = []
    made = Writer(
        Cycle(engine, rules(["host-1", "host-2"], leader=leader)),
        now,
        queue_size=queue_size,
        batch_samples=1_000,
        after=lambda _: None,
        extra_pulse=lambda: {"extra": True},
        lost=lost.append,
    )
    made.lost_told = lost  # type: ignore[attr-defined]
    if start:
        made.start()
    try:
        yield made
    finally:
        if start:
            made.stop()


def values(engine: Engine) -> list[float]:
    return sorted(row.value for row in rows(engine, sample) if 100 <= row.value < 1_000)


def numbered(count: int, ahead_ms: int = 0) -> list[Outcome]:
    """Outcomes a millisecond apart, whose values are 100, 101, ..."""
    begin = now() - timedelta(seconds=30)
    return [outcome(begin + timedelta(milliseconds=number + ahead_ms), 100.0 + number) for number in range(count)]


def test_everything_submitted_is_written_and_the_pulse_tells_of_it(store: Engine) -> None:
    """In order, also what was still queued when it was told to stop."""
    with writer(store) as one:
        for item in numbered(50):
            one.submit(item)
    assert values(store) == [100.0 + n for n in range(50)]
    [beat] = [row for row in rows(store, pulse) if row.name == "pipeline"]
    assert beat.detail["extra"] is True
    assert beat.detail["queue_depth"] >= 0


def test_what_finds_the_queue_full_is_counted_with_its_probe(store: Engine) -> None:
    """Dropped, but not silently."""
    with writer(store, queue_size=10, start=False) as one:
        for item in numbered(14):
            one.submit(item)
        assert one.depth == 10
        one.start()
        wait_until(lambda: one.depth == 0, "the queue is written")
        one.stop()
    [row] = rows(store, probe_state)
    assert (row.runs, row.skipped) == (10, 4)


def test_a_store_that_is_away_for_a_while_loses_nothing(store: Engine) -> None:
    """The batch is kept and tried again; what comes meanwhile waits; then all of it is there, once."""
    away = threading.Event()
    tries: list[str] = []

    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if away.is_set() and "sample" in statement and "INSERT" in statement:
            tries.append(statement)
            raise OperationalError(statement, {}, Exception("the server closed the connection"))

    event.listen(store, "before_cursor_execute", refuse)
    with writer(store) as one:
        away.set()
        for item in numbered(20):
            one.submit(item)
        wait_until(lambda: len(tries) >= 2, "it was tried again")
        assert "closed the connection" in str(one.trouble)
        assert values(store) == []
        away.clear()
        wait_until(lambda: len(values(store)) == 20, "all of it is written")
        assert one.trouble is None
    event.remove(store, "before_cursor_execute", refuse)
    [row] = rows(store, probe_state)
    assert (row.runs, row.skipped) == (20, 0)


def poisonous(kind: str) -> Outcome:
    """An outcome that a database cannot hold."""
    if kind == "half a character":
        return outcome(now(), None, target="host-2", error="said \ud800")
    at_ms = instant_ms(now())
    return outcome(now(), target="host-2", samples=[Sample(USED, 1.0, at_ms, (("mount", "\ud800"),))])


def poisoned(store: Engine, kind: str) -> None:
    with writer(store, start=False) as one:
        before, after = numbered(2), numbered(2, ahead_ms=10)
        for item in [*before, poisonous(kind), *after]:
            one.submit(item)
        one.start()
        wait_until(lambda: len(values(store)) == 4, "its neighbours are written")
        wait_until(lambda: len(rows(store, probe_state)) == 2, "its failure is noted")
        one.stop()
        assert not one._thread.is_alive()
    found = {row.probe: row for row in rows(store, probe_state)}
    assert found["host-2/memory"].error == NOT_STORED
    assert (found["host-2/memory"].skipped, found["host-2/memory"].failures) == (1, 1)
    assert (found["host-1/memory"].runs, found["host-1/memory"].error) == (4, None)


def test_an_error_text_that_no_database_holds_is_a_failure_of_its_own_probe(store: Engine) -> None:
    """Garbage in the reply of one target does not stop the pipeline."""
    poisoned(store, "half a character")


def test_a_label_that_no_database_holds_is_a_failure_of_its_own_probe(store: Engine) -> None:
    """The same of a label."""
    poisoned(store, "label")


def test_nul_in_an_error_is_survived_on_both_databases(store: Engine) -> None:
    """PostgreSQL refuses NUL in texts, SQLite takes it; either way the neighbours are written."""
    with writer(store, start=False) as one:
        for item in [*numbered(2), outcome(now(), None, target="host-2", error="a\0b"), *numbered(1, ahead_ms=9)]:
            one.submit(item)
        one.start()
        wait_until(lambda: len(values(store)) == 3, "its neighbours are written")
        wait_until(lambda: len(rows(store, probe_state)) == 2, "its failure is noted")
        one.stop()
    [bad] = [row for row in rows(store, probe_state) if row.probe == "host-2/memory"]
    assert bad.error is not None


def test_a_writer_that_lost_the_lead_stops_and_says_who_has_it(store: Engine) -> None:
    """Nothing of its batch is written."""
    begun = now() - timedelta(seconds=60)
    assert take_lead(store, "first", begun) is None
    with writer(store, leader="first") as one:
        wait_until(lambda: any(row.name == "pipeline" for row in rows(store, pulse)), "it leads")
        with writing(store) as connection:
            connection.execute(text("UPDATE pulse SET detail = '{\"holder\":\"second\"}' WHERE name = 'lead'"))
        one.submit(numbered(1)[0])
        wait_until(lambda: bool(one.lost_told), "it is told")  # type: ignore[attr-defined]
        wait_until(lambda: not one._thread.is_alive(), "it ends")
    assert one.lost_told == ["The pipeline second leads now; this one stops."]  # type: ignore[attr-defined]
    assert values(store) == []


def test_skips_are_kept_while_the_store_is_away(store: Engine) -> None:
    """Counts of a batch that failed are counted with the next one."""
    away: Callable[[], bool]
    state = {"away": True}
    away = lambda: state["away"]  # noqa: E731

    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if away() and "INTO probe_state" in statement:
            raise OperationalError(statement, {}, Exception("gone"))

    with writer(store) as one:
        event.listen(store, "before_cursor_execute", refuse)
        one.skip("host-1/memory")
        one.skip("host-1/memory")
        wait_until(lambda: one.trouble is not None, "it was tried")
        state["away"] = False
        wait_until(lambda: [row.skipped for row in rows(store, probe_state)] == [2], "they are counted")
        event.remove(store, "before_cursor_execute", refuse)
