"""The login page: who comes in, how guessing is slowed, and where one is sent afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from core.people import throttle
from core.store.open import reading
from core.store.tables import audit, session
from dashboards.entrance import CSRF_COOKIE, SESSION_COOKIE
from dashboards.login import attempt, safe_next
from dashboards.server import create_app
from tests.dashboards.server.conftest import PASSWORD, URL, House, sample_pages


def enter(house: House, name: str = "viewer", password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    client = house.client()
    return client, client.post("/login", data={"name": name, "password": password, **more})


def test_the_right_password_opens_the_page_that_was_asked_for(house: House) -> None:
    """303 to the page, with a cookie that scripts cannot read and one that they must."""
    client, answer = enter(house, next="/alerts?state=open")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/alerts?state=open"
    cookies = {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}
    assert "HttpOnly" in cookies[SESSION_COOKIE]
    assert "SameSite=lax" in cookies[SESSION_COOKIE]
    assert "HttpOnly" not in cookies[CSRF_COOKIE]
    assert "SameSite=strict" in cookies[CSRF_COOKIE]
    assert client.get("/").status_code == 200


def test_a_login_has_a_new_id_whatever_cookie_was_there(house: House) -> None:
    """A cookie that somebody planted before the login is not the session's afterwards."""
    client = house.client()
    client.cookies.set(SESSION_COOKIE, "planted")
    client.post("/login", data={"name": "viewer", "password": PASSWORD})
    values = {cookie.value for cookie in client.cookies.jar if cookie.name == SESSION_COOKIE}
    assert values - {"planted"}
    assert house.client().get("/", headers={"cookie": f"{SESSION_COOKIE}=planted"}).status_code == 303


def test_a_wrong_login_says_the_same_for_known_and_unknown_accounts(house: House) -> None:
    """Neither text nor status tells whether the account exists, and no session is made."""
    pages = [enter(house, name, "wrong password")[1] for name in ("viewer", "nobody")]
    assert [page.status_code for page in pages] == [401, 401]
    assert pages[0].text.replace("viewer", "nobody") == pages[1].text
    assert "not right" in pages[0].text or "不" in pages[0].text
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(session)) == 0


def test_guessing_is_throttled_and_ends_by_itself(house: House) -> None:
    """After ten failures even the right password waits, and is told how long; a quarter of an hour later it works."""
    for _ in range(throttle.PER_ACCOUNT):
        assert enter(house, password="wrong password")[1].status_code == 401
    _, answer = enter(house)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == throttle.WINDOW.total_seconds()
    assert "15" in answer.text
    assert enter(house, "operator")[1].status_code == 303
    house.clock.move(minutes=15)
    assert enter(house)[1].status_code == 303


def test_a_thousand_guesses_from_many_places_at_once_are_throttled(bare: House) -> None:
    """Eight workers guess together: hardly more than the allowed failures are ever tried."""

    def guess(number: int) -> bool:
        tried = attempt(bare.console, "viewer", f"wrong {number}", f"10.0.{number % 250}.1")
        assert tried.session is None
        return not tried.wait

    with ThreadPoolExecutor(8) as pool:
        heard = sum(pool.map(guess, range(1000)))
    assert throttle.PER_ACCOUNT <= heard <= throttle.PER_ACCOUNT + 8
    with reading(bare.console.engine) as connection:
        written = connection.scalar(select(func.count()).select_from(audit).where(audit.c.action == throttle.FAILED))
    assert written == heard


NEXT_CASES = {
    "/": "/",
    "/alerts": "/alerts",
    "/alerts?state=open&q=%2F": "/alerts?state=open&q=%2F",
    "": "/",
    "alerts": "/",
    "http://evil.test/": "/",
    "//evil.test/": "/",
    "/\\evil.test": "/",
    "\\\\evil.test": "/",
    "/\t/evil.test": "/",
    "/\n//evil.test": "/",
    "javascript:alert(1)": "/",
    "/login?next=/login": "/",
    "/logout": "/",
    "/_dash-layout": "/",
}


@pytest.mark.parametrize("target", NEXT_CASES)
def test_nobody_is_sent_to_another_site_after_the_login(house: House, target: str) -> None:
    """`next` leads to our own pages only."""
    assert safe_next(target) == NEXT_CASES[target]
    assert enter(house, next=target)[1].headers["location"] == NEXT_CASES[target]


def test_what_is_typed_is_shown_as_text(house: House) -> None:
    """Neither the name nor `next` can carry a script into the page."""
    _, answer = enter(house, name='"><script>alert(1)</script>', password="x", next='/"><script>alert(2)</script>')
    assert answer.status_code == 401
    assert "<script" not in answer.text


def test_the_page_speaks_both_languages(house: House) -> None:
    """Asked for, or as the browser prefers; the operator's language otherwise."""
    client = house.client()
    assert 'lang="zh-Hans"' in client.get("/login").text
    assert 'lang="en"' in client.get("/login", headers={"accept-language": "en-GB,en;q=0.9"}).text
    chinese = client.get("/login?language=zh_CN", headers={"accept-language": "en"}).text
    assert "登录" in chinese
    assert "Log in" in client.get("/login?language=en").text


def test_the_page_needs_nothing_from_elsewhere(house: House) -> None:
    """No script, and no address of another host; demo data is announced where it is demo data."""
    text = house.client().get("/login?language=en").text + house.client().get("/login/login.css").text
    assert "<script" not in text
    assert "//" not in text
    assert "demonstration" not in text
    demo = replace(house.console, demo=True)
    house.app = create_app(demo, sample_pages(house))
    assert "demonstration" in house.client().get("/login?language=en").text


def test_a_login_sent_from_another_site_is_refused(house: House) -> None:
    """Nobody is logged in as somebody else by a foreign form."""
    client = house.client()
    for headers in ({"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/login", data={"name": "viewer", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
    good = client.post("/login", data={"name": "viewer", "password": PASSWORD}, headers={"Origin": URL})
    assert good.status_code == 303


def test_strangers_cannot_send_much(house: House) -> None:
    """Before the login a body is small and its size is stated."""

    def endless():  # type: ignore[no-untyped-def]
        yield b"name=viewer"

    client = house.client()
    assert client.post("/login", content=b"x" * 20_000).status_code == 413
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/login", content=endless(), headers=headers).status_code == 413


def test_a_disabled_account_cannot_log_in(house: House) -> None:
    """The right password of a closed account is a wrong login."""
    from core.people import users
    from core.store.open import writing

    with writing(house.console.engine) as connection:
        users.disable(connection, name="viewer", by="admin", now=house.clock.now)
    assert enter(house)[1].status_code == 401
