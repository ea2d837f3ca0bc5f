"""The mail channel against a real mail server: subject, both forms, login, TLS, and every way to be refused."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from alerts.delivery.messages import Message, Told, compose
from alerts.delivery.sending import Io, NotifyError
from alerts.notify import email as channel
from alerts.notify.email import Config
from tests.alerts.receivers import Post, post_office
from tests.alerts.world import NOON, after

SUBJECTS: dict[str, tuple[list[tuple[str, str, bool, bool]], dict[str, str], str]] = {
    # (alertname, target, resolved, demo) of each alert, group labels -> subject
    "one": ([("disk-full", "host-1", False, False)], {"alertname": "disk-full"}, "[FIRING:1] disk-full host-1"),
    "two of one host": ([("disk-full", "host-1", False, False)] * 2, {}, "[FIRING:2] disk-full host-1"),
    "two hosts": ([("disk-full", "a", False, False), ("disk-full", "b", False, False)], {}, "[FIRING:2] disk-full"),
    "nothing in common": ([("x", "a", False, False), ("y", "b", False, False)], {}, "[FIRING:2]"),
    "one of two over": ([("x", "a", False, False), ("x", "a", True, False)], {}, "[FIRING:1] x a"),
    "over": ([("x", "a", True, False)], {}, "[RESOLVED] x a"),
    "demo": ([("x", "a", False, True)], {}, "[DEMO] [FIRING:1] x a"),
    "other group labels": ([("x", "a", False, False), ("y", "b", False, False)], {"site": "north"}, "[FIRING:2] north"),
    "a line break in a label": (
        [("x\nBcc: all@example.org", "a", False, False)],
        {},
        "[FIRING:1] x Bcc: all@example.org a",
    ),
    "Chinese": ([("磁盘已满", "主机一", False, False)], {}, "[FIRING:1] 磁盘已满 主机一"),
}


def _message(alerts: list[tuple[str, str, bool, bool]], group: dict[str, str] | None = None, shown: int = 0) -> Message:
    told = [
        Told(
            number,
            f"f{number}",
            {"alertname": name, "target": target, "severity": "critical"},
            {"summary": f"{target} is <full>", "reason": "97 % > 90 %"},
            "critical",
            NOON,
            after(minutes=5) if over else None,
            demo,
        )
        for number, (name, target, over, demo) in enumerate(alerts)
    ]
    return compose(
        "ops:{}:{}",
        "ops",
        group or {},
        told,
        external_url="https://c.example.org",
        now=NOON,
        reason="",
        max_alerts=shown,
    )


ONE = _message([("disk-full", "host-1", False, False)])


def _config(port: int, **settings: Any) -> Config:
    plain = {"to": ["duty@example.org"], "from": "bomc@example.org", "smarthost": f"127.0.0.1:{port}"}
    return Config.model_validate({**plain, "require_tls": False, "timeout": "5s", **settings})


def _letter(office: Post) -> EmailMessage:
    (envelope,) = office.letters
    content = envelope.content
    assert isinstance(content, bytes)
    read = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.mark.parametrize(("alerts", "group", "subject"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_subjects(alerts: list[tuple[str, str, bool, bool]], group: dict[str, str], subject: str) -> None:
    """State, number of firing alerts, and what all of them have in common; demo data says so first."""
    assert channel.render(_message(alerts, group))["Subject"] == subject


def test_a_mail_arrives_in_both_forms() -> None:
    """Text and HTML with the same facts, escaped in the latter; its Message-ID comes from the key."""
    with post_office() as office:
        note = channel.send(_config(office.port), ONE, "abc123", Io())
        letter = _letter(office)
    assert note == "email to duty@example.org"
    assert (letter["From"], letter["To"]) == ("bomc@example.org", "duty@example.org")
    assert letter["Message-ID"] == "<abc123@example.org>"
    assert letter["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (
        "[FIRING] host-1 is <full>\n  since: 2026-03-02 12:00:00 UTC\n  reason: 97 % > 90 %"
        in text.get_content().replace("\r", "")
    )
    assert "FIRING: host-1 is &lt;full&gt;" in html.get_content()
    assert "<full>" not in html.get_content()


def test_repetitions_are_the_same_mail_and_mails_of_a_group_belong_together() -> None:
    """One key, one Message-ID; one group, one thread."""
    with post_office() as office:
        for key in ("k1", "k1", "k2"):
            channel.send(_config(office.port), ONE, key, Io())
        letters = [email.message_from_bytes(bytes(one.content or b"")) for one in office.letters]
    assert [letter["Message-ID"] for letter in letters] == ["<k1@example.org>", "<k1@example.org>", "<k2@example.org>"]
    assert len({letter["References"] for letter in letters}) == 1


def test_demo_and_cut_mails_say_so() -> None:
    """Demo data is labelled in the text too, and what does not fit is counted."""
    text = channel.render(_message([("x", "a", False, True)] * 5, shown=2)).get_body(("plain",))
    assert text is not None
    assert "This is demo data." in text.get_content().replace("\r", "")
    assert "... and 3 more; all of them are in the console." in text.get_content().replace("\r", "")


REFUSALS: dict[str, tuple[dict[str, str], str, bool, str]] = {
    "data refused for now": ({}, "451 try later", True, "answered 451 try later"),
    "data refused for good": ({}, "554 spam", False, "answered 554 spam"),
    "nobody there": ({"duty@example.org": "550 unknown"}, "250", False, "duty@example.org (550 unknown)"),
    "greylisted": ({"duty@example.org": "450 later"}, "250", True, "duty@example.org (450 later)"),
}


@pytest.mark.parametrize(("at_recipient", "at_data", "retryable", "why"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(at_recipient: dict[str, str], at_data: str, retryable: bool, why: str) -> None:
    """A 4xx may pass, a 5xx to the mail or to every address is final; the sentence has the server's words."""
    with post_office() as office:
        office.at_recipient, office.at_data = at_recipient, at_data
        with pytest.raises(NotifyError) as caught:
            channel.send(_config(office.port), ONE, "k", Io())
    assert caught.value.retryable is retryable
    assert why in caught.value.sentence


def test_one_refused_address_of_two_is_noted() -> None:
    """The other one has its mail, so it is not sent again; who did not get it is in the note."""
    with post_office() as office:
        office.at_recipient = {"gone@example.org": "550 no such user"}
        note = channel.send(_config(office.port, to="duty@example.org,gone@example.org"), ONE, "k", Io())
    assert note == "email to duty@example.org; refused: gone@example.org (550 no such user)"


def test_without_tls_nothing_is_sent_where_tls_is_required() -> None:
    """require_tls is the default, and a server without STARTTLS gets neither login nor mail."""
    with post_office() as office:
        with pytest.raises(NotifyError, match="STARTTLS") as caught:
            channel.send(_config(office.port, require_tls=True), ONE, "k", Io())
        assert office.letters == []
    assert caught.value.retryable


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_login_and_mail_go_through_starttls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The login is offered only inside TLS; the password comes from its reference, a wrong one is retried."""
    cert, key = certificate
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(cert, key)

    def check(server: object, session: object, envelope: object, mechanism: str, login: LoginPassword) -> AuthResult:
        return AuthResult(success=login.password == b"right", handled=False)

    trusting = Io(tls=ssl.create_default_context(cafile=str(cert)))
    with post_office(tls_context=server_side, require_starttls=True, authenticator=check, auth_required=True) as office:
        config = _config(office.port, require_tls=True, auth_username="bomc", auth_password="env:MAIL_PASSWORD")
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        with pytest.raises(NotifyError, match="refused the login: 535") as caught:
            channel.send(config, ONE, "k", trusting)
        assert caught.value.retryable
        monkeypatch.setenv("MAIL_PASSWORD", "right")
        with pytest.raises(NotifyError, match="certificate"):
            channel.send(config, ONE, "k", Io())
        assert office.letters == []
        channel.send(config, ONE, "k", trusting)
        assert len(office.letters) == 1


@contextmanager
def _odd_server(greeting: bytes, again_every_s: float) -> Iterator[int]:
    """A server that greets so, then once more and once more, and never says anything else."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not over.is_set():
                try:
                    connection.sendall(greeting)
                except OSError:
                    return
                over.wait(again_every_s)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()


ODD: dict[str, tuple[bytes, float]] = {
    "silent": (b"", 0.1),
    "a line now and then": (b"220-still starting\r\n", 0.1),
    "garbage": (b"\x00\xff\xfe\r\n", 0.1),
}


@pytest.mark.parametrize(("greeting", "every_s"), ODD.values(), ids=ODD.keys())
def test_an_odd_server_holds_nobody_longer_than_the_time_for_a_try(greeting: bytes, every_s: float) -> None:
    """Silence, endless greetings and garbage all end in a retryable fault within the time-out."""
    with _odd_server(greeting, every_s) as port:
        began = time.monotonic()
        with pytest.raises(NotifyError) as caught:
            channel.send(_config(port, timeout="500ms"), ONE, "k", Io())
        assert time.monotonic() - began < 3
    assert caught.value.retryable
    assert str(port) in caught.value.sentence


def test_a_server_that_is_not_there() -> None:
    """Nobody listens: a sentence with the address, and another try."""
    with post_office() as office:
        port = office.port
    with pytest.raises(NotifyError, match=f"127.0.0.1:{port} cannot be reached") as caught:
        channel.send(_config(port), ONE, "k", Io())
    assert caught.value.retryable
