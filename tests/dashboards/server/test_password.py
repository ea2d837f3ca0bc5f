"""Basic authentication: the same throttle as the login, no hashing for what is known to be right, nobody who is out."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from core.people import passwords, throttle, users
from core.store.open import reading, writing
from core.store.tables import alert, audit
from dashboards.password import REMEMBERED, Proven
from dashboards.server import create_app
from tests.dashboards.server.conftest import PASSWORD, URL, House, sample_pages

ALERTS = "/api/v2/alerts"
PUSH = [{"labels": {"alertname": "Pushed"}}]


def basic(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def client(house: House) -> TestClient:
    """A machine that sends whatever the test says."""
    return house.client()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed."""
    seen: list[str] = []
    matches = passwords.matches

    def counted(stored: str | None, password: str) -> bool:
        seen.append(password)
        return matches(stored, password)

    monkeypatch.setattr(passwords, "matches", counted)
    return seen


def logins(house: House, action: str) -> int:
    with reading(house.console.engine) as connection:
        found = connection.scalar(select(func.count()).select_from(audit).where(audit.c.action == action))
    return int(found or 0)


def test_a_person_comes_in_with_the_rights_of_the_role(house: House, client: TestClient) -> None:
    """And acts under the own name; a viewer may look and not push."""
    assert client.get(ALERTS, headers=basic("viewer")).status_code == 200
    assert client.post(ALERTS, json=PUSH, headers=basic("viewer")).status_code == 403
    assert client.post(ALERTS, json=PUSH, headers=basic("operator")).status_code == 200
    assert client.get("/api/v1/status", headers=basic("viewer")).status_code == 200
    assert client.get("/metrics", headers=basic("viewer")).status_code == 200
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(alert).where(alert.c.check_name == "Pushed")) == 1


def test_a_password_opens_no_page_and_no_callback(client: TestClient) -> None:
    """It is for machines: pages have sessions."""
    for path in ("/", "/alerts", "/metrics-and-more", "/assets/live.js", "/_dash-layout"):
        answer = client.get(path, headers={**basic("admin"), "accept": "text/html"})
        assert answer.status_code in (303, 401), path


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"operator\0:x").decode(),
        "Basic " + base64.b64encode(b"operator:x\0").decode(),
        "Basic " + base64.b64encode(b"nobody:" + PASSWORD.encode()).decode(),
        "Basic " + base64.b64encode(b"operator:wrong password").decode(),
        "Basic " + base64.b64encode(b"operator:").decode(),
        "Digest x",
        "Bearer ",
        "Bearer bomc_unknown",
    ],
)
def test_a_stranger_gets_401_with_the_ways_in(client: TestClient, header: str) -> None:
    """One sentence that tells neither whether the account is there nor what of it was wrong."""
    answer = client.get(ALERTS, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer, Basic realm="bomc", charset="UTF-8"'
    assert answer.json()["error"].endswith(".")


def test_only_tools_of_others_are_told_of_passwords(client: TestClient) -> None:
    """A browser that reads our own API would else ask for one in a window of its own."""
    assert client.get("/api/v1/alerts").headers["www-authenticate"] == "Bearer"


def test_a_sender_is_hashed_once_and_written_down_once(house: House, client: TestClient, hashed: list[str]) -> None:
    """However often it comes."""
    for _ in range(5):
        assert client.get(ALERTS, headers=basic("operator")).status_code == 200
    assert hashed == [PASSWORD]
    assert logins(house, "login") == 1


def test_whoever_is_out_is_out_at_once(house: House, client: TestClient, hashed: list[str]) -> None:
    """Disabled, another password, another role: the next request knows, though the password was known to be right."""
    assert client.get(ALERTS, headers=basic("operator")).status_code == 200
    with writing(house.console.engine) as connection:
        users.set_role(connection, name="operator", role="viewer", by="admin", now=house.clock.now)
    assert client.post(ALERTS, json=PUSH, headers=basic("operator")).status_code == 403
    another = "eight green otters"
    with writing(house.console.engine) as connection:
        users.set_password(connection, name="operator", password=another, by="admin", now=house.clock.now)
    assert client.get(ALERTS, headers=basic("operator")).status_code == 401
    assert client.get(ALERTS, headers=basic("operator", another)).status_code == 200
    with writing(house.console.engine) as connection:
        users.disable(connection, name="operator", by="admin", now=house.clock.now)
    assert client.get(ALERTS, headers=basic("operator", another)).status_code == 401
    assert client.get(ALERTS, headers=basic("operator")).status_code == 401


def test_guesses_are_throttled_and_a_known_sender_goes_on(house: House, client: TestClient, hashed: list[str]) -> None:
    """After ten wrong ones nothing is hashed for a while; who was right before is not locked out by a stranger's guesses."""
    assert client.get(ALERTS, headers=basic("operator")).status_code == 200
    for number in range(throttle.PER_ACCOUNT):
        assert client.get(ALERTS, headers=basic("operator", f"wrong {number}")).status_code == 401
    before = len(hashed)
    answer = client.get(ALERTS, headers=basic("operator", "wrong again"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert len(hashed) == before
    assert client.get(ALERTS, headers=basic("operator")).status_code == 200
    assert logins(house, throttle.FAILED) == throttle.PER_ACCOUNT
    house.app = create_app(house.console, sample_pages(house))  # another process knows nobody yet
    assert house.client().get(ALERTS, headers=basic("operator")).status_code == 429
    house.clock.move(minutes=15)
    assert house.client().get(ALERTS, headers=basic("operator")).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_push_through_a_browser(house: House, headers: dict[str, str]) -> None:
    """Neither with a password that the browser remembers nor with the session that is open in it."""
    answer = house.client().post(ALERTS, json=PUSH, headers={**basic("operator"), **headers})
    assert answer.status_code == 403
    logged_in = house.client("operator")
    del logged_in.headers["Origin"]
    assert logged_in.post(ALERTS, json=PUSH, headers=headers).status_code == 403
    form = {"content-type": "text/plain", "Origin": URL}
    assert house.client("operator").post(ALERTS, content=b"[]", headers=form).status_code == 403
    forgetful = house.client("operator")
    del forgetful.headers["X-CSRFToken"]
    assert forgetful.post(ALERTS, json=PUSH).status_code == 403
    assert house.client("operator").post(ALERTS, json=PUSH).status_code == 200  # our own page
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(alert).where(alert.c.check_name == "Pushed")) == 1


def test_what_is_remembered_is_bounded_and_of_one_hash_only() -> None:
    proven = Proven()
    proven.remember("hash", "password")
    assert proven.knows("hash", "password")
    assert not proven.knows("another", "password")
    assert not proven.knows("hash", "passwor")
    assert not Proven().knows("hash", "password")
    for number in range(REMEMBERED):
        proven.remember("hash", str(number))
    assert not proven.knows("hash", "password")
    assert proven.knows("hash", str(REMEMBERED - 1))


def test_without_tls_nothing_changes_and_with_it_the_origin_is_https(house: House) -> None:
    """The same-origin rule is the console's own."""
    console = replace(house.console, external_url="https://console.test")
    house.app = create_app(console, sample_pages(house))
    secure = {**basic("operator"), "Origin": "https://console.test"}
    assert house.client().post(ALERTS, json=PUSH, headers=secure).status_code == 200
    plain = {**basic("operator"), "Origin": URL}
    assert house.client().post(ALERTS, json=PUSH, headers=plain).status_code == 403
