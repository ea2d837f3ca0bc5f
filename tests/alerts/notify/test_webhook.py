"""The webhook channel against a real receiver: what it sends, and what it lets nobody see."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from alerts.delivery.messages import Message, Told, compose
from alerts.delivery.sending import Io, NotifyError
from alerts.notify import webhook
from alerts.notify.webhook import Config
from tests.alerts.receivers import hook
from tests.alerts.world import NOON

CANARY = "kanarienvogel"


def message(*, external_url: str = "https://console.example.org") -> Message:
    """A message of one firing alert."""
    one = Told(1, "f00", {"alertname": "a", "severity": "critical"}, {"summary": "s"}, "critical", NOON, None, False)
    return compose("g", "ops", {}, [one], external_url=external_url, now=NOON, reason="because")


def test_a_secret_header_and_address_come_from_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """References are read when the message is sent; other headers go as they are."""
    (tmp_path / "token").write_text("Bearer xyz\n")
    with hook() as receiver:
        monkeypatch.setenv("HOOK_URL", f"{receiver.url}?robot=7")
        headers = {"Authorization": f"file:{tmp_path / 'token'}", "X-Plain": "yes"}
        webhook.send(Config(url="env:HOOK_URL", headers=headers), message(), "k1", Io())
    (got,) = receiver.got
    assert got.path == "/hook?robot=7"
    assert (got.headers["authorization"], got.headers["x-plain"]) == ("Bearer xyz", "yes")
    assert (got.key, got.headers["content-type"]) == ("k1", "application/json")


@pytest.mark.parametrize("answer", [500, "garbage", "close", "hang", 404])
def test_no_error_shows_the_secret_part_of_an_address(answer: int | str) -> None:
    """Robots' addresses carry their key in path and query: neither is in the sentence or the trace."""
    with hook(answer) as receiver:
        config = Config.model_validate({"url": f"{receiver.url}/{CANARY}?key={CANARY}", "timeout": "200ms"})
        with pytest.raises(NotifyError) as caught:
            webhook.send(config, message(), "k", Io())
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert f"http://127.0.0.1:{receiver.port}" in caught.value.sentence


@pytest.mark.parametrize(
    ("reference", "why"),
    [("env:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set"), ("file:no/such/file", "cannot be read: No such file")],
)
def test_a_secret_that_is_not_there_can_still_be_put_there(reference: str, why: str) -> None:
    """A missing secret is said in a sentence, and the message waits for it."""
    with pytest.raises(NotifyError, match=why) as caught:
        webhook.send(Config(url=reference), message(), "k", Io())
    assert caught.value.retryable


def test_a_secret_that_is_no_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is named, not what it holds."""
    monkeypatch.setenv("HOOK_URL", CANARY)
    with pytest.raises(NotifyError, match="env:HOOK_URL") as caught:
        webhook.send(Config(url="env:HOOK_URL"), message(), "k", Io())
    assert CANARY not in caught.value.sentence


def test_a_redirect_is_not_followed() -> None:
    """The body goes only where the configuration says."""
    with hook() as other, hook(307) as receiver:
        receiver.headers["Location"] = other.url
        with pytest.raises(NotifyError, match="redirects are not followed") as caught:
            webhook.send(Config(url=receiver.url), message(), "k", Io())
    assert (caught.value.retryable, other.got) == (False, [])
