"""Texts: both languages are complete, pictures are pictures, and mails carry them."""

from __future__ import annotations

import email
import email.policy
import re
import struct
import zlib
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from alerts import pipeline
from alerts.delivery import enclosing, pictures
from alerts.delivery.messages import Message, Told, compose
from alerts.delivery.posting import row_of
from alerts.delivery.sending import Enclosed, Io
from alerts.delivery.texts import CATALOGUES, en, message_text, say, zh_CN
from alerts.notify import email as mail
from alerts.notify.email import Config
from alerts.oncall.config import OnCallFile
from core.model import instant_ms
from core.quantity import show_quantity
from core.store.open import writing
from core.store.tables import phone_link, sample
from tests.alerts.receivers import post_office
from tests.alerts.world import NOON, deliveries, finding, routes, with_series

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = ("en.li", "zh.wang")
HOLE = re.compile(r"\{(\w+)\}")


def test_both_languages_say_the_same_things() -> None:
    """The same keys, each with the same holes, and no empty text."""
    assert en.WORDS.keys() == zh_CN.WORDS.keys()
    for key, text in en.WORDS.items():
        assert text
        assert zh_CN.WORDS[key]
        assert set(HOLE.findall(text)) == set(HOLE.findall(zh_CN.WORDS[key])), key


def test_chinese_is_chinese() -> None:
    """Every Chinese text has Chinese letters."""
    assert [key for key, text in zh_CN.WORDS.items() if not re.search(r"[\u4e00-\u9fff]", text)] == []
    assert say("owner", "fr") == CATALOGUES["en"]["owner"]


def _pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of palette numbers, with every check sum of the file verified."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, parts = 8, {}
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        parts[kind] = content
        at += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    raw = zlib.decompress(parts[b"IDAT"])
    return width, height, [raw[row * (width + 1) + 1 : (row + 1) * (width + 1)] for row in range(height)]


def _points(*values: float) -> list[pictures.Point]:
    return [(instant_ms(NOON) - 60_000 * number, value) for number, value in reversed(list(enumerate(values)))]


def test_a_picture_has_its_line_and_its_limit() -> None:
    """A rising line from the lower left to the upper right, and the limit dashed across it."""
    points = [(instant_ms(NOON - timedelta(minutes=60 - n)), float(n)) for n in range(61)]
    width, height, rows = _pixels(pictures.png(points, 30.0, NOON))
    assert (width, height) == (480, 120)
    assert pictures.LINE in rows[height - 6][:20] or pictures.LINE in rows[height - 5][:20]
    assert pictures.LINE in rows[4][-20:]
    assert any(row.count(pictures.LIMIT_LINE) > 200 for row in rows)


def test_nothing_measured_is_no_picture() -> None:
    """Absence is not a line at zero."""
    assert pictures.png([], 1.0, NOON) == b""
    assert pictures.svg([], 1.0, NOON) == ""


def test_a_gap_is_not_drawn_over() -> None:
    """Two stretches with half an hour between them are two lines."""
    points = [(n * 60_000, 1.0) for n in range(10)] + [(n * 60_000, 1.0) for n in range(40, 50)]
    assert [len(run) for run in pictures.runs(points)] == [10, 10]


@given(
    st.lists(st.tuples(st.integers(0, 4_000_000), st.floats(allow_nan=False, allow_infinity=False)), max_size=50),
    st.none() | st.floats(-1e9, 1e9),
)
def test_any_values_make_a_picture_or_none(points: list[tuple[int, float]], limit: float | None) -> None:
    """No value breaks the drawing, however large; the file stays small."""
    bounded = sorted((instant_ms(NOON) - ago, max(min(value, 1e300), -1e300)) for ago, value in points)
    drawn = pictures.png(bounded, limit, NOON)
    assert bool(drawn) is bool(bounded)
    assert len(drawn) < 20_000
    assert pictures.svg(bounded, limit, NOON).count("nan") == 0


@pytest.mark.parametrize(
    ("reason", "unit", "limit"),
    [
        ("0.97, above the critical limit 0.9", "1", 0.9),
        ("-3, below the warning limit -2.5", "", -2.5),
        ("97 %, above the critical limit 95 % (2 of the last 3)", "1", 0.95),
        ("97 %, above the critical limit 95 %", "%", 95.0),
        ("2 GiB, above the limit 1.5 GiB", "By", 1.5 * 2**30),
        ("2 GiB/s, above the limit 1.5 GiB/s", "By/s", 1.5 * 2**30),
        ("50 ms, above the warning limit 35 ms", "s", 0.035),
        ("5 min, still critical until 3 samples are back of the limit 3 min", "s", 180.0),
        ("1,300, above the limit 1,200", "", 1200.0),
        ("13 sessions, above the limit 12 sessions", "sessions", 12.0),
        ("no samples for 5m", "", None),
        ("", "", None),
    ],
)
def test_the_limit_is_taken_from_the_reason(reason: str, unit: str, limit: float | None) -> None:
    """As the checks write it, in the unit of the samples."""
    assert pictures.limit_of(reason, unit) == (None if limit is None else pytest.approx(limit))


@pytest.mark.parametrize(
    ("unit", "kind", "limit"),
    [("1", "ratio", 0.95), ("By", "gauge", 1.5 * 2**30), ("s", "gauge", 0.25), ("1/s", "", 7.0)],
)
def test_every_way_to_write_a_limit_is_understood(unit: str, kind: str, limit: float) -> None:
    """As the function writes it that the checks use."""
    shown = show_quantity(limit, unit, kind)
    assert pictures.limit_of(f"x, above the critical limit {shown}", unit) == pytest.approx(limit)


def test_a_mail_has_the_picture_in_it_and_one_link(store: Engine) -> None:
    """In the receiver's language, with the last hour inside the letter itself and a link that the store knows by its digest."""
    with_series(store)
    config = {"to": ["a@example.org"], "from": "b@example.org", "smarthost": "127.0.0.1:25", "require_tls": False}
    made = [{"name": "ops", "language": "zh_CN", "email_configs": [config]}]
    file = routes(receivers=made, group_wait="0s")
    rows = [{"series_id": 1, "at_ms": at, "value": value} for at, value in _points(0.97, 0.95, 0.9)]
    with writing(store) as connection:
        connection.execute(insert(sample), rows)
        pipeline.handle(connection, [finding()], file, NOON, "https://c.example.org")
    (row,) = deliveries(store)
    io = enclosing.with_enclosed(store, file, row, Io(), NOON)
    with post_office() as office:
        sent = Config.model_validate({**config, "smarthost": f"127.0.0.1:{office.port}"})
        mail.send(sent, Message.of_row(row.message), row.key, io)
        (letter,) = office.letters
    read = email.message_from_bytes(bytes(letter.content or b""), policy=email.policy.default)
    assert read["Subject"].startswith("[告警:1]")
    kinds = [part.get_content_type() for part in read.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    html = next(part for part in read.walk() if part.get_content_type() == "text/html").get_content()
    image = next(part for part in read.walk() if part.get_content_type() == "image/png")
    assert f"cid:{str(image['Content-ID']).strip('<>')}" in html
    assert _pixels(image.get_content())[0] == 480
    assert "影响" in html
    (link,) = set(re.findall(r"https://c\.example\.org/m/([\w.-]+)", html))
    with writing(store) as connection:
        assert [row.token_hash == link for row in connection.execute(select(phone_link))] == [False]


def test_since_when_and_until_when_are_told_by_the_operators_clocks() -> None:
    """With the zone's offset, since a letter is read anywhere; the body that a webhook gets stays as the field has it."""
    told = Told(1, "f" * 16, {"alertname": "a"}, {}, "critical", NOON, NOON + timedelta(minutes=90, seconds=5), False)
    message = compose("g", "ops", {}, [told], external_url="https://c.example.org", now=NOON, reason="")
    shown = message_text(message, "zh_CN", Enclosed("zh_CN", zone=SHANGHAI))
    assert "开始时间: 2026-03-02 20:00:00 UTC+08:00\n" in shown
    assert "2026-03-02 21:30:05 UTC+08:00\n" in shown
    assert "since: 2026-03-02 12:00:00 UTC\n" in message_text(message, "en")
    assert message.body["alerts"][0]["startsAt"] == "2026-03-02T12:00:00.000Z"


def test_a_person_is_told_in_their_own_language(light: Engine) -> None:
    """Whom an escalation tells is a reader as a receiver is, and oncall.yaml says which language is theirs."""
    mail = {"to": "a@example.org", "from": "b@example.org", "smarthost": "127.0.0.1:25"}
    people = [
        {"name": name, "language": "en" if name == "en.li" else "zh_CN", "email_configs": [mail]} for name in NAMES
    ]
    file = routes().beside(OnCallFile.model_validate({"people": people}))
    told = Told(1, "f" * 16, {"alertname": "a"}, {}, "critical", NOON, None, False)
    for name, expected in (("en.li", "en"), ("zh.wang", "zh_CN")):
        message = compose("g", f"person/{name}", {}, [told], external_url="https://c.example.org", now=NOON, reason="")
        row = SimpleNamespace(**row_of(message, "key", (f"person/{name}", "email", 0), NOON))
        other = "zh_CN" if expected == "en" else "en"
        io = enclosing.with_enclosed(light, file, row, Io(language=other, zone=SHANGHAI), NOON)  # type: ignore[arg-type]
        assert (io.enclosed.language, io.enclosed.zone) == (expected, SHANGHAI)


def test_a_webhook_carries_nothing_for_people(store: Engine) -> None:
    """It gets the body as it is, and no link is made that nobody reads."""
    with_series(store)
    with writing(store) as connection:
        pipeline.handle(connection, [finding()], routes(group_wait="0s"), NOON, "https://c.example.org")
    (row,) = deliveries(store)
    assert enclosing.with_enclosed(store, routes(), row, Io(), NOON).enclosed == Enclosed()
    with writing(store) as connection:
        assert connection.execute(select(phone_link)).all() == []
    assert replace(Io(), language="zh_CN").language == "zh_CN"
