"""The channel to chat and SMS services: real HTTP through the library, its answer in sentences, and its address kept secret."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.delivery.messages import Message, Told, compose
from alerts.delivery.sending import Enclosed, Io, NotifyError
from alerts.notify import apprise as channel
from alerts.notify.apprise import SCHEMES, Config, blotted
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON

SECRET = "c4n4ry-t0ken"
URL = "SERVICE_URL"


def _message() -> Message:
    labels = {"alertname": "disk-full", "target": "host-1", "severity": "critical", "system": "billing"}
    annotations = {"summary": "host-1 is full", "reason": "0.97, above the critical limit 0.9", "runbook": "https://w/"}
    told = [Told(1, "f", labels, annotations, "critical", NOON, None, False)]
    return compose("g", "ops", {}, told, external_url="https://c.example.org", now=NOON, reason="")


def _io(url: str, language: str = "en") -> Io:
    return replace(
        Io(secret=lambda _: url), enclosed=Enclosed(language, owner="li.wei", ticket="7", link="https://l/m/x")
    )


def _send(url: str, language: str = "en", **settings: Any) -> str:
    config = Config.model_validate({"url": f"env:{URL}", "timeout": "5s", **settings})
    return channel.send(config, _message(), "k", _io(url, language))


def _json(receiver: Hook) -> str:
    return f"json://127.0.0.1:{receiver.port}/{SECRET}/"


def test_a_message_goes_through_the_library() -> None:
    """Title and text in the reader's language: what is wrong, where, since when, owner, runbook and one link."""
    with hook() as receiver:
        assert _send(_json(receiver)) == "json through apprise"
        assert _send(_json(receiver), "zh_CN") == "json through apprise"
    english, chinese = (got.body for got in receiver.got)
    assert english["title"] == "[FIRING:1] disk-full host-1"
    for words in (
        "host-1 is full",
        "reason: 0.97, above the critical limit 0.9",
        "impact: critical · host-1 · billing",
        "since: 2026-03-02 12:00",
        "who has it: li.wei · ticket 7",
        "runbook: https://w/",
        "https://l/m/x",
    ):
        assert words in english["message"]
    assert chinese["title"] == "[告警:1] disk-full host-1"
    assert "影响: 严重 · host-1 · billing" in chinese["message"]
    assert "处理人: li.wei · 工单 7" in chinese["message"]


ANSWERS: dict[str, tuple[int | str, bool, str]] = {
    "500": (500, True, "error=500"),
    "429": (429, True, "error=429"),
    "404": (404, False, "error=404"),
    "a redirect": (302, True, "error=302"),
    "closed": ("close", True, "Connection error"),
    "garbage": ("garbage", True, "Connection error"),
    "a lie about the length": ("lie", True, "Connection error"),
    "silence": ("hang", True, "did not answer within 0.5 s"),
    "a byte now and then": ("drip", True, "did not answer within 0.5 s"),
}


@pytest.mark.parametrize(("answer", "retryable", "why"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_way_to_fail_is_a_sentence_without_the_secret(
    answer: int | str, retryable: bool, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What may pass is tried again, what cannot is not; neither the sentence nor any log has the address in it."""
    caplog.set_level(logging.DEBUG)
    with hook(answer) as receiver:
        began = time.monotonic()
        with pytest.raises(NotifyError) as failed:
            _send(_json(receiver), timeout="500ms" if "did not answer" in why else "30s")
        assert time.monotonic() - began < 10
    assert why in failed.value.sentence
    assert failed.value.retryable is retryable
    assert SECRET not in failed.value.sentence
    assert SECRET not in caplog.text


def test_a_real_plug_in_with_its_token_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """DingTalk's plug-in, pointed at this machine: its token is in the request and in no sentence."""
    from apprise.plugins.dingtalk import NotifyDingTalk

    with hook(200, 403) as receiver:
        monkeypatch.setattr(
            NotifyDingTalk, "notify_url", f"http://127.0.0.1:{receiver.port}/send?access_token={{token}}"
        )
        url = "dingtalk://abcdefgh12345678/"
        assert _send(url) == "dingtalk through apprise"
        with pytest.raises(NotifyError) as failed:
            _send(url)
    assert "access_token=abcdefgh12345678" in receiver.got[0].path
    assert receiver.got[0].body["msgtype"] in ("text", "markdown")
    assert "abcdefgh12345678" not in failed.value.sentence
    assert "403" in failed.value.sentence


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "dbus://", "syslog://", "exec://ls", "apprise://h/t", "mailto://a:b@c", "nonsense", ""],
)
def test_schemes_that_are_not_listed_are_refused(url: str) -> None:
    """What would touch this machine, or is nothing at all: refused before the library sees it."""
    with pytest.raises(NotifyError, match=r"it may be of .*dingtalk") as failed:
        _send(url)
    assert "passwd" not in failed.value.sentence


@pytest.mark.parametrize("url", ["json://169.254.169.254/latest", "json://0.0.0.0/", "json://224.0.0.1/"])
def test_addresses_that_no_service_lives_on_are_refused(url: str) -> None:
    """A cloud's metadata address above all."""
    with pytest.raises(NotifyError, match="no message is sent to"):
        _send(url)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "ff02::1", "0.0.0.0"])
def test_a_name_that_means_such_an_address_when_the_socket_opens_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it meant a moment before: what is asked is the address that the socket connects to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    place = (address, 80, 0, 0) if ":" in address else (address, 80)
    known = [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: known)
    with pytest.raises(NotifyError, match="no message is sent to"):
        _send("json://robot.example.org/")


def test_a_plug_in_that_goes_elsewhere_is_watched_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only services with a host in their address; and no other thread is kept from anything."""
    from apprise.plugins.dingtalk import NotifyDingTalk

    monkeypatch.setattr(NotifyDingTalk, "notify_url", "http://169.254.169.254/send?access_token={token}")
    with pytest.raises(NotifyError, match="no message is sent to"):
        _send("dingtalk://abcdefgh12345678/")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.connect(("169.254.169.254", 80))  # sends nothing


def test_an_incomplete_address_says_so() -> None:
    """The library's own word for it may hold the address; ours does not."""
    with pytest.raises(NotifyError, match="not complete for this service"):
        _send("dingtalk://")


def test_the_listed_schemes_are_known_to_the_library() -> None:
    """A name that no plug-in answers to would only fail at night."""
    import apprise

    known: set[str] = set()
    for plugin in apprise.Apprise().details()["schemas"]:
        known |= {*(plugin.get("protocols") or ()), *(plugin.get("secure_protocols") or ())}
    assert known >= SCHEMES


def test_too_many_that_hang_are_not_joined_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that a silent service holds are bounded; the next try waits in the outbox."""
    import threading

    monkeypatch.setattr(channel, "_hanging", threading.BoundedSemaphore(1))
    with hook("hang") as receiver:
        with pytest.raises(NotifyError, match="did not answer"):
            _send(_json(receiver), timeout="300ms")
        with pytest.raises(NotifyError, match="have not ended yet") as failed:
            _send(_json(receiver), timeout="300ms")
        assert failed.value.retryable
        receiver.over.set()


BLOTTED: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "the whole": ("json://h.example/abcd1234", "see json://h.example/abcd1234", lambda said: "abcd1234" not in said),
    "a part": ("slack://T1JJ3T3L2/A1BRTD4JD", "T1JJ3T3L2 is no token", lambda said: said == "*** is no token"),
    "quoted": ("json://u:p%40ssw0rd@h/", "bad p@ssw0rd", lambda said: said == "bad ***"),
    "a query": ("json://h/?+X-Key=s3cr3t", "X-Key: s3cr3t", lambda said: "s3cr3t" not in said),
}


@pytest.mark.parametrize(("url", "text", "sound"), BLOTTED.values(), ids=BLOTTED.keys())
def test_blotting(url: str, text: str, sound: Callable[[str], bool]) -> None:
    """Every part of the address is blotted out of what the library says."""
    assert sound(blotted(text, url))


def test_an_address_in_the_file_itself_is_refused() -> None:
    """It is a secret, so it is only referred to; and the fault does not repeat it."""
    with pytest.raises(ValidationError):
        Config.model_validate({"url": "dingtalk://abcdefgh12345678/"})


def test_chat_robots_are_paced_unless_said_otherwise() -> None:
    """Twenty a minute is what they take."""
    assert Config.model_validate({"url": "env:X"}).rate_limit is not None
    assert Config.model_validate({"url": "env:X", "rate_limit": None}).rate_limit is None
