"""Where jobs say that they ran: by any method, with or without output, and nothing told to who has no token."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from alerts.heartbeats import pings
from core.store.open import reading, writing
from core.store.tables import heartbeat_ping
from tests.dashboards.server.conftest import NOON, House


def _url(house: House) -> str:
    with writing(house.console.engine) as connection:
        return f"/ping/{pings.renew(connection, 'export', 'test', NOON)}"


def _heard(house: House) -> list[tuple[str, int | None, str]]:
    with reading(house.console.engine) as connection:
        table = heartbeat_ping.c
        query = select(table.kind, table.exit_status, table.output).order_by(table.id)
        return [tuple(row) for row in connection.execute(query)]


WAYS: dict[str, tuple[str, str, bytes, tuple[str, int | None, str]]] = {
    "GET": ("GET", "", b"", ("success", None, "")),
    "HEAD": ("HEAD", "", b"", ("success", None, "")),
    "POST with output": ("POST", "", b"3 files", ("success", None, "3 files")),
    "it begins": ("GET", "/start", b"", ("start", None, "")),
    "it failed": ("POST", "/fail", b"no disk", ("fail", None, "no disk")),
    "exit status 0": ("GET", "/0", b"", ("success", 0, "")),
    "exit status 137": ("POST", "/137", b"Killed", ("fail", 137, "Killed")),
    "bytes that are no text": ("POST", "/fail", b"\xff\x00ok", ("fail", None, "\ufffd\ufffdok")),
}


@pytest.mark.parametrize(("method", "end", "body", "heard"), WAYS.values(), ids=WAYS.keys())
def test_every_way_to_be_heard(
    house: House, method: str, end: str, body: bytes, heard: tuple[str, int | None, str]
) -> None:
    """Without a login, a cookie or a header."""
    answer = house.client().request(method, _url(house) + end, content=body or None)
    assert answer.status_code == 200
    assert _heard(house) == [heard]


def test_a_long_output_is_taken_and_its_end_kept(house: House) -> None:
    """A megabyte: the ping counts, the last 10 KB stay."""
    body = b"a" * 1_000_000 + b"the end"
    assert house.client().post(_url(house), content=body).status_code == 200
    ((_, _, output),) = _heard(house)
    assert output.endswith("the end")
    assert len(output) == pings.MOST_OUTPUT_BYTES


@pytest.mark.parametrize("end", ["x", "x/fail", "", "/", "a/b/c", "%00", "x" * 3000])
def test_a_stranger_is_told_nothing(house: House, end: str) -> None:
    """The same 404 whatever is tried, also for a known token with an unknown end."""
    known = _url(house)
    for address in (f"/ping/{end}", f"{known}/256", f"{known}/-1", f"{known}/start/x", f"{known}/stop"):
        answer = house.client().get(address)
        assert answer.status_code == 404
        assert answer.json() == {"error": "There is nothing here."}
    assert _heard(house) == []


def test_a_flood_is_told_to_wait(house: House) -> None:
    """429 with the seconds; the next minute it is heard again."""
    url, client = _url(house), house.client()
    codes = [client.get(url).status_code for _ in range(pings.MOST_PINGS + 3)]
    assert codes == [200] * pings.MOST_PINGS + [429] * 3
    assert int(client.get(url).headers["retry-after"]) == 60
    house.clock.move(seconds=61)
    assert client.get(url).status_code == 200
