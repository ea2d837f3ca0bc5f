"""A web address asked as a customer would: status, the time that each phase took, the certificate, and the content.

Emits `http.status`, `http.status_expected` (1 or 0), `http.time_s` and `http.phase_s` (label phase: dns, connect, tls,
first_byte, body), `http.body_bytes`, `http.redirects`, `http.certificate_left_d` with TLS, `http.content_match` (1 or
0) where a content is expected, `http.json_value` where `json_key` leads to a number. Silence means that there was no
whole HTTP answer in time.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field, JsonValue, field_validator

from collectors.bounded import http
from collectors.io import Io
from collectors.reading import Reading
from core.model import Indicator, Kind, Sample, instant_ms, labels_of
from core.patterns import occurs

DAY_S = 86_400


class Config(http.Access):
    """A request and what is expected of its answer."""

    method: str = Field("GET", pattern="^(GET|HEAD|POST)$", description="GET, HEAD or POST")
    headers: dict[str, str] = Field({}, description="Request headers; credentials belong in user, password, token")
    body: str = Field("", description="Request body of a POST")
    redirects: int = Field(0, ge=0, le=10, description="How many redirects to follow; 0 takes the first answer")
    expect_status: list[int] = Field([200], description="Status codes that are as they should be")
    contains: str = Field("", description="Text that the body must contain")
    matches: str = Field("", description="Regular expression (RE2, so its time is bounded) that the body must match")
    json_key: str = Field("", description="Dotted path into a JSON body: `state.queues.0.depth`")
    json_equals: JsonValue = Field(None, description="What must be found there; null accepts anything but absence")

    @field_validator("matches")
    @classmethod
    def _is_regular_expression(cls, pattern: str) -> str:
        if pattern:
            occurs("", pattern)
        return pattern


def _http(name: str, unit: str, kind: Kind, description: str) -> Indicator:
    return Indicator(f"http.{name}", unit, kind, "http", description)


INDICATORS: tuple[Indicator, ...] = (
    _http("status", "1", Kind.GAUGE, "Status code of the answer"),
    _http("status_expected", "1", Kind.GAUGE, "1 when the status is one of the expected ones, else 0"),
    _http("time_s", "s", Kind.GAUGE, "Time of the whole exchange"),
    _http("phase_s", "s", Kind.GAUGE, "Time of each phase (label phase)"),
    _http("body_bytes", "By", Kind.GAUGE, "Size of the answer's body"),
    _http("redirects", "1", Kind.GAUGE, "Redirects that were followed"),
    _http("certificate_left_d", "d", Kind.GAUGE, "Days until the server's certificate ends; negative afterwards"),
    _http("content_match", "1", Kind.GAUGE, "1 when the body is as expected, else 0; absent without expectation"),
    _http("json_value", "1", Kind.GAUGE, "The number that json_key leads to"),
)


@dataclass(frozen=True)
class Raw:
    """The answer, and what was expected of it."""

    config: Config
    reply: http.Reply


def fetch(config: Config, io: Io) -> Raw:
    """Ask once. Raises CollectError when there is no whole answer in time."""
    return Raw(
        config,
        http.get(
            config,
            io,
            headers=config.headers,
            redirects=config.redirects,
            method=config.method,
            body=config.body.encode(),
        ),
    )


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples of one answer; a body that does not meet the expectation is a value of 0 and a note that says why."""
    at_ms, reply = instant_ms(now), raw.reply
    values: dict[str, float] = {
        "status": reply.status,
        "status_expected": int(reply.status in raw.config.expect_status),
        "time_s": reply.took_s,
        "body_bytes": len(reply.body),
        "redirects": reply.redirects,
    }
    if reply.certificate_until is not None:
        values["certificate_left_d"] = (reply.certificate_until - now).total_seconds() / DAY_S
    faults, number = content_faults(raw.config, reply.body)
    if raw.config.contains or raw.config.matches or raw.config.json_key:
        values["content_match"] = int(not faults)
    if number is not None:
        values["json_value"] = number
    samples = [Sample(f"http.{name}", value, at_ms) for name, value in values.items()]
    samples += [
        Sample("http.phase_s", seconds, at_ms, labels_of({"phase": phase})) for phase, seconds in reply.phases_s.items()
    ]
    return Reading(samples, tuple(faults))


def content_faults(config: Config, body: bytes) -> tuple[list[str], float | None]:
    """Why the body is not as expected, each as a sentence, and the number at json_key if there is one."""
    content = body.decode("utf-8", errors="replace")
    faults: list[str] = []
    number: float | None = None
    if config.contains and config.contains not in content:
        faults.append(f"the body does not contain {config.contains!r}")
    if config.matches and not occurs(content, config.matches):
        faults.append(f"the body does not match {config.matches!r}")
    if config.json_key:
        try:
            value = at_key(json.loads(content), config.json_key)
        except (ValueError, LookupError, RecursionError):
            faults.append(f"the body has no JSON value at {config.json_key}")
        else:
            if isinstance(value, (int, float)):
                number = as_float(value)
            if config.json_equals is not None and value != config.json_equals:
                faults.append(f"{config.json_key} is {str(value)[:80]!r}, expected {config.json_equals!r}")
    return faults, number


def as_float(value: float) -> float:
    """A float; infinite, and so refused and counted, when JSON's integer is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def at_key(value: Any, dotted: str) -> Any:
    """What a dotted path leads to; numbers index lists. Raises LookupError or ValueError when it leads nowhere."""
    for part in dotted.split("."):
        if isinstance(value, dict):
            value = value[part]
        elif isinstance(value, list):
            value = value[int(part)]
        else:
            raise LookupError(part)
    return value
