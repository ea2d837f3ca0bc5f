"""The gate: changes that our own page did not send, sessions that ended, and the headers of every response."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update

from core.people import users
from core.store.open import reading, writing
from core.store.tables import alert, audit, session, ticket
from dashboards.entrance import CSRF_COOKIE, SESSION_COOKIE
from dashboards.server import create_app
from tests.dashboards.server.conftest import URL, House, sample_pages
from tests.dashboards.server.matrix import UPDATE, doors, forged

ACKNOWLEDGE = "/api/v1/alerts/1/acknowledge"


def acknowledged(house: House) -> bool:
    with reading(house.console.engine) as connection:
        return connection.scalar(select(alert.c.acknowledged_by).where(alert.c.id == 1)) is not None


CSRF_CASES = {
    "no token": {"X-CSRFToken": None},
    "an empty token": {"X-CSRFToken": ""},
    "a wrong token": {"X-CSRFToken": "x" * 43},
    "another site": {"Origin": "http://evil.test"},
    "another port": {"Origin": URL + ":81"},
    "a sandboxed frame": {"Origin": "null"},
    "a look-alike host": {"Origin": URL + ".evil.test"},
    "another site without Origin": {"Origin": None, "Sec-Fetch-Site": "cross-site"},
    "a sibling site without Origin": {"Origin": None, "Sec-Fetch-Site": "same-site"},
    "plain text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "no content type": {"Content-Type": None},
}


@pytest.mark.parametrize("path", [ACKNOWLEDGE, UPDATE])
@pytest.mark.parametrize("case", CSRF_CASES)
def test_a_change_that_our_page_did_not_send_is_refused(house: House, case: str, path: str) -> None:
    """With a session cookie alone nothing changes: token, origin and content type must all be ours."""
    client = house.client("operator")
    headers = {"Content-Type": "application/json", **CSRF_CASES[case]}
    for name in [name for name, value in headers.items() if value is None]:
        client.headers.pop(name, None)
        del headers[name]
    answer = client.post(path, content=b'{"comment": "x"}', headers={k: v for k, v in headers.items() if v is not None})
    assert answer.status_code == 403
    assert answer.json()["error"].endswith(".")
    assert not acknowledged(house)


def test_the_csrf_value_of_another_session_does_not_fit(house: House) -> None:
    """Each session has its own: a second login's value opens nothing for the first."""
    client = house.client("operator")
    answer = client.post(ACKNOWLEDGE, json={}, headers={"X-CSRFToken": house.session("operator").csrf})
    assert answer.status_code == 403
    assert not acknowledged(house)


def test_our_own_page_may_change_things(house: House) -> None:
    """With token, origin and content type the change happens, and the trail names the person."""
    answer = house.client("operator").post(ACKNOWLEDGE, json={"comment": "on it"})
    assert answer.status_code == 200
    assert answer.json()["alert"]["acknowledged_by"] == "operator"
    with reading(house.console.engine) as connection:
        last = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(1)).one()
    assert (last.who, last.object) == ("operator", "alert/1")


def test_a_machine_needs_no_csrf_value(house: House) -> None:
    """A bearer token is never sent by a browser by itself, so it is proof enough; the trail names the token."""
    assert house.machine("operator").post(ACKNOWLEDGE, json={}).json()["alert"]["acknowledged_by"] == "token:m-operator"


def test_reading_changes_nothing(house: House) -> None:
    """No GET of any route changes a row: the tables are the same before and after all of them."""
    tables = (alert, ticket, audit)

    def rows() -> list[object]:
        with reading(house.console.engine) as connection:
            return [connection.execute(select(table).order_by(table.c.id)).all() for table in tables]

    client = house.client("admin")
    before = rows()
    for door in doors(house.app):
        if door.method == "GET":
            client.get(door.path)
    assert rows() == before
    assert client.get("/logout").status_code in (200, 404, 405)  # a page's frame, not a logout
    assert client.get("/api/v1/status").status_code == 200


def test_a_session_ends_when_nobody_uses_it(house: House) -> None:
    """After the idle time the server itself refuses the cookie, whatever the browser keeps."""
    client = house.client("viewer")
    for _ in range(3):
        house.clock.move(minutes=29)
        assert client.get("/api/v1/status").status_code == 200
    house.clock.move(minutes=30)
    assert client.get("/api/v1/status").status_code == 401
    assert client.get("/").status_code == 303


def test_a_session_ends_at_the_end_of_its_lifetime(house: House) -> None:
    """Use it as one may, twelve hours after the login it is over."""
    client = house.client("viewer")
    for _ in range(35):
        house.clock.move(minutes=20)
        assert client.get("/api/v1/status").status_code == 200
    house.clock.move(minutes=20)
    assert client.get("/api/v1/status").status_code == 401


def test_disabling_an_account_ends_its_pages_at_once(house: House) -> None:
    """The next request of the disabled person is a stranger's."""
    client = house.client("operator")
    assert client.get("/").status_code == 200
    with writing(house.console.engine) as connection:
        users.disable(connection, name="operator", by="admin", now=house.clock.now)
    assert client.get("/").status_code == 303
    assert client.post(UPDATE, json=forged(house.app, "shown.children")).status_code == 401


def test_a_lesser_role_takes_effect_with_the_next_request(house: House) -> None:
    """What was allowed a moment ago is refused after the demotion."""
    client = house.client("operator")
    with writing(house.console.engine) as connection:
        users.set_role(connection, name="operator", role="viewer", by="admin", now=house.clock.now)
    assert client.post(ACKNOWLEDGE, json={}).status_code == 403


def test_made_up_cookies_and_tokens_are_nobody(house: House) -> None:
    """Garbage in either place is 401, not 500; a bad token is not rescued by a good cookie."""
    client = house.client()
    for cookie in ("", "x", "x" * 5000, '"', "%00"):
        client.cookies.set(SESSION_COOKIE, cookie)
        assert client.get("/api/v1/status").status_code == 401
    known = house.client("admin")
    for value in ("Bearer", "Bearer ", "Bearer x", "Bearer " + "x" * 5000):
        answer = known.get("/api/v1/status", headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def every_kind_of_answer(house: House) -> list[tuple[str, object]]:
    stranger, admin = house.client(), house.client("admin")
    return [
        ("page", admin.get("/")),
        ("login page", stranger.get("/login")),
        ("login style", stranger.get("/login/login.css")),
        ("redirect", stranger.get("/")),
        ("401", stranger.get("/api/v1/status")),
        ("403", house.client("viewer").post(ACKNOWLEDGE, json={})),
        ("404", admin.get("/api/v1/nothing")),
        ("405", admin.delete("/api/v1/status")),
        ("413", stranger.post("/login", content=b"x" * 100_000)),
        ("422", admin.post(ACKNOWLEDGE, json={"comment": 7})),
        ("500", admin.post(UPDATE, json=forged(house.app, "broken.children"))),
        ("asset", admin.get("/assets/live.js")),
        ("missing asset", admin.get("/assets/nothing.js")),
        ("component", admin.get("/_dash-component-suites/dash/deps/react@18.3.1.min.js")),
        ("a component's source", admin.get("/_dash-component-suites/dash/../../secret.py")),
        ("no such package", admin.get("/_dash-component-suites/os/path.py")),
        ("callback", admin.post(UPDATE, json=forged(house.app, "shown.children"))),
        ("health", stranger.get("/-/healthy")),
        ("logout", admin.post("/logout", json={})),
    ]


def test_every_response_carries_the_security_headers(house: House) -> None:
    """Pages, refusals, errors, redirects and assets alike."""
    for kind, answer in every_kind_of_answer(house):
        headers = answer.headers  # type: ignore[attr-defined]
        policy = headers["content-security-policy"]
        assert "unsafe-eval" not in policy, kind
        assert "script-src 'self'" in policy, kind
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0], kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "connect-src 'self'" in policy, kind
        assert headers["x-content-type-options"] == "nosniff", kind
        assert headers["referrer-policy"] == "same-origin", kind
        assert "cache-control" in headers, kind
        assert "strict-transport-security" not in headers, kind
        assert "http:" not in policy.replace(URL, ""), kind


def test_refusals_say_one_sentence(house: House) -> None:
    """Every 4xx and 5xx of the server is JSON with a sentence, and none tells of the inside."""
    for kind, answer in every_kind_of_answer(house):
        if answer.status_code >= 400:  # type: ignore[attr-defined]
            assert set(answer.json()) == {"error"}, kind  # type: ignore[attr-defined]
            assert "Traceback" not in answer.text, kind  # type: ignore[attr-defined]


def test_behind_tls_cookies_are_secure_and_hsts_is_sent(bare: House) -> None:
    """When people reach the console through https, nothing of it travels without."""
    bare.console = replace(bare.console, external_url="https://console.test")
    bare.app = create_app(bare.console, sample_pages(bare))
    answer = bare.client().post(
        "/login",
        data={"name": "viewer", "password": "seven brown otters"},
        headers={"Origin": "https://console.test"},
    )
    assert answer.status_code == 303
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("Secure" in cookie for cookie in cookies)
    client = bare.client("operator")  # whose Origin is http://
    assert client.post(ACKNOWLEDGE, json={}).status_code == 403


def test_inline_scripts_of_the_page_are_all_in_the_policy(house: House) -> None:
    """The page would stand still otherwise; and no hash is there that the page does not need."""
    answer = house.client("viewer").get("/")
    from dashboards.server import inline_scripts

    hashes = inline_scripts(house.app, house.app.state.dash)
    assert hashes
    assert all(one in answer.headers["content-security-policy"] for one in hashes)


def test_without_the_store_the_console_says_so(house: House) -> None:
    """Nobody is let in unchecked when the sessions cannot be read: 503 and a sentence."""
    client = house.client("admin")
    with writing(house.console.engine) as connection:
        connection.execute(text("ALTER TABLE session RENAME TO session_elsewhere"))
    answer = client.get("/")
    assert answer.status_code == 503
    assert "store" in answer.json()["error"]
    assert "session_elsewhere" not in answer.text
    assert client.get("/-/healthy").status_code == 200


def test_readiness_is_of_store_and_schema(house: House) -> None:
    """Ready when the database answers with today's schema; alive in any case; neither tells strangers details."""
    client = house.client()
    assert client.get("/-/ready").json() == {"status": "ready"}
    with writing(house.console.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = client.get("/-/ready")
    assert answer.status_code == 503
    assert "9999" not in answer.text
    assert client.head("/-/healthy").status_code == 200


def test_uses_of_a_session_are_written_once_a_minute(house: House) -> None:
    """A page that refreshes each second does not write to the store each second."""
    client = house.client("viewer")
    with writing(house.console.engine) as connection:
        connection.execute(update(session).values(seen_at=house.clock.now))
    seen = set()
    for _ in range(30):
        house.clock.move(seconds=5)
        client.get("/api/v1/status")
        with reading(house.console.engine) as connection:
            seen.update(connection.scalars(select(session.c.seen_at)).all())
    assert len(seen) == 3  # the login's, and two of 150 seconds


def test_a_page_does_not_wait_for_whoever_writes(house: House) -> None:
    """While the store is being written the page answers at once; the use is noted by the next request after that."""
    client = house.client("viewer")
    house.clock.move(seconds=90)
    assert house.console.engine.dialect.name == "sqlite"  # which has one writer at a time
    with writing(house.console.engine):
        begun = time.monotonic()
        assert client.get("/api/v1/status").status_code == 200
        assert time.monotonic() - begun < 10
    with reading(house.console.engine) as connection:
        assert house.clock.now not in connection.scalars(select(session.c.seen_at)).all()
    assert client.get("/api/v1/status").status_code == 200
    with reading(house.console.engine) as connection:
        assert house.clock.now in connection.scalars(select(session.c.seen_at)).all()


def test_a_page_of_another_session_cannot_log_one_out(house: House) -> None:
    """The logout's form carries the session's own CSRF value; without it nothing happens."""
    client = house.client("viewer")
    del client.headers["X-CSRFToken"]
    assert client.post("/logout", data={"csrf": "wrong"}).status_code == 403
    assert client.get("/").status_code == 200
    cookie = client.cookies[SESSION_COOKIE]
    answer = client.post("/logout", data={"csrf": client.cookies[CSRF_COOKIE]})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login"
    client.cookies.set(SESSION_COOKIE, cookie)
    assert client.get("/").status_code == 303


def test_answers_are_compressed_for_those_who_can_read_that_and_keep_their_headers(house: House) -> None:
    """A page's frame and a bundle come as gzip with the security headers; who asks for none gets them plain."""
    client = house.client("viewer")
    page = client.get("/", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["vary"]
    bundle = re.search(r'src="(/_dash-component-suites/[^"]+)"', page.text)
    assert bundle is not None
    answer = client.get(bundle[1], headers={"Accept-Encoding": "gzip"})
    plain = client.get(bundle[1], headers={"Accept-Encoding": "identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert answer.content == plain.content
    assert int(answer.headers["cache-control"].partition("max-age=")[2].partition(",")[0]) >= 86_400 * 30
    for one in (page, answer, plain):
        assert one.headers["content-security-policy"].startswith("default-src 'none'")
        assert one.headers["x-content-type-options"] == "nosniff"
