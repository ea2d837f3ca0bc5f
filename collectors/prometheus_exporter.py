"""Any exporter of the Prometheus text format, which brings the field's thousand exporters along.

Emits the exporter's own samples under their own names and labels; HELP and TYPE lines become the discovered
indicators. A sample's own timestamp is honoured. NaN and infinite values are left out and counted. One malformed line
refuses the whole answer, since a page that breaks in one place cannot be trusted in another (so does Prometheus).
Silence means that no whole, well-formed page came in time; of one series, that the exporter no longer has it.
Format: https://prometheus.io/docs/instrumenting/exposition_formats/, read by prometheus_client's parser. The text
before a value (name and labels) is parsed once and remembered in the probe's memory, since it repeats at every run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families
from pydantic import Field, field_validator

from collectors.bounded import http
from collectors.bounded.limits import MAX_SAMPLES
from collectors.errors import CollectError
from collectors.io import Io
from collectors.reading import Reading, not_finite
from core.model import Indicator, Kind, Labels, Sample, instant_ms, labels_of
from core.patterns import PatternError, compiled

INDICATORS: tuple[Indicator, ...] = ()
"""None of its own: what an exporter offers is discovered from its answer."""

Head = tuple[str, Labels] | None
"""Name and labels that a head (the text before the value) stands for; None when the patterns leave it out."""

HEADS_KEPT = 1000  # remembered heads beyond twice those of the last answer are those of series that went away
UNITS = {"seconds": "s", "bytes": "By", "ratio": "1", "celsius": "Cel", "volts": "V", "amperes": "A"}
MAX_STAMP_DIGITS = 15  # of a timestamp in milliseconds that is surely exact as a float
COMMENT = re.compile(r"#\s+(?P<what>TYPE|HELP)\s+(?P<name>\S+)\s*(?P<rest>.*)")
COUNTER_PARTS = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}


class Config(http.Access):
    """An exporter, and which of its metrics to take."""

    include: list[str] = Field([], description="Regular expressions of metric names to take; empty takes all")
    exclude: list[str] = Field([], description="Regular expressions of metric names to leave out")

    @field_validator("include", "exclude")
    @classmethod
    def _are_patterns(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                compiled(pattern)
            except PatternError as fault:
                raise ValueError(f"{pattern!r} cannot be used: {fault}") from None
        return patterns


@dataclass
class Memory:
    """What repeats from answer to answer: the meaning of each head, and the indicators behind the comment lines."""

    heads: dict[str, Head] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    indicators: tuple[Indicator, ...] = ()


@dataclass(frozen=True)
class Raw:
    """One answer as text, and what is remembered of the answers before."""

    text: str
    where: str
    memory: Memory = field(default_factory=Memory)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    open_metrics: bool = False


def fetch(config: Config, io: Io) -> Raw:
    """Ask the exporter once. Raises CollectError when there is no whole answer in time or it is no text."""
    reply = http.get(config, io, headers={"Accept": "text/plain;version=0.0.4"}, redirects=3)
    return Raw(
        http.text(reply, config),
        config.url,
        io.memory.setdefault("exposition", Memory()),
        tuple(config.include),
        tuple(config.exclude),
        reply.headers.get("content-type", "").startswith("application/openmetrics-text"),
    )


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples and indicators of one answer. Raises CollectError when a line is malformed or there are too many."""
    at_ms = instant_ms(now)
    if raw.open_metrics:
        samples, refused, indicators = parse_open_metrics(raw, at_ms)
    else:
        samples, refused, indicators = parse_text(raw, at_ms)
    if not samples and not refused and not raw.text.strip():
        raise CollectError(f"{raw.where} answered with an empty page; is this the exporter's metrics path?")
    return Reading(samples, (not_finite(refused),) if refused else (), indicators)


def parse_text(raw: Raw, at_ms: int) -> tuple[list[Sample], int, tuple[Indicator, ...]]:
    """Samples, how many values were not finite, and indicators of an answer in the text format."""
    heads = raw.memory.heads
    samples: list[Sample] = []
    comments: list[str] = []
    refused = 0
    lines = raw.text.split("\n")
    if lines.pop():
        raise CollectError(f"the answer of {raw.where} ends in the middle of a line; it is not taken")
    if len(lines) > 2 * MAX_SAMPLES:
        raise CollectError(f"{raw.where} answered {len(lines):,} lines; a probe takes {MAX_SAMPLES:,} samples")
    for number, line in enumerate(lines, 1):
        text, _, digits = line.rpartition(" ")
        if text in heads and "_" not in digits:
            try:
                value = float(digits)
            except ValueError:
                pass  # not a plain number: the library says what it is
            else:
                head = heads[text]
                if head is None:
                    continue
                if isfinite(value):
                    samples.append(Sample(head[0], value, at_ms, head[1]))
                else:
                    refused += 1
                continue
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped)
        elif stripped:
            head, value, own_ms = read_line(stripped, text, raw, number)
            if head is not None and isfinite(value):
                samples.append(Sample(head[0], value, at_ms if own_ms is None else own_ms, head[1]))
            elif head is not None:
                refused += 1
    if len(heads) > 2 * len(lines) + HEADS_KEPT:
        heads.clear()
    if comments != raw.memory.comments:
        raw.memory.indicators = described(comments, raw)
        raw.memory.comments = comments
    return samples, refused, raw.memory.indicators


def read_line(line: str, text: str, raw: Raw, number: int) -> tuple[Head, float, int | None]:
    """Head, value and own instant of a line that is not remembered; remembers its head where that is safe.

    Raises CollectError when it is malformed.
    """
    heads = raw.memory.heads
    before, digits, stamp = (["", "", "", *line.rsplit(" ", 2)])[-3:]
    stamped = stamp.lstrip("-").isdecimal() and len(stamp) <= MAX_STAMP_DIGITS and is_number(digits)
    if stamped and before in heads:
        return heads[before], float(digits), int(stamp)
    name, labels, value, own_ms = library_sample(line, raw.where, number)
    head = (name, labels) if wanted(name, raw) else None
    if own_ms is not None:
        if stamped and is_whole(before):
            heads[before] = head
    elif is_number(stamp) and is_whole(text):
        heads[text] = head
    return head, value, own_ms


def is_number(digits: str) -> bool:
    """Whether this is one number by itself, as the format and Python both read it."""
    try:
        float(digits)
    except ValueError:
        return False
    return "_" not in digits


def is_whole(text: str) -> bool:
    """Whether a head stands by itself, so that what follows it can only be a value: a bare name, or closed labels.

    The library has read it with a number behind it; an open quote or a second brace would have been refused.
    """
    return text.endswith("}") or text.replace(":", "_").isidentifier()


def library_sample(line: str, where: str, number: int) -> tuple[str, Labels, float, int | None]:
    """Name, labels, value and timestamp (ms) of one line. Raises CollectError when it is malformed."""
    try:
        (family,) = text_string_to_metric_families(f"{line}\n")
        sample = family.samples[0]
        stamp = None if sample.timestamp is None else round(float(sample.timestamp) * 1000)
    except (ValueError, OverflowError, IndexError):  # the library has no word for an empty label name
        raise CollectError(
            f"line {number} of {where} is not in the Prometheus text format: {line[:80]!r}; is this its metrics path?"
        ) from None
    return sample.name, labels_of(sample.labels), as_float(sample.value), stamp


def as_float(value: float) -> float:
    """A float of what the library may give as an integer without bounds."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def wanted(name: str, raw: Raw) -> bool:
    """Whether the patterns let this metric in; they match whole names."""
    if raw.include and not any(compiled(pattern).matches(name) for pattern in raw.include):
        return False
    return not any(compiled(pattern).matches(name) for pattern in raw.exclude)


def parse_open_metrics(raw: Raw, at_ms: int) -> tuple[list[Sample], int, tuple[Indicator, ...]]:
    """The same for an exporter that speaks only OpenMetrics; its timestamps are in seconds."""
    samples: list[Sample] = []
    comments: list[str] = []
    refused = 0
    try:
        for family in open_metrics_families(raw.text):  # type: ignore[no-untyped-call]
            comments += [f"# TYPE {family.name} {family.type}", f"# HELP {family.name} {family.documentation}"]
            for sample in family.samples:
                value = as_float(sample.value)
                if not wanted(sample.name, raw):
                    continue
                if not isfinite(value):
                    refused += 1
                    continue
                own_ms = at_ms if sample.timestamp is None else round(float(sample.timestamp) * 1000)
                samples.append(Sample(sample.name, value, own_ms, labels_of(sample.labels)))
    except (ValueError, OverflowError, IndexError, KeyError) as fault:
        raise CollectError(f"{raw.where} is not valid OpenMetrics: {str(fault)[:120]}") from None
    return samples, refused, described(comments, raw)


def described(comments: list[str], raw: Raw) -> tuple[Indicator, ...]:
    """The indicators that HELP and TYPE lines declare, one for each name that samples can have."""
    types: dict[str, str] = {}
    helps: dict[str, str] = {}
    for line in comments:
        match = COMMENT.match(line)
        if match:
            (types if match["what"] == "TYPE" else helps)[match["name"]] = match["rest"].strip()
    indicators: list[Indicator] = []
    for name, kind in types.items():
        names = {name + part: Kind.COUNTER for part in COUNTER_PARTS.get(kind, ())}
        if kind == "counter":
            names |= {name: Kind.COUNTER, f"{name}_total": Kind.COUNTER} if raw.open_metrics else {name: Kind.COUNTER}
        elif kind != "histogram":
            names[name] = Kind.GAUGE
        text = helps.get(name, "").replace("\\n", " ").replace("\\\\", "\\")
        for full, of_kind in names.items():
            if wanted(full, raw):
                unit = "1" if full.endswith(("_bucket", "_count")) else unit_of(name)
                indicators.append(Indicator(full, unit, of_kind, "exporter", text))
    return tuple(indicators)


def unit_of(name: str) -> str:
    """The unit that the field's naming puts at the end of a name; `1` when it puts none."""
    return UNITS.get(name.removesuffix("_total").rpartition("_")[2], "1")
