"""A web address asked as a customer would ask: status, phases, certificate, content, redirects, policy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from collectors import CollectError, Io, collect
from collectors.http import Config
from tests.collectors.readings import NOW, table
from tests.servers import pages
from tests.servers.pages import Page, Site

STATE = json.dumps({"state": {"queues": [{"depth": 7, "name": "bill"}]}}).encode()


@pytest.fixture
def site() -> Iterator[Site]:
    with pages.start(
        {
            "/": Page(b"welcome to the web hall\n"),
            "/broken": Page(b"oops", 503),
            "/state": Page(STATE),
            "/moved": Page(b"", 302, {"Location": "/"}),
            "/loop": Page(b"", 302, {"Location": "/loop"}),
            "/out": Page(b"", 302, {"Location": "http://169.254.169.254/latest"}),
            "/file": Page(b"", 302, {"Location": "file:///etc/passwd"}),
            "/packed": Page(b"x", 200, {"Content-Encoding": "gzip"}),
        }
    ) as running:
        yield running


def ask(site: Site, path: str, **settings: object) -> tuple[dict[tuple[str, ...], float], tuple[str, ...]]:
    reading = collect("http", Config.model_validate({"url": site.url + path, **settings}), NOW, Io(10))
    return table(reading), reading.notes


def test_a_good_answer_has_its_status_size_and_the_time_of_each_phase(site: Site) -> None:
    values, notes = ask(site, "/")
    assert values[("http.status",)] == 200
    assert values[("http.status_expected",)] == 1
    assert values[("http.body_bytes",)] == 24
    phases = {key[1]: value for key, value in values.items() if key[0] == "http.phase_s"}
    assert set(phases) == {"dns", "connect", "first_byte", "body"}
    assert sum(phases.values()) == pytest.approx(values[("http.time_s",)])
    assert ("http.content_match",) not in values
    assert notes == ()


def test_a_slow_answer_shows_in_the_phase_that_was_slow() -> None:
    release = threading.Event()

    def late(peer, over, seen):  # type: ignore[no-untyped-def]
        peer.recv(4096)
        release.wait(0.4)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        release.wait(0.2)
        peer.sendall(b"ok")

    from tests.servers import hostile

    with hostile.listening(late) as server:
        values = table(collect("http", Config(url=server.url), NOW, Io(10)))
    assert values[("http.phase_s", "first_byte")] >= 0.4
    assert 0.1 < values[("http.phase_s", "body")] < 0.4
    assert values[("http.phase_s", "connect")] < 0.4


def test_an_unexpected_status_is_a_value_and_not_a_failure(site: Site) -> None:
    values, _ = ask(site, "/broken")
    assert values[("http.status",)] == 503
    assert values[("http.status_expected",)] == 0
    assert ask(site, "/broken", expect_status=[503])[0][("http.status_expected",)] == 1


@pytest.mark.parametrize(
    ("path", "settings", "match", "note"),
    [
        ("/", {"contains": "web hall"}, 1, ()),
        ("/", {"contains": "shop"}, 0, ("the body does not contain 'shop'",)),
        ("/", {"matches": r"^welcome .* hall\s*$"}, 1, ()),
        ("/", {"matches": "(w+)+x"}, 0, ("the body does not match '(w+)+x'",)),
        ("/state", {"json_key": "state.queues.0.name", "json_equals": "bill"}, 1, ()),
        (
            "/state",
            {"json_key": "state.queues.0.name", "json_equals": "pay"},
            0,
            ("state.queues.0.name is 'bill', expected 'pay'",),
        ),
        ("/state", {"json_key": "state.queues.1.name"}, 0, ("the body has no JSON value at state.queues.1.name",)),
        ("/", {"json_key": "state"}, 0, ("the body has no JSON value at state",)),
    ],
)
def test_the_content_is_compared(
    site: Site, path: str, settings: dict[str, object], match: int, note: tuple[str, ...]
) -> None:
    values, notes = ask(site, path, **settings)
    assert values[("http.content_match",)] == match
    assert notes == note


def test_a_number_in_json_becomes_a_value(site: Site) -> None:
    assert ask(site, "/state", json_key="state.queues.0.depth")[0][("http.json_value",)] == 7


def test_a_pattern_that_backtracks_for_years_elsewhere_takes_no_time() -> None:
    with pages.start({"/": Page(b"a" * 200_000 + b"!")}) as site:
        started = time.monotonic()
        assert ask(site, "/", matches="^(a|a?)+$")[0][("http.content_match",)] == 0
        assert time.monotonic() - started < 5


def test_redirects_are_followed_only_as_far_as_allowed(site: Site) -> None:
    assert ask(site, "/moved")[0][("http.status",)] == 302
    values, _ = ask(site, "/moved", redirects=3)
    assert values[("http.status",)] == 200
    assert values[("http.redirects",)] == 1
    with pytest.raises(CollectError, match="redirects more than 3 times"):
        ask(site, "/loop", redirects=3)


def test_a_redirect_meets_the_address_policy_and_the_list_of_schemes(site: Site) -> None:
    with pytest.raises(CollectError, match=r"169.254.169.254, which this probe may not reach"):
        ask(site, "/out", redirects=3)
    with pytest.raises(CollectError, match="which is not http or https"):
        ask(site, "/file", redirects=3)
    with pytest.raises(CollectError, match=r"127.0.0.1, which this probe may not reach"):
        ask(site, "/", allow=["10.0.0.0/8"])


def test_credentials_do_not_follow_a_redirect_to_another_host(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    with pages.start({"/": Page(b"elsewhere")}) as other:
        site.pages["/away"] = Page(b"", 302, {"Location": f"{other.url}/"})
        ask(site, "/away", redirects=1, token="env:TOKEN")
        assert site.asked[-1][2]["authorization"] == "Bearer canary"
        assert "authorization" not in other.asked[-1][2]


def test_a_post_carries_its_body_and_basic_credentials(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "pass")
    ask(site, "/", method="POST", body="x=1", user="me", password="env:PASSWORD", headers={"X-Trace": "7"})
    method, _, headers = site.asked[-1]
    assert (method, headers["content-length"], headers["x-trace"]) == ("POST", "3", "7")
    assert headers["authorization"] == "Basic bWU6cGFzcw=="


def test_a_compressed_answer_is_refused_since_its_size_is_unknown(site: Site) -> None:
    with pytest.raises(CollectError, match="compresses its answer"):
        ask(site, "/packed")


def test_tls_shows_the_days_that_the_certificate_has_left(tmp_path: Path) -> None:
    import datetime

    with pages.start({"/": Page(b"ok")}, tls_folder=tmp_path, days=30) as site:
        config = Config(url=f"https://localhost:{site.port}/", ca_file=site.certificate)
        now = datetime.datetime.now(datetime.UTC)
        values = table(collect("http", config, now, Io(10)))
        assert 29.9 < values[("http.certificate_left_d",)] <= 30
        assert values[("http.phase_s", "tls")] > 0
        later = now + datetime.timedelta(days=40)
        assert -10.1 < table(collect("http", config, later, Io(10)))[("http.certificate_left_d",)] < -9.9


def test_a_certificate_that_nobody_vouches_for_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    with pages.start({"/": Page(b"ok")}, tls_folder=tmp_path) as site:
        with pytest.raises(CollectError, match=r"the certificate of 127.0.0.1:\d+ is not accepted: self.signed"):
            collect("http", Config(url=f"{site.url}/"), NOW, Io(10))
        values = table(collect("http", Config(url=f"{site.url}/", verify=False), NOW, Io(10)))
        assert values[("http.status",)] == 200
        assert ("http.certificate_left_d",) in values


def test_an_expired_certificate_is_refused_by_name(tmp_path: Path) -> None:
    with (
        pages.start({"/": Page(b"ok")}, tls_folder=tmp_path, days=-1) as site,
        pytest.raises(CollectError, match="certificate has expired"),
    ):
        collect("http", Config(url=f"{site.url}/", ca_file=site.certificate), NOW, Io(10))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"url": "ftp://host/"}, "must start with http"),
        ({"url": "http:///path"}, "name a host"),
        ({"url": "http://user:secret@host/"}, "must not carry a user or password"),
        ({"url": "http://host/", "token": "abcdef"}, "pattern"),
        ({"url": "http://host/", "matches": "("}, "RE2"),
        ({"url": "http://host/", "allow": ["10.0.0.0/99"]}, "not a valid"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Config.model_validate(settings)
