"""What the demo's people did before the visitor came: whole, marked, once for each store, and at whatever hour it starts."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from alerts.changes import overdue
from alerts.changes.marking import explained_by, windows
from alerts.duty import handovers
from alerts.duty.collect import Moment
from alerts.heartbeats import pings
from alerts.heartbeats.judging import LATE, WAITING
from alerts.heartbeats.watch import Watch
from alerts.muting import silences
from alerts.tickets import lateness
from alerts.tickets.declared import AT_WORK
from bomc.configuration.estate import Estate, load_estate
from bomc.demo.desk import DONE, fill
from bomc.demo.desk.duty import DESK, LEFT_UNDONE
from bomc.demo.pinging import HEARD, SILENT, Pinger, token_of
from bomc.demo.ports import Ports
from bomc.demo.start import Prepared, prepare, start_shop, stop_shop
from bomc.duty import telling
from core.people import audit
from core.people.rights import ROLES
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import audit as trail
from core.store.tables import duty_entry, handover, job, job_evidence, metadata, planned_change, ticket, user
from tests.bomc.estates import rows
from tests.servers.process import free_port, wait_until

AT = datetime(2026, 3, 12, 2, tzinfo=UTC)
HOURS = {
    "a forenoon of work": AT,
    "within the grace of the evening round": datetime(2026, 3, 12, 13, 30, tzinfo=UTC),
    "a day off, just after a change of shifts": datetime(2026, 2, 17, 16, 0, 1, tzinfo=UTC),
    "a minute before a change of shifts and a bill day": datetime(2026, 2, 28, 15, 59, tzinfo=UTC),
    "the leap day": datetime(2028, 2, 29, 23, 0, tzinfo=UTC),
    "the turn of the year": datetime(2026, 12, 31, 16, 0, tzinfo=UTC),
}
ORDERS = {
    "fault": ["accepted"],
    "office_data": ["paused"],
    "job_application": ["approved"],
    "maintenance": ["assigned"],
    "support": ["closed", "resolved"],
    "high_fee": ["assigned"],
    "integrator_maintenance": ["accepted"],
    "integrator_development": ["accepted"],
    "branch_maintenance": ["open"],
    "business_flow": ["closed"],
}


@pytest.fixture(scope="module")
def prepared(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A home with the demo's configuration and past days, for tests that leave it as it is."""
    home = tmp_path_factory.mktemp("desk") / "home"
    shutil.copytree(past, home)
    return prepare(home, free_port(), lambda: AT)


@pytest.fixture(scope="module")
def estate(prepared: Prepared) -> Estate:
    return load_estate(prepared.config)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store with its schema and the demo's accounts, to be copied."""
    place = tmp_path_factory.mktemp("empty") / "bomc.db"
    engine = open_store(f"sqlite:///{place}")
    upgrade(engine)
    with writing(engine) as connection:
        made = {"password_hash": "", "language": "en", "created_at": AT}
        connection.execute(insert(user), [made | {"name": role, "role": role} for role in ROLES])
    engine.dispose()
    return place


@pytest.fixture
def engine(empty: Path, tmp_path: Path) -> Engine:
    shutil.copy(empty, tmp_path / "bomc.db")
    return open_store(f"sqlite:///{tmp_path / 'bomc.db'}")


def everything(engine: Engine) -> dict[str, list[object]]:
    """All rows of all tables."""
    return {table.name: rows(engine, table) for table in metadata.sorted_tables}


@pytest.mark.parametrize("now", [pytest.param(at, id=name) for name, at in HOURS.items()])
def test_at_any_hour_the_desk_is_as_planned_and_a_second_start_adds_nothing(
    engine: Engine, estate: Estate, now: datetime
) -> None:
    assert fill(engine, estate, now)
    before = everything(engine)
    assert not fill(engine, estate, now + timedelta(hours=1))
    assert everything(engine) == before
    found: dict[str, list[str]] = {}
    for row in sorted(rows(engine, ticket), key=lambda row: row.state):
        found.setdefault(row.kind, []).append(row.state)
        assert row.demo
        assert "演示" in row.title
        assert "Demo" in row.title
    assert found == ORDERS
    assert [(row.state, row.kind, row.demo) for row in rows(engine, planned_change)] == [
        ("done", "change", True),
        ("planned", "release", True),
        ("running", "change", True),
    ]
    assert [(row.state, row.accepted_by is None) for row in rows(engine, handover)] == [
        ("accepted", False),
        ("prepared", True),
    ]
    assert [row.kind for row in rows(engine, duty_entry)] == ["visit", "phone", "event", "work"]
    assert all("Demo" in row.text for row in rows(engine, duty_entry))
    with reading(engine) as connection:
        assert audit.verify(connection) == []
        kept = silences.listed(connection, now)
    assert [one.state(now).value for one in kept] == ["active", "pending"]
    assert all("Demo" in one.comment for one in kept)
    only_what_is_planted_asks_for_attention(engine, estate, now)


def only_what_is_planted_asks_for_attention(engine: Engine, estate: Estate, now: datetime) -> None:
    """One job is missed, one job fell silent, one fault will be late; no handover and no change is overdue."""
    states = Counter((row.state, row.missed_at <= now) for row in rows(engine, job))
    assert states["open", True] == 1
    assert states["done", False] == states["dropped", True] == 0
    assert states["done", True] >= 3
    assert any(
        timedelta() < row.due_at - now <= timedelta(hours=12) for row in rows(engine, job) if row.state == "open"
    )
    assert len(rows(engine, job_evidence)) >= 2
    with writing(engine) as connection:
        outcome = telling.of_desk(connection, estate.duty.by_name[DESK], now)
        told = [(one.indicator, dict(one.labels).get("plan")) for one in outcome.samples if one.value and one.labels]
        assert told == [("duty.job_missed", LEFT_UNDONE)]
        heard = pings.states(connection, estate.heartbeats, now)
        assert {name: state.status for name, state in heard.items()} == {HEARD: WAITING, SILENT: LATE}
        silent = Watch(estate.heartbeats).findings(connection, now)
        assert [(one.check, one.target.name, one.target.demo) for one in silent] == [("heartbeat-late", SILENT, True)]
        assert overdue.open_tickets(connection, now) == []
        assert explained_by(
            "demo-shop", now + timedelta(seconds=20), windows(connection, now, now + timedelta(hours=1))
        )
    steps = [
        (row.kind, step.kind)
        for row in rows(engine, ticket)
        if row.state in AT_WORK
        for step in lateness.steps_of(row, estate.tickets, now)
    ]
    assert steps == [("fault", "resolve_warned")]


def test_the_prepared_handover_can_be_signed_by_the_administrator_and_lists_what_is_open(
    engine: Engine, estate: Estate
) -> None:
    fill(engine, estate, AT)
    [row] = [row for row in rows(engine, handover) if row.state == "prepared"]
    listed = {section: len(items) for section, items in row.content["sections"].items() if items}
    assert listed.keys() >= {"tickets", "silences", "changes", "jobs"}
    with writing(engine) as connection:
        desk = estate.duty.by_name[DESK]
        assert "admin" in handovers.people_of(connection, desk, row.incoming)
        handovers.accept(connection, row.id, "admin", row.sha256, desk, Moment(DESK, AT + timedelta(minutes=3)))


def test_a_fill_that_dies_half_way_leaves_nothing_and_is_done_by_the_next_start(
    engine: Engine, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(engine)

    def die(*_given: object, **_named: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr("bomc.demo.desk.duty.write_log", die)
        with pytest.raises(RuntimeError, match="killed"):
            fill(engine, estate, AT)
    assert everything(engine) == before
    assert fill(engine, estate, AT)
    assert [row.action for row in rows(engine, trail)].count(DONE) == 1


def test_the_token_is_kept_for_the_next_start_and_made_anew_when_it_is_worth_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    place = tmp_path / "heartbeat.token"
    token = token_of(engine, place, AT)
    assert place.stat().st_mode & 0o777 == 0o600
    assert token_of(engine, place, AT) == token
    with writing(engine) as connection:
        pings.renew(connection, HEARD, "somebody", AT)
    assert token_of(engine, place, AT) not in ("", token)


def test_the_order_service_is_heard_of_while_it_answers_and_not_before(prepared: Prepared) -> None:
    asked: list[str] = []

    class Console(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Console)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = Ports(server.server_address[1], prepared.ports.shop, prepared.ports.status)
    pinger = Pinger(ports, "token", every_s=0.05, first_s=0.05)
    pinger.start()
    try:
        threading.Event().wait(0.4)
        assert asked == []
        process = start_shop(prepared, "--rate", "0")
        wait_until(lambda: len(asked) >= 3, "it is heard of", 20)
        stop_shop(process)
        threading.Event().wait(0.3)
        silent = len(asked)
        threading.Event().wait(0.4)
        assert len(asked) == silent
        assert set(asked) == {"/ping/token"}
    finally:
        pinger.stop()
        server.shutdown()
        server.server_close()
