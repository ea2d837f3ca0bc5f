"""The API: what it shows, what it changes, and how it says no."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, select

from core.store.open import reading, writing
from core.store.tables import pulse, ticket
from dashboards.queries.status import status, versions
from tests.dashboards.server.conftest import NOON, House

KEYS = {
    "targets",
    "series",
    "samples_last_minute",
    "open_alerts",
    "open_tickets",
    "reconciliation_runs",
    "last_sample_age_s",
    "queue_depth",
    "skipped_probes",
}


def beat(house: House, age: timedelta) -> None:
    detail = {"samples_last_minute": 80_000, "last_sample_ms": int(NOON.timestamp() * 1000) - 2500, "queue_depth": 3}
    with writing(house.console.engine) as connection:
        connection.execute(insert(pulse).values(name="pipeline", at=NOON - age, detail=detail))


def test_the_status_comes_from_the_pipelines_pulse(house: House) -> None:
    """Samples are not counted again: the pulse tells, and the age is taken from the clock."""
    beat(house, timedelta(seconds=1))
    found = house.machine("viewer").get("/api/v1/status").json()
    assert set(found) >= KEYS
    assert found["running"] is True
    assert found["samples_last_minute"] == 80_000
    assert found["last_sample_age_s"] == pytest.approx(2.5)
    assert found["queue_depth"] == 3
    assert (found["open_alerts"], found["open_tickets"]) == (1, 1)


def test_a_silent_pipelines_figures_are_unknown_not_old(house: House) -> None:
    """Without a fresh pulse nobody knows the samples of the last minute; the age of the last one goes on growing."""
    beat(house, timedelta(seconds=16))
    found = house.machine("viewer").get("/api/v1/status").json()
    assert found["running"] is False
    assert found["samples_last_minute"] is None
    assert found["queue_depth"] is None
    assert found["last_sample_age_s"] == pytest.approx(2.5)
    assert found["pulse_age_s"] == pytest.approx(16)


def test_before_the_first_pulse_nothing_is_claimed(house: House) -> None:
    """Absence is unknown, never zero."""
    found = house.machine("viewer").get("/api/v1/status").json()
    assert found["running"] is False
    assert found["last_sample_age_s"] is None
    assert found["samples_last_minute"] is None


def test_metrics_are_prometheus_text_without_the_unknown(house: House) -> None:
    """The text parses, counts what the status counts, and leaves out what nobody knows."""
    answer = house.machine("viewer").get("/metrics")
    found = {family.name: family.samples[0].value for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert found["bomc_alerts_open"] == 1
    assert found["bomc_pipeline_running"] == 0
    assert "bomc_queue_depth" not in found
    beat(house, timedelta(0))
    answer = house.machine("viewer").get("/metrics")
    found = {family.name: family.samples[0].value for family in text_string_to_metric_families(answer.text)}
    assert found["bomc_queue_depth"] == 3
    assert found["bomc_last_sample_age_seconds"] == pytest.approx(2.5)


def test_lists_show_rows_and_their_number(house: House) -> None:
    """Alerts and tickets with their totals, limited on demand; the limit itself has limits."""
    client = house.machine("viewer")
    alerts = client.get("/api/v1/alerts").json()
    assert alerts["total"] == 1
    assert alerts["alerts"][0]["check_name"] == "disk-full"
    assert client.get("/api/v1/alerts?state=resolved").json() == {"alerts": [], "total": 0}
    assert client.get("/api/v1/tickets").json()["tickets"][0]["title"] == "The disk is full"
    assert client.get("/api/v1/reconciliation/runs").json() == {"runs": []}
    assert client.get("/api/v1/targets").json() == {"targets": []}
    for limit in ("0", "-1", "1001", "x"):
        answer = client.get(f"/api/v1/alerts?limit={limit}")
        assert answer.status_code == 422
        assert "limit" in answer.json()["error"]


def test_a_ticket_is_assigned_and_resolved_once(house: House) -> None:
    """The commands do their work through the API, and their own sentences refuse what comes too late."""
    client = house.machine("operator")
    assigned = client.post("/api/v1/tickets/1/assign", json={"assignee": "operator"})
    assert assigned.json()["ticket"]["assignee"] == "operator"
    done = {"cause": "a log that nobody rotated", "remedy": "rotated"}
    assert client.post("/api/v1/tickets/1/resolve", json=done).json()["ticket"]["state"] == "resolved"
    again = client.post("/api/v1/tickets/1/resolve", json=done)
    assert again.status_code == 409
    assert "resolved" in again.json()["error"]
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(ticket.c.remedy)) == "rotated"


@pytest.mark.parametrize("number", ["2", "0", "-1", str(2**63), "9" * 30])
def test_what_is_not_there_is_404(house: House, number: str) -> None:
    """A number without a row is a sentence, however large it is."""
    answer = house.machine("operator").post(f"/api/v1/alerts/{number}/acknowledge", json={})
    assert answer.status_code == 404
    assert "There is no alert" in answer.json()["error"]


def test_what_is_sent_wrongly_is_422_and_changes_nothing(house: House) -> None:
    """A body that is not what the route reads is refused with the name of what is wrong."""
    client = house.machine("operator")
    for body in ({}, {"assignee": ""}, {"assignee": "x" * 65}, {"assignee": 7}):
        answer = client.post("/api/v1/tickets/1/assign", json=body)
        assert answer.status_code == 422
        assert "assignee" in answer.json()["error"]
    assert client.post("/api/v1/tickets/1/assign", content=b"{").status_code == 422


def test_the_description_is_for_those_who_are_in(house: House) -> None:
    """OpenAPI lists the API's routes to people and machines, and to no stranger."""
    assert house.client().get("/api/v1/openapi.json").status_code == 401
    described = house.machine("viewer").get("/api/v1/openapi.json").json()
    assert "/api/v1/alerts/{alert_id}/acknowledge" in described["paths"]
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert house.client().get(path).status_code == 303


def test_versions_change_when_something_does(house: House) -> None:
    """Each subject's counter differs after a change of it, and only then."""
    with reading(house.console.engine) as connection:
        before = versions(connection)
    beat(house, timedelta(0))
    house.machine("operator").post("/api/v1/alerts/1/acknowledge", json={})
    with reading(house.console.engine) as connection:
        after = versions(connection)
    assert {name for name in before if before[name] != after[name]} == {"samples", "alerts"}


def test_status_has_what_the_command_line_prints(house: House) -> None:
    """`bomc status --json` takes the same function."""
    with reading(house.console.engine) as connection:
        assert set(status(connection, NOON)) >= KEYS
