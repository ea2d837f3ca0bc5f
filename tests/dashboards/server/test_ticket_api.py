"""Tickets over HTTP: machines open and move them, people take files away, and a viewer changes nothing."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from core.people.rights import ROLES
from core.store.open import reading, writing
from core.store.tables import break_case, ticket, user
from dashboards.server import create_app
from dashboards.shell import register_pages
from dashboards.ticket_doings import named, number_of
from dashboards.uploads import decoded
from tests.alerts.tickets.world import an_alert
from tests.dashboards.server.conftest import House
from tests.dashboards.server.matrix import UPDATE
from tests.reconciliation.desk.world import case_of

FEE = {
    "kind": "high_fee",
    "title": "CNY 9,000 of roaming",
    "fields": {"subscriber": "13812345678", "period": "2026-02", "amount": "9000.00 CNY", "usage": "roaming"},
}
TICKETS = "/api/v1/tickets"


def opened(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post(TICKETS, json=FEE | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def do(client: TestClient, number: int, doing: str, fields: dict[str, str] | None = None, **said: str) -> Any:
    return client.post(f"{TICKETS}/{number}/do", json={"doing": doing, "said": said, "fields": fields})


def test_a_machine_takes_a_ticket_from_its_opening_to_its_end(house: House) -> None:
    """Opened with a token, worked on by another, confirmed by the first, closed; the number of the subscriber is masked."""
    manager, operator = house.machine("manager"), house.machine("operator")
    found = opened(manager, alert=1)
    number = found["ticket"]["id"]
    assert found["ticket"]["fields"]["subscriber"] == "138****5678"
    assert found["ticket"]["fields"]["amount"] == {"minor": 900_000, "currency": "CNY"}
    assert found["ticket"]["priority"] == "high"
    assert [(link["relation"], link["number"]) for link in found["links"]] == [("alert", 1)]
    assert "13812345678" not in str(operator.get(f"{TICKETS}/{number}").json())
    assert do(operator, number, "take").json()["ticket"]["state"] == "accepted"
    missing = do(operator, number, "resolve", cause="a", remedy="b")
    assert (missing.status_code, missing.json()["error"]) == (
        409,
        "This needs the field finding; nothing was written.",
    )
    done = do(operator, number, "resolve", {"finding": "genuine", "verified_by": "li"}, cause="a", remedy="b")
    assert done.json()["doings"] == ["reopen"]  # who did the work does not confirm it
    assert do(operator, number, "confirm").status_code == 409
    assert do(manager, number, "confirm").json()["ticket"]["state"] == "confirmed"
    closed = do(operator, number, "close").json()
    assert closed["ticket"]["state"] == "closed"
    assert [event["kind"] for event in reversed(closed["history"])] == [
        "opened",
        "linked",
        "taken",
        "resolved",
        "confirmed",
        "closed",
    ]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"kind": "hi"}, 422, "There is no kind of ticket 'hi'"),
    ({"fields": {}}, 422, "This needs the field subscriber"),
    ({"fields": FEE["fields"] | {"amount": "much"}}, 422, "is no amount with its currency"),  # type: ignore[operator]
    ({"priority": "p1"}, 422, "There is no priority 'p1'"),
    ({"department": "moon"}, 422, "'moon' is no party"),
    ({"title": ""}, 422, "title"),
    ({"alert": 99}, 422, "There is no alert 99"),
    ({"about": "change/99"}, 422, "There is no change 99"),
    ({"about": "room 7"}, 422, "'room 7' is nothing that a ticket can be about"),
    ({"opened_by": "admin"}, 422, "opened_by"),
]


@pytest.mark.parametrize(("changes", "status", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_a_ticket_that_cannot_be_opened_as_asked_leaves_nothing(
    house: House, changes: dict[str, Any], status: int, why: str
) -> None:
    answer = house.machine("operator").post(TICKETS, json=FEE | changes)
    assert answer.status_code == status
    assert why in answer.json()["error"]
    with reading(house.console.engine) as connection:
        assert len(connection.execute(ticket.select()).all()) == 1


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_work_on_tickets_change_them(house: House, role: str) -> None:
    client = house.machine(role)
    works = role in ("operator", "manager", "admin")
    number = opened(house.machine("admin"))["ticket"]["id"]
    bodies = {
        "do": {"doing": "take"},
        "comments": {"text": "hm"},
        "links": {"relation": "caused_by", "number": 1},
        "files": {"name": "a.txt", "content_base64": base64.b64encode(b"a").decode()},
    }
    for what, body in bodies.items():
        answer = client.post(f"{TICKETS}/{number}/{what}", json=body)
        assert answer.status_code == (200 if works else 403), (what, answer.text)
        assert client.post(f"{TICKETS}/99/{what}", json=body).status_code == (404 if works else 403)
    assert client.post(TICKETS, json=FEE).status_code == (201 if works else 403)
    assert client.get(f"{TICKETS}/{number}").status_code == 200
    offered = client.get(f"{TICKETS}/{number}").json()["doings"]
    assert bool(offered) is works


def test_a_file_is_only_ever_saved_and_never_shown(house: House) -> None:
    """Markup comes back as plain text, as an attachment, with nosniff, under a name that is only a name."""
    content = b"<script>alert(document.cookie)</script>"
    client = house.machine("operator")
    body = {"name": '../报告";x.html', "content_base64": base64.b64encode(content).decode()}
    (file,) = client.post(f"{TICKETS}/1/files", json=body).json()["files"]
    assert "content" not in file
    answer = house.client("viewer").get(f"/exports/tickets/1/{file['id']}")
    assert answer.content == content
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    named = "attachment; filename=\"____x.html\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A__x.html"
    assert answer.headers["content-disposition"] == named
    assert "script-src" in answer.headers["content-security-policy"]
    for path in (f"2/{file['id']}", "1/999", f"{2**70}/1"):
        assert house.client("viewer").get(f"/exports/tickets/{path}").status_code == 404
    bad = client.post(f"{TICKETS}/1/files", json={"name": "a", "content_base64": "***"})
    assert bad.status_code == 422
    program = {"name": "a.png", "content_base64": base64.b64encode(b"MZ\0\0").decode()}
    assert client.post(f"{TICKETS}/1/files", json=program).status_code == 409


def test_the_figures_are_the_same_as_csv(house: House) -> None:
    """By month, kind and department: one was resolved in time, in 30 minutes."""
    operator = house.machine("operator")
    number = opened(operator)["ticket"]["id"]
    do(operator, number, "take")
    house.clock.move(minutes=30)
    do(operator, number, "resolve", {"finding": "fraud", "verified_by": "li"}, cause="a", remedy="b")
    (row,) = operator.get(f"{TICKETS}/figures").json()["figures"]
    assert (row["month"], row["kind"], row["tickets"], row["elapsed_minutes"]) == ("2026-03", "high_fee", 1, 30.0)
    assert row["handled_minutes"] == 0.0  # the evening is no working time
    assert (row["answered_in_time"], row["resolved_in_time"]) == (1, 1)
    text = house.client("viewer").get("/exports/tickets.csv?kind=complaints").content.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    names = ("month", "kind", "handled_minutes", "elapsed_minutes", "tickets")
    assert [line[name] for name in names] == ["2026-03", "high_fee", "0.00", "30.00", "1"]
    assert operator.get(f"{TICKETS}/figures?kind=fault").json()["figures"] == []


def test_a_ticket_is_about_something(house: House) -> None:
    """An alert without a ticket has this one from then on; whatever it is tied to is named; a break has it, too."""
    client = house.machine("operator")
    with writing(house.console.engine) as connection:
        number, case = an_alert(connection, 77), case_of(connection)
    found = opened(client, about=f"alert/{number}")
    assert (found["ticket"]["alert_id"], found["links"]) == (number, [])
    assert opened(client, about=f"alert/{number}")["links"][0]["title"] == "disk-full"
    found = opened(client, about=f"break/{case}")
    (link,) = found["links"]
    assert (link["relation"], link["number"], bool(link["title"])) == ("break", case, True)
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(break_case.c.ticket_id).where(break_case.c.id == case)) == found["ticket"]["id"]


def test_a_dispatcher_gives_out_what_was_passed_on_by_either_way(house: House) -> None:
    """The rights are those of who asks, in the short routes as in `do`."""
    with writing(house.console.engine) as connection:
        connection.execute(update(user).where(user.c.name == "operator").values(department="market"))
        connection.execute(update(user).where(user.c.name == "admin").values(department="network"))
    operator, manager = house.machine("operator"), house.machine("manager")
    number = operator.post(TICKETS, json={"kind": "fault", "title": "a link is down"}).json()["ticket"]["id"]
    do(operator, number, "transfer", department="network", reason="theirs")
    for client, status in ((operator, 409), (manager, 200)):
        assert client.post(f"{TICKETS}/{number}/assign", json={"assignee": "operator"}).status_code == status
    nobody = manager.post(f"{TICKETS}/{number}/assign", json={"assignee": "opperator"})
    assert (nobody.status_code, "There is no account named opperator" in nobody.text) == (409, True)


def test_a_link_comes_off_and_the_priority_changes(house: House) -> None:
    """Both with a sentence where they cannot, and with the right that each needs."""
    operator, manager = house.machine("operator"), house.machine("manager")
    first, second = (opened(operator)["ticket"]["id"] for _each in range(2))
    operator.post(f"{TICKETS}/{first}/links", json={"relation": "caused_by", "number": second})
    off = operator.delete(f"{TICKETS}/{first}/links/caused_by/{second}")
    assert (off.status_code, off.json()["links"]) == (200, [])
    assert operator.delete(f"{TICKETS}/{first}/links/caused_by/{second}").status_code == 409
    assert house.machine("viewer").delete(f"{TICKETS}/{first}/links/caused_by/{second}").status_code == 403
    lower = {"priority": "low", "reason": "it can wait"}
    refused = operator.post(f"{TICKETS}/{first}/priority", json=lower)
    assert (refused.status_code, "for a dispatcher" in refused.text) == (409, True)
    done = manager.post(f"{TICKETS}/{first}/priority", json=lower)
    assert (done.status_code, done.json()["ticket"]["priority"]) == (200, "low")
    assert done.json()["history"][0]["kind"] == "priority"


def test_a_forged_callback_moves_nothing_for_a_viewer_and_only_what_may_be_moved_for_others(bare: House) -> None:
    """The page hides a button; the server refuses the doing."""
    bare.app = create_app(bare.console, lambda app: register_pages(app, bare.console))
    entry = next(name for name, one in bare.app.state.dash.callback_map.items() if "ticket-take" in str(one["inputs"]))

    def press(client: TestClient, button: str) -> Any:
        spec = bare.app.state.dash.callback_map[entry]
        inputs = [
            {"id": one["id"], "property": one["property"], "value": 1 if one["id"] == button else None}
            for one in spec["inputs"]
        ]
        state: list[Any] = []
        for one in spec["state"]:
            if one["id"].startswith("{"):
                state.append([])
            else:
                value = "/tickets/1" if one["property"] == "pathname" else ""
                state.append({"id": one["id"], "property": one["property"], "value": value})
        outputs = [
            {"id": part.partition("@")[0].rpartition(".")[0], "property": part.partition("@")[0].rpartition(".")[2]}
            for part in entry[2:-2].split("...")
        ]
        body = {
            "output": entry,
            "outputs": outputs,
            "inputs": inputs,
            "state": state,
            "changedPropIds": [f"{button}.n_clicks"],
        }
        return client.post(UPDATE, json=body)

    def state_of() -> str:
        with reading(bare.console.engine) as connection:
            return str(connection.execute(ticket.select()).one().state)

    assert press(bare.client("viewer"), "ticket-take").status_code == 403
    assert state_of() == "open"
    refused = press(bare.client("operator"), "ticket-close")
    assert refused.status_code == 200
    assert "to close it, it must be resolved" in refused.text
    assert state_of() == "open"
    assert press(bare.client("operator"), "ticket-take").status_code == 200
    assert state_of() == "accepted"


ADDRESSES = [
    ("/tickets/12", "", 12),
    ("/tickets/12/", "?ticket=3", 12),
    ("/tickets", "?ticket=3", 3),
    ("/tickets/new", "?ticket=x", None),
    (None, None, None),
    ("/tickets/12a", "", None),
]


@pytest.mark.parametrize(("path", "search", "number"), ADDRESSES)
def test_which_ticket_an_address_is_about(path: object, search: object, number: int | None) -> None:
    assert number_of(path, search) == number


def test_what_a_page_sends_is_taken_for_what_it_is() -> None:
    """Data URLs and fields of a form, or nothing."""
    assert decoded("data:text/plain;base64,aGk=") == b"hi"
    assert [decoded(one) for one in (None, "", "aGk=", "data:text/plain,hi", "data:x;base64,*")] == [None] * 5
    assert named([{"ticket-field": "a"}, {"ticket-field": "b"}, 7], [" x ", "", "y"]) == {"a": "x"}
    assert named("forged", None) == {}
