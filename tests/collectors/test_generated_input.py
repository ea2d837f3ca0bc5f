"""Recorded replies, damaged in thousands of ways: each parser gives sound samples or a CollectError, never anything else."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

import pytest

from collectors import (
    CollectError,
    apache_status,
    business_kpi,
    http,
    linux_ssh,
    nginx_status,
    prometheus_exporter,
    tomcat_manager,
)
from collectors.bounded.http import Reply
from collectors.indicators.web import Status
from collectors.reading import Reading
from tests.collectors.readings import NOW, recorded

PIECES = (
    *("", " ", "\n", "\t", "\x00", "0", "-1", "9" * 400, "1e999", "nan", "-inf", "0x1", "1_0", "１", '"', "{", "}"),
    *("<", ">", "&", "%", ":", ",", "/", "[", "]", "\\", "\ud7ff", "\U0001f600", "null", "true", "x" * 2000, "@@ "),
)
MEASURES = [
    {"name": "dunning.success_ratio", "kind": "ratio"},
    {"name": "payments.amount", "kind": "money", "currency": "CNY"},
    {"name": "cdr.processed", "kind": "counter"},
]
JSON = (
    '{"day": {"rows": [{"indicator": "payments.amount", "business_day": "2026-03-30", "value": 12.5, "channel": "web"},'
    ' {"indicator": "cdr.processed", "business_day": "20260330", "value": "7", "channel": null}]}}'
)


def feed(form: str, rows: str = "") -> business_kpi.Config:
    return business_kpi.Config.model_validate(
        {
            "feed": {"kind": "file", "path": "x", "format": form, "rows": rows},
            "indicators": MEASURES,
            "labels": ["channel"],
        }
    )


CSV_FEED, JSON_FEED = feed("csv"), feed("json", "day.rows")
PAGE = http.Config(
    url="http://host/", contains="rows", matches="web|shop", json_key="day.rows.0.value", json_equals=12.5
)

PARSERS: dict[str, tuple[str, Callable[[str], Reading]]] = {
    "apache_status": (recorded("apache_status.txt"), lambda t: apache_status.parse(Status(t, 0.1, "there"), NOW)),
    "nginx_status": (recorded("nginx_status.txt"), lambda t: nginx_status.parse(Status(t, 0.1, "there"), NOW)),
    "tomcat_manager": (recorded("tomcat_manager.xml"), lambda t: tomcat_manager.parse(Status(t, 0.1, "there"), NOW)),
    "linux_ssh": (recorded("linux_ssh.txt"), lambda t: linux_ssh.parse(linux_ssh.Raw(t, "there", True), NOW)),
    "prometheus_exporter": (
        recorded("prometheus_exporter.txt")[-4000:].partition("\n")[2],
        lambda t: prometheus_exporter.parse(prometheus_exporter.Raw(t, "there"), NOW),
    ),
    "prometheus_exporter in OpenMetrics": (
        "# TYPE a counter\n# HELP a of it\na_total{b=\"c\"} 4.0 1700000000.5\n# TYPE d gauge\nd 1\n# EOF\n",
        lambda t: prometheus_exporter.parse(prometheus_exporter.Raw(t, "there", open_metrics=True), NOW),
    ),
    "business_kpi in CSV": (
        recorded("kpi.csv"),
        lambda t: business_kpi.parse(business_kpi.Raw(CSV_FEED, body=t.encode()), NOW),
    ),
    "business_kpi in JSON": (JSON, lambda t: business_kpi.parse(business_kpi.Raw(JSON_FEED, body=t.encode()), NOW)),
    "http": (JSON, lambda t: http.parse(http.Raw(PAGE, Reply(200, {}, t.encode(), {"dns": 0.1})), NOW)),
}  # fmt: skip


def damaged(text: str, rng: random.Random) -> str:
    """The text after one to three cuts, repetitions, replacements or changed numbers."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        length = rng.choice((0, 1, 1, 2, 5, 40, 400))
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at + length :]
        elif kind == 1:
            text = text[:at] + text[at : at + length] * rng.randint(2, 3) + text[at + length :]
        elif kind == 2:
            text = text[:at] if rng.random() < 0.1 else text[:at] + text[at + length :]
        else:
            number = re.compile(r"\d+").search(text, at)
            if number:
                text = text[: number.start()] + rng.choice(PIECES) + text[number.end() :]
    return text


def try_all(parser: str, cases: int) -> None:
    good, parse = PARSERS[parser]
    assert parse(good).samples
    rng = random.Random(f"{parser} 1")
    refused = longest = 0
    for case in range(cases):
        text = damaged(good, rng)
        try:
            reading = parse(text)
        except CollectError as fault:
            refused += 1
            longest = max(longest, len(str(fault)))
            continue
        for sample in reading.samples:
            assert isinstance(sample.value, (int, float)), f"case {case}: {text!r}"
            assert isinstance(sample.at_ms, int)
            assert list(sample.labels) == sorted(sample.labels)
            assert parser != "prometheus_exporter" or math.isfinite(sample.value)
    assert refused or parser == "http", "no damage was ever noticed"
    assert longest < 500


@pytest.mark.parametrize("parser", PARSERS)
def test_damaged_replies_are_read_or_refused(parser: str) -> None:
    try_all(parser, 2_000)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("parser", PARSERS)
def test_a_hundred_thousand_damaged_replies_are_read_or_refused(parser: str) -> None:
    try_all(parser, 100_000)
