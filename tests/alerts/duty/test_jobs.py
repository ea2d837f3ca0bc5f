"""Jobs are stored once, done only with what their checklist needs, and a number out of range opens one ticket."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from alerts.duty import jobs
from alerts.duty.errors import DutyError
from core.store.open import open_store, reading, writing
from core.store.tables import audit, job, job_event, job_evidence, ticket, ticket_link
from tests.alerts.duty.desks import NOON, SQLITE, desk, plan

DESKS = {"noc": desk()}
PHOTO = {"code": "photo", "title": {"en": "Photo", "zh": "照片"}, "kind": "evidence", "needed": False}
NOTE = {"code": "note", "title": {"en": "Note", "zh": "备注"}, "kind": "text", "needed": False}
FULL = plan(items=[*plan().model_dump(mode="json")["items"], PHOTO, NOTE])
PNG = b"\x89PNG\r\n\x1a\n a rack"
MORNING = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai; the job of the day is due at 09:00


def stored(store: Engine, now: datetime, *plans: object) -> list[tuple[str, str]]:
    """A round at that time, and all jobs that there are after it."""
    with writing(store) as connection:
        jobs.store_due(connection, plans or [FULL], DESKS, now)  # type: ignore[arg-type]
    with reading(store) as connection:
        return [(row.plan, row.day) for row in connection.execute(select(job).order_by(job.c.id))]


@pytest.fixture
def number(store: Engine) -> int:
    """The one job of a morning."""
    stored(store, NOON)
    assert stored(store, MORNING) == [("morning-check", "2026-03-03")]
    with reading(store) as connection:
        return int(connection.execute(select(job.c.id)).scalar_one())


def test_each_due_day_has_one_job_whatever_the_rounds(store: Engine) -> None:
    """First seen at noon, nothing is owed for the morning; after three days without a round all three are there, once."""
    assert stored(store, NOON) == []
    assert stored(store, NOON + timedelta(days=3)) == [("morning-check", f"2026-03-0{n}") for n in (3, 4, 5)]
    assert len(stored(store, NOON + timedelta(days=3))) == 3
    assert len(stored(store, NOON + timedelta(days=2))) == 3  # the clock was set back


def test_two_rounds_at_once_store_a_job_once(store: Engine, store_url: str) -> None:
    stored(store, NOON)
    engines = [open_store(store_url) for _ in range(4)]
    threads = [threading.Thread(target=stored, args=(engine, NOON + timedelta(days=2))) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for engine in engines:
        engine.dispose()
    assert len(stored(store, NOON + timedelta(days=2))) == 2


def test_a_job_that_is_open_when_its_plan_is_first_seen_is_owed(store: Engine) -> None:
    assert stored(store, MORNING) == [("morning-check", "2026-03-03")]


def test_a_checklist_is_filled_and_the_job_done(store: Engine, number: int) -> None:
    with writing(store) as connection:
        jobs.fill(connection, number, "li.wei", "backup", "yes", "", MORNING)
        jobs.fill(connection, number, "li.wei", "room", "22.5", "", MORNING)
        jobs.finish(connection, number, "li.wei", MORNING)
    with reading(store) as connection:
        row = connection.execute(select(job)).one()
        events = connection.scalars(select(job_event.c.kind).order_by(job_event.c.id)).all()
        trail = connection.scalars(select(audit.c.action).order_by(audit.c.id)).all()
        assert connection.scalar(select(func.count()).select_from(ticket)) == 0
    assert (row.state, row.done_by, row.done_at, row.results["room"]["value"]) == ("done", "li.wei", MORNING, 22.5)
    assert events == ["opened", "filled", "filled", "done"]
    assert trail == ["job_filled", "job_filled", "job_done"]


REFUSED = {
    "a number that is none": ("room", "warm", "", "'warm' is no number"),
    "not a number": ("room", "nan", "", "'nan' is no number"),
    "too warm without a remark": ("room", "31", "", "31 is more than 27; add a remark"),
    "too cold without a remark": ("room", "-4", " ", "-4 is less than 18; add a remark"),
    "a no without a remark": ("backup", "no", "", "the answer is no; add a remark"),
    "neither yes nor no": ("backup", "maybe", "", "neither yes nor no"),
    "nothing": ("backup", " ", "", "has no result yet"),
    "an item that is not there": ("cellar", "yes", "", "has no item 'cellar'"),
    "words for a file": ("photo", "x", "", "takes a file"),
}


@SQLITE
@pytest.mark.parametrize(("code", "value", "remark", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_result_is_refused(store: Engine, number: int, code: str, value: str, remark: str, words: str) -> None:
    with pytest.raises(DutyError, match=words), writing(store) as connection:
        jobs.fill(connection, number, "li.wei", code, value, remark, MORNING)
    with reading(store) as connection:
        assert connection.execute(select(job.c.results)).scalar_one() == {}


def test_a_job_that_lacks_an_item_is_not_done(store: Engine, number: int) -> None:
    with writing(store) as connection:
        jobs.fill(connection, number, "li.wei", "backup", "yes", "", MORNING)
    with pytest.raises(DutyError, match="lacks: Room temperature"), writing(store) as connection:
        jobs.finish(connection, number, "li.wei", MORNING)


def test_a_number_out_of_range_opens_one_ticket(store: Engine, number: int) -> None:
    """Measured again, still too warm: the ticket stays the one."""
    for value in ("31", "30"):
        with writing(store) as connection:
            jobs.fill(connection, number, "li.wei", "room", value, "the cooling is being repaired", MORNING)
    with reading(store) as connection:
        row = connection.execute(select(ticket)).one()
        result = connection.execute(select(job.c.results)).scalar_one()["room"]
        tied = connection.execute(select(ticket_link.c.relation, ticket_link.c.other_id)).one()
    assert (row.kind, result["ticket"], result["in_range"]) == ("maintenance", row.id, False)
    assert "31 is more than 27" in row.title
    assert tuple(tied) == ("job", number)


def test_a_job_is_done_once_by_one_person(store: Engine, number: int) -> None:
    with writing(store) as connection:
        jobs.fill(connection, number, "li.wei", "backup", "yes", "", MORNING)
        jobs.fill(connection, number, "li.wei", "room", "20", "", MORNING)
        jobs.finish(connection, number, "li.wei", MORNING)
    for doing in (
        lambda connection: jobs.finish(connection, number, "zhang.min", MORNING),
        lambda connection: jobs.fill(connection, number, "zhang.min", "room", "21", "", MORNING),
    ):
        with pytest.raises(DutyError, match=r"done by li\.wei already"), writing(store) as connection:
            doing(connection)


def test_evidence_is_kept_with_its_hash_and_bounded(store: Engine, number: int) -> None:
    with writing(store) as connection:
        digest = jobs.attach(connection, number, "li.wei", "photo", "C:\\shots\\rack\r\n7.png", PNG, MORNING)
    with reading(store) as connection:
        row = connection.execute(select(job_evidence)).one()
    assert digest == row.sha256 == hashlib.sha256(PNG).hexdigest()
    assert (row.name, row.size_bytes) == ("rack__7.png", len(PNG))
    for content, item, words in (
        (b"", "photo", "empty"),
        (b"x" * (jobs.LARGEST_EVIDENCE_BYTES + 1), "photo", "more than 2 MiB"),
        (b"MZ\0", "photo", "is no picture, PDF"),
        (b"x", "room", "takes no file"),
    ):
        with pytest.raises(DutyError, match=words), writing(store) as connection:
            jobs.attach(connection, number, "li.wei", item, "a.png", content, MORNING)


def test_a_job_whose_plan_is_gone_is_dropped(store: Engine, number: int) -> None:
    with writing(store) as connection:
        jobs.store_due(connection, [], DESKS, MORNING)
    with pytest.raises(DutyError, match="was dropped"), writing(store) as connection:
        jobs.finish(connection, number, "li.wei", MORNING)


def test_there_is_no_such_job(store: Engine) -> None:
    with pytest.raises(DutyError, match="There is no job 99"), writing(store) as connection:
        jobs.finish(connection, 99, "li.wei", MORNING)
