"""Callbacks run for their viewer, beside each other, and say little when they break."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from dashboards.context import current_viewer
from dashboards.entrance import CSRF_COOKIE, SESSION_COOKIE
from tests.dashboards.server.conftest import URL, House
from tests.dashboards.server.matrix import UPDATE, forged


def test_a_callback_knows_its_viewer_in_its_worker_thread(house: House) -> None:
    """The context follows the function off the event loop."""
    for role in ("viewer", "admin"):
        answer = house.client(role).post(UPDATE, json=forged(house.app, "shown.children"))
        shown = answer.json()["response"]["shown"]["children"]
        assert shown.startswith(f"{role} in ")
        assert "worker" in shown.lower()


def test_a_slow_callback_does_not_hold_up_another(house: House) -> None:
    """The slow one ends only after the quick one has answered, on the same event loop."""

    async def both() -> list[httpx.Response]:
        started = house.session("viewer")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(house.app),
            base_url=URL,
            headers={"X-CSRFToken": started.csrf, "Origin": URL},
            cookies={SESSION_COOKIE: started.cookie, CSRF_COOKIE: started.csrf},
        ) as client:
            slow = asyncio.create_task(client.post(UPDATE, json=forged(house.app, "slow.children")))
            await asyncio.sleep(0)
            quick = await client.post(UPDATE, json=forged(house.app, "quick.children"))
            return [quick, await slow]

    quick, slow = asyncio.run(both())
    assert quick.json()["response"]["quick"]["children"] == "quick"
    assert slow.json()["response"]["slow"]["children"] == "went on"


def test_a_broken_callback_is_logged_and_tells_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The visitor reads a sentence; the reason is in the log with the callback and the person."""
    answer = house.client("viewer").post(UPDATE, json=forged(house.app, "broken.children"))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "broken.children failed for viewer" in caplog.text
    assert "a secret of the inside" in caplog.text


def test_there_is_no_viewer_outside_of_a_request() -> None:
    """Nothing runs as nobody by accident."""
    with pytest.raises(LookupError):
        current_viewer()


def test_the_viewers_time_zone_is_the_browsers(house: House) -> None:
    """The page's script tells it by a cookie; nonsense in it falls back to the operator's."""
    from starlette.requests import HTTPConnection

    from dashboards import entrance

    cookie = house.session("viewer").cookie
    for sent, zone in (
        ("Europe/Berlin", "Europe/Berlin"),
        ("../../etc/passwd", "Asia/Shanghai"),
        ("", "Asia/Shanghai"),
    ):
        header = f"{SESSION_COOKIE}={cookie}; bomc_timezone={sent}".encode()
        viewer = entrance.person(house.console, HTTPConnection({"type": "http", "headers": [(b"cookie", header)]}))
        assert viewer is not None
        assert viewer.timezone.key == zone
