"""What the alerts page asks of the store in a storm: as many statements for a thousand alerts as for ten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from core.store.open import writing
from core.store.tables import alert, silence
from dashboards import shell
from dashboards.server import create_app
from tests.dashboards.server.conftest import NOON, House, an_alert
from tests.dashboards.server.matrix import UPDATE, forged

SILENCED, LOUD = 1_200, 30
"""Open alerts on a host that is silenced, and on one that is not; more than the page loads and than one list may hold."""


@pytest.fixture
def desk(bare: House) -> House:
    """The console's real pages over one open alert that is told and one that is silenced."""
    matchers = [{"name": "target", "value": "host-2", "isRegex": False, "isEqual": True}]
    kept = {"id": "quiet", "matchers": matchers, "created_by": "operator", "comment": "planned work"}
    times = {"starts_at": NOON - timedelta(hours=1), "ends_at": NOON + timedelta(hours=1)}
    with writing(bare.console.engine) as connection:
        connection.execute(insert(silence).values(**kept, **times, created_at=NOON, updated_at=NOON))
        labels = {"alertname": "cpu", "target": "host-2", "severity": "critical"}
        own = {"id": 2, "fingerprint": "f2", "target": "host-2", "labels": labels}
        connection.execute(insert(alert).values(**an_alert() | own))
    bare.app = create_app(bare.console, lambda app: shell.register_pages(app, bare.console))
    return bare


def storm(desk: House) -> None:
    """Many more alerts, those of the silenced host the graver ones."""
    rows = []
    for number in range(SILENCED + LOUD):
        host, severity = ("host-2", "critical") if number < SILENCED else ("host-3", "warning")
        labels = {"alertname": "cpu", "target": host, "severity": severity, "service": f"s{number}"}
        own = {"id": number + 10, "fingerprint": f"g{number}", "check_name": "cpu", "target": host, "labels": labels}
        rows.append(an_alert() | own | {"severity": severity})
    with writing(desk.console.engine) as connection:
        connection.execute(insert(alert), rows)


def refreshed(desk: House, search: str) -> tuple[dict[str, Any], list[str]]:
    """What the alerts page shows under that address, and the statements that it took."""
    (name,) = (key for key in desk.app.state.dash.callback_map if "alerts-grid.rowData" in key)
    body = forged(desk.app, name)
    for one in (*body["inputs"], *body["state"]):
        one["value"] = search if one["id"] == "url" else None
    client, seen = desk.client("operator"), []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(desk.console.engine, "before_cursor_execute", note)
    try:
        answer = client.post(UPDATE, json=body)
    finally:
        event.remove(desk.console.engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    return answer.json()["response"], seen


@pytest.mark.parametrize("search", ["", "?muted=silence", "?muted=no", "?alert=1"])
def test_a_storm_asks_no_more_of_the_store_than_a_quiet_day(desk: House, search: str) -> None:
    """List, detail and who is told need the silences: they are read once. No statement is made for each alert."""
    _, quiet = refreshed(desk, search)
    storm(desk)
    _, busy = refreshed(desk, search)
    assert sum("FROM silence" in one for one in busy) == 1
    assert len(busy) <= len(quiet) + 2  # how many fit besides those that are loaded


SAID = {
    "silenced": ("?muted=silence", SILENCED + 1),
    "not": ("?muted=no", LOUD + 1),
    "by severity": ("?severity=warning", LOUD),
}


@pytest.mark.parametrize(("search", "fitting"), SAID.values(), ids=SAID.keys())
def test_what_is_kept_quiet_is_counted_whole(desk: House, search: str, fitting: int) -> None:
    """Also where more alerts fit than one list may hold, and where the worst alerts are not those asked for."""
    storm(desk)
    shown, _ = refreshed(desk, search)
    assert shown["alerts-count"]["children"].startswith(f"{fitting:,} alerts")
