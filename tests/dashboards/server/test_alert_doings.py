"""What people do with alerts and silences through the page's own callbacks: done, refused in words, and on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from alerts.muting import silences
from core.people.rights import allowed
from core.store.open import reading, writing
from core.store.tables import alert, audit, shelf, silence_proposal, ticket
from dashboards import shell
from dashboards.callbacks import RIGHT
from dashboards.server import create_app
from tests.dashboards.server.conftest import NOON, House, an_alert
from tests.dashboards.server.matrix import UPDATE, forged


@pytest.fixture
def desk(bare: House) -> House:
    """The console's real pages over three open alerts, the third of another check and target."""
    with writing(bare.console.engine) as connection:
        for number, check, target in ((2, "disk-full", "host-2"), (3, "cpu", "host-1")):
            labels = {"alertname": check, "target": target, "severity": "warning", "site": "east"}
            changed = {"id": number, "fingerprint": f"f{number}", "check_name": check, "target": target}
            connection.execute(insert(alert).values(**an_alert() | changed | {"labels": labels}))
    bare.app = create_app(bare.console, lambda app: shell.register_pages(app, bare.console))
    return bare


def press(desk: House, role: str, button: str, **values: Any) -> Any:
    """The answer to a click on a button: `values` are the fields by id, with underscores for hyphens."""
    callbacks = desk.app.state.dash.callback_map
    (name,) = (key for key, entry in callbacks.items() if entry["inputs"][0]["id"] == button and RIGHT in entry)
    body = forged(desk.app, name)
    given = {key.replace("_", "-"): value for key, value in values.items()}
    for one in (*body["inputs"], *body["state"]):
        one["value"] = given.get(one["id"], 1 if one["id"] == button else None)
    return desk.client(role).post(UPDATE, json=body)


def told(answer: Any) -> list[str]:
    """What the page tells of it."""
    assert answer.status_code == 200, answer.text
    return [one["message"] for one in answer.json()["response"]["notices"]["sendNotifications"]]


def test_several_are_acknowledged_for_a_time_and_one_that_is_taken_is_told(desk: House) -> None:
    press(desk, "operator", "alerts-acknowledge", alerts_ids=[2], alerts_comment="", alerts_for="sticky")
    said = told(press(desk, "manager", "alerts-acknowledge", alerts_ids=[1, 2, 3, 99], alerts_for="2h"))
    assert said == [
        "Alert 2 is with operator already; ask them, or let them give it back.",
        "There is no alert 99.",
        "2 alerts are acknowledged.",
    ]
    with reading(desk.console.engine) as connection:
        rows = connection.execute(
            select(alert.c.acknowledged_by, alert.c.acknowledged_until).order_by(alert.c.id)
        ).all()
    assert [row.acknowledged_by for row in rows] == ["manager", "operator", "manager"]
    assert [row.acknowledged_until for row in rows] == [NOON + timedelta(hours=2), None, NOON + timedelta(hours=2)]


def test_several_are_shelved_with_a_reason_and_come_back(desk: House) -> None:
    refused = press(
        desk, "operator", "alerts-shelve", alerts_ids=[1, 2], alerts_shelve_reason=" ", alerts_shelve_for="1h"
    )
    assert told(refused) == ["Shelving needs a reason; say why it can wait."] * 2
    assert refused.json()["response"]["alerts-shelve-modal"]["opened"] is True
    done = press(
        desk, "operator", "alerts-shelve", alerts_ids=[1, 2], alerts_shelve_reason="parts", alerts_shelve_for="1h"
    )
    assert told(done) == ["2 alerts are shelved."]
    assert told(press(desk, "operator", "alerts-unshelve", alerts_ids=[2])) == ["The alert is back."]
    with reading(desk.console.engine) as connection:
        assert connection.scalars(select(shelf.c.fingerprint)).all() == ["f"]


def test_an_owner_is_the_tickets_and_a_ticket_is_opened_where_there_is_none(desk: House) -> None:
    """Alert 1 has a ticket; for alert 2 one is opened; nobody who cannot have tickets gets one."""
    assert told(press(desk, "operator", "alerts-assign", alerts_ids=[1, 2], alerts_assignee="manager")) == [
        "2 alerts have their owner."
    ]
    assert told(press(desk, "operator", "alerts-assign", alerts_ids=[3], alerts_assignee="")) == [
        "This needs somebody to have it; nothing was written."
    ]
    with reading(desk.console.engine) as connection:
        found = connection.execute(select(ticket.c.alert_id, ticket.c.assignee).order_by(ticket.c.id)).all()
    assert [tuple(row) for row in found] == [(1, "manager"), (2, "manager")]


def test_a_silence_is_filled_in_previewed_and_made(desk: House) -> None:
    """What the chosen alerts share is proposed; the preview counts; it mutes from now on."""
    filled = press(desk, "operator", "alerts-silence-modal", alerts_silence_modal=True, alerts_ids=[2, 3])
    assert filled.json()["response"]["alerts-silence-matchers"]["value"].splitlines() == [
        'site="east"',
        'target=~"host-1|host-2"',
        'alertname=~"cpu|disk-full"',
    ]
    shown = press(
        desk, "operator", "alerts-silence-matchers", alerts_silence_matchers='alertname="disk-full"\ntarget=host-2'
    )
    assert "Mutes 1 of 3 open alerts now." in shown.text
    made = press(
        desk,
        "operator",
        "alerts-silence-make",
        alerts_silence_matchers="target=host-2",
        alerts_silence_for="1h",
        alerts_silence_comment="disks",
    )
    assert told(made) == ["The silence holds."]
    with reading(desk.console.engine) as connection:
        (one,) = silences.active(connection, NOON)
    assert (str(one.matchers[0]), one.created_by, one.ends_at) == (
        'target="host-2"',
        "operator",
        NOON + timedelta(hours=1),
    )


BAD = {
    "no condition": ("", "c", "A silence needs at least one matcher"),
    "no comment": ("target=host-2", "", "A silence needs a comment"),
    "a bad expression": ('target=~"("', "c", "the regular expression '(' cannot be used"),
    "everything": ('alertname=~".+"', "c", "more than one person may decide"),
}


@pytest.mark.parametrize(("matchers", "comment", "sentence"), BAD.values(), ids=BAD.keys())
def test_a_silence_that_cannot_be_is_refused_and_stays_on_the_page(
    desk: House, matchers: str, comment: str, sentence: str
) -> None:
    given = {"alerts_silence_matchers": matchers, "alerts_silence_for": "1h", "alerts_silence_comment": comment}
    answer = press(desk, "operator", "alerts-silence-make", **given)
    assert sentence in told(answer)[0]
    assert answer.json()["response"]["alerts-silence-modal"]["opened"] is True
    with reading(desk.console.engine) as connection:
        assert silences.listed(connection, NOON) == []


def test_everything_is_silenced_by_two_people_only(desk: House) -> None:
    """Previewed as too much, proposed by one, not approved by the same, nor by who has no right; then by another."""
    everything = 'alertname=~".+"'
    shown = press(desk, "manager", "silence-new-matchers", silence_new_matchers=everything).json()["response"]
    assert (shown["silence-new-make"]["hidden"], shown["silence-new-propose"]["hidden"]) == (True, False)
    given = {"silence_new_matchers": everything, "silence_new_for": "1h", "silence_new_comment": "switch"}
    assert told(press(desk, "manager", "silence-new-propose", **given)) == [
        "The silence is proposed; another person approves it."
    ]
    assert press(desk, "operator", "silence-approve", alerts_ids=[1]).status_code == 403
    assert told(press(desk, "manager", "silence-approve", alerts_ids=[1])) == [
        "manager proposed silence 1; another person must approve it."
    ]
    assert told(press(desk, "operator", "silence-reject", alerts_ids=[1], silence_reject_reason="no")) == [
        "Only manager may withdraw silence 1, or reject it who could approve it."
    ]
    assert told(press(desk, "admin", "silence-approve", alerts_ids=[1])) == ["The silence is approved and holds."]
    with reading(desk.console.engine) as connection:
        assert [one.created_by for one in silences.active(connection, NOON)] == ["manager"]
        assert connection.scalar(select(silence_proposal.c.decided_by)) == "admin"
        doings = connection.execute(select(audit.c.who, audit.c.action)).all()
    assert ("admin", "approve silence") in [tuple(row) for row in doings]


def test_a_silence_is_extended_ended_and_made_again(desk: House) -> None:
    with writing(desk.console.engine) as connection:
        spec = silences.Spec(
            silences.of_rows([{"name": "target", "value": "host-2"}]), NOON, NOON + timedelta(hours=1), "c"
        )
        id = silences.create(connection, spec, "operator", NOON)
    here = {"url": f"?silence={id}"}
    assert told(press(desk, "operator", "silence-extend", silence_extend_for="2h", **here)) == [
        "The silence lasts longer."
    ]
    with reading(desk.console.engine) as connection:
        assert silences.get(connection, id).ends_at == NOON + timedelta(hours=3)
    desk.clock.move(minutes=1)
    assert told(press(desk, "operator", "silence-expire", **here)) == ["The silence has ended."]
    assert "has ended already" in told(press(desk, "operator", "silence-expire", **here))[0]
    again = press(desk, "operator", "silence-again", **here).json()["response"]
    assert again["silence-new-matchers"]["value"] == 'target="host-2"'
    assert again["silence-new-modal"]["opened"] is True


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_only_looks_can_do_nothing(desk: House, role: str) -> None:
    """Neither is there a button, nor does the server do it."""
    for button, right in (
        ("alerts-acknowledge", "alerts.acknowledge"),
        ("alerts-shelve", "alerts.shelve"),
        ("alerts-silence-make", "alerts.silence"),
        ("alerts-assign", "tickets.work"),
        ("silence-approve", "alerts.approve"),
        ("silence-reject", "alerts.silence"),
        ("on-call-test", "oncall.work"),
    ):
        assert not allowed(role, right)
        assert press(desk, role, button, alerts_ids=[1]).status_code == 403, button
