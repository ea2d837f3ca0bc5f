"""Every role x every route and every callback, generated: who is let in, who is refused, and nothing is forgotten."""

from __future__ import annotations

import pytest
from dash import Dash, Input, Output, html
from fastapi import FastAPI

from core.people.rights import ROLES, allowed
from dashboards import shell
from dashboards.callbacks import guarded
from dashboards.server import Unguarded, create_app
from tests.dashboards.server.conftest import House, sample_pages
from tests.dashboards.server.matrix import UPDATE, callbacks, doors, forged

VALUES = (None, "forged", 10**12, [{"x": "<script>"}], {"tick": "?"})
"""What a stranger to the page might put into its inputs."""


@pytest.fixture(params=["sample", "real"])
def whole(request: pytest.FixtureRequest, bare: House) -> House:
    """The house with the sample pages, and with the console's real ones."""
    bare.gates["quick"].set()
    pages = sample_pages(bare) if request.param == "sample" else lambda app: shell.register_pages(app, bare.console)
    bare.app = create_app(bare.console, pages)
    return bare


def test_a_stranger_gets_nothing(whole: House) -> None:
    """Every route but the login and the health answers 401, or sends a browser to the login."""
    client = whole.client()
    for door in doors(whole.app):
        answer = client.request(door.method, door.path, headers={"accept": "text/html"})
        if door.public:
            assert answer.status_code not in (303, 403), door
            assert "Nobody is logged in" not in answer.text, door
        elif answer.status_code == 303:
            assert door.method == "GET", door
            assert answer.headers["location"].startswith("/login?next=%2F"), door
        else:
            assert answer.status_code == 401, door
            assert answer.json()["error"].endswith("."), door


@pytest.mark.parametrize("role", ROLES)
def test_a_person_gets_what_the_role_allows(whole: House, role: str) -> None:
    """A route that names a right is open to the roles that have it and 403 to the others."""
    for door in doors(whole.app):
        if door.public or door.path == UPDATE:
            continue
        client = whole.client(role)  # anew for each: one of the doors is the logout
        answer = client.request(door.method, door.path, json={} if door.method in ("POST", "DELETE") else None)
        if door.right is None or allowed(role, door.right):
            assert answer.status_code not in (401, 403), (door, answer.text)
            assert answer.status_code < 500, (door, answer.text)
        else:
            assert answer.status_code == 403, door
            assert door.right in answer.json()["error"]


@pytest.mark.parametrize("role", ROLES)
def test_a_machine_gets_only_the_api_and_what_its_role_allows(whole: House, role: str) -> None:
    """A bearer token opens `/api/` and `/metrics` by its role, and no page, callback or asset."""
    client = whole.machine(role)
    for door in doors(whole.app):
        if door.public:
            continue
        answer = client.request(door.method, door.path, json={} if door.method in ("POST", "DELETE") else None)
        if not door.path.startswith(("/api/", "/metrics", "/-/reload")):
            assert answer.status_code in (303, 401), door
        elif door.right is not None and allowed(role, door.right):
            assert answer.status_code not in (401, 403), (door, answer.text)
            assert answer.status_code < 500, (door, answer.text)
        else:
            assert answer.status_code == 403, door


@pytest.mark.parametrize("role", ROLES)
def test_every_callback_posted_directly_with_forged_state(whole: House, role: str) -> None:
    """A callback runs for the roles that have its right, whatever is in its inputs; the others get 403 and no word."""
    client = whole.client(role)
    seen = 0
    for name, right in callbacks(whole.app):
        for value in VALUES:
            answer = client.post(UPDATE, json=forged(whole.app, name, value))
            seen += 1
            if right is None:
                assert answer.status_code == 404, name
            elif not allowed(role, right):
                assert answer.status_code == 403, name
                assert "response" not in answer.json()
            elif answer.status_code >= 400:  # no page ever sends this; it is said so, and nothing of the inside
                assert answer.status_code in (400, 500), (name, value, answer.text)
                assert set(answer.json()) == {"error"}
                assert "secret" not in answer.text
                assert value is not None or "broken" in name, (name, answer.text)
            else:
                assert answer.status_code in (200, 204), (name, value, answer.text)
    assert seen >= len(VALUES)


def test_strangers_and_machines_run_no_callback(whole: House) -> None:
    """Neither a missing session nor an admin's bearer token opens the callbacks' door."""
    for client in (whole.client(), whole.machine("admin")):
        for name, _right in callbacks(whole.app):
            assert client.post(UPDATE, json=forged(whole.app, name)).status_code == 401, name


def test_every_api_route_names_a_right_that_exists(whole: House) -> None:
    """The matrix itself covers the API: each of its doors has a right in the table."""
    api = [door for door in doors(whole.app) if door.path.startswith(("/api/", "/metrics"))]
    assert len(api) >= 10
    assert all(door.right for door in api)


def test_a_callback_without_a_right_keeps_the_console_from_starting(bare: House) -> None:
    """Default deny begins before the first request."""

    def pages(app: Dash) -> None:
        app.layout = html.Div()

        @app.callback(Output("a", "children"), Input("b", "children"))  # type: ignore[untyped-decorator]
        def open_to_all(value: str) -> str:
            return value

    with pytest.raises(Unguarded, match=r"a\.children"):
        create_app(bare.console, pages)


def test_a_callback_slipped_in_later_is_not_run(house: House) -> None:
    """Should one appear after the start, the dispatcher refuses it to everybody."""
    dash: Dash = house.app.state.dash

    @dash.callback(Output("late", "children"), Input("live", "data"))  # type: ignore[untyped-decorator]
    def late(value: str) -> str:
        return "secret"

    answer = house.client("admin").post(UPDATE, json=forged(house.app, "late.children"))
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_an_api_route_without_a_right_keeps_the_console_from_starting(
    bare: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten dependency is found at the start, not by a visitor."""
    from dashboards import api

    register = api.register

    def forgotten() -> str:
        return "open to all"

    def forgetful(app: FastAPI, console: object) -> None:
        register(app, console)  # type: ignore[arg-type]
        app.add_api_route("/api/v1/forgotten", forgotten)

    monkeypatch.setattr(api, "register", forgetful)
    with pytest.raises(Unguarded, match="/api/v1/forgotten"):
        create_app(bare.console, None)


def test_a_callback_with_an_unknown_right_cannot_be_registered(house: House) -> None:
    """A typing error in a right is found when the page is registered."""
    with pytest.raises(ValueError, match=r"no right 'see\.evrything'"):
        guarded(house.app.state.dash, "see.evrything", Output("x", "children"), Input("live", "data"))


def test_a_callback_cannot_escape_through_other_doors(house: House) -> None:
    """Background, WebSocket and API end points of Dash would be answered outside of the gate."""
    for option in ({"background": True}, {"websocket": True}, {"api_endpoint": "/x"}, {"persistent": True}):
        with pytest.raises(ValueError, match="outside of the gate"):
            guarded(house.app.state.dash, "see.alerts", Output("x", "children"), Input("live", "data"), **option)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"{}",
        b'{"output": 7}',
        b'{"output": "shown.children"}',
        b'{"output": "shown.children", "inputs": {}}',
        b'{"output": "shown.children", "inputs": [], "state": []}',
        b'{"output": "shown.children", "inputs": [{"id": "other", "property": "data"}], "state": [7]}',
        b'{"output": "nothing.here", "inputs": [], "state": []}',
    ],
)
def test_a_request_that_is_no_callbacks_is_refused_in_words(house: House, body: bytes) -> None:
    """Garbage is the sender's fault: 400 or 404 with a sentence, never 500."""
    answer = house.client("admin").post(UPDATE, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404)
    assert answer.json()["error"].endswith(".")
