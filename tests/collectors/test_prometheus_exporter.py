"""Prometheus exporters: the remembered path equals the library's answer, and real exporters are read."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, start_http_server
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from collectors import CollectError, Io, collect
from collectors.prometheus_exporter import Config, Memory, Raw, parse
from core.model import Kind, Sample, labels_of
from tests.collectors.readings import NOW, NOW_MS, recorded, table
from tests.servers import pages
from tests.servers.pages import Page
from tests.servers.process import Server

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def by_library(text: str) -> list[Sample] | None:
    """What the library reads in a text, or None when it refuses it."""
    found: list[Sample] = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                try:
                    value = float(sample.value)
                except OverflowError:
                    value = math.inf
                stamp = NOW_MS if sample.timestamp is None else round(float(sample.timestamp) * 1000)
                if math.isfinite(value):
                    found.append(Sample(sample.name, value, stamp, labels_of(sample.labels)))
    except (ValueError, OverflowError, IndexError):
        return None
    return found


def by_us(text: str, memory: Memory) -> list[Sample] | None:
    """What the collector reads, or None when it refuses it."""
    try:
        return parse(Raw(text, "there", memory), NOW).samples
    except CollectError:
        return None


NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,6}", fullmatch=True)
TEXTS = st.text(st.sampled_from('ab }{,="\\ \n#_1'), max_size=6)
SPACE = st.sampled_from([" ", "  ", "\t", " \t"])
NUMBERS = st.one_of(
    st.floats(width=64).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(["+Inf", "-Inf", "NaN", "nan", "1e400", "1_000", "0x10", "", "５", "1e5", ".5", "+7", "1" * 400]),
)
STAMPS = st.one_of(
    st.just(""), st.integers(-(10**14), 10**16).map(str), st.sampled_from(["1.5", "x", "1_0", "-0", "１２"])
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """One line, mostly well-formed."""
    name = draw(NAMES)
    pairs = draw(st.lists(st.tuples(st.from_regex(r"[a-z]{1,3}", fullmatch=True), TEXTS), max_size=3))
    escaped = [
        f'{key}="{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34)).replace(chr(10), chr(92) + "n")}"'
        for key, text in pairs
    ]
    head = name + ("{" + ",".join(escaped) + "}" if pairs or draw(st.booleans()) else "")
    stamp = draw(STAMPS)
    line = head + draw(SPACE) + draw(NUMBERS) + (draw(SPACE) + stamp if stamp else "")
    if draw(st.integers(0, 9)) == 0:  # now and then a broken one
        at = draw(st.integers(0, len(line)))
        line = line[:at] + draw(st.sampled_from(list('{}"=, \t#1x'))) + line[at + draw(st.integers(0, 1)) :]
    return draw(st.sampled_from(["", "", "", " "])) + line.replace("\n", "")


@given(st.lists(st.lists(lines(), min_size=1, max_size=4), min_size=1, max_size=4))
@example([["a 1"], ["a 2"], ["a 3 77"], ["a 4 78"], ["a\t5"], ["7"], ["\t8"]])
@example([['a{x="y} "} 5'], ['a{x="y}"} 5'], ['a{x="y} 7'], ['a{x="y}"}5 6']])
@example([['a{x="1 2"} 3 4'], ['a{x="1 2"} 3 5'], ['a{x="1 2"} 3'], ['a{x="1 2"} 3 4 5']])
@example([['a{b="c", =""} 0.0'], ["{: 0.0"], ['{="x"} 1']])
@example([["a 1_0"], ["a 1"], ["a 1_0"], ["a"], ["a "], [" a 1"]])
def test_what_is_remembered_never_changes_what_is_read(texts: list[list[str]]) -> None:
    """With a memory filled by earlier answers, each line is read or refused exactly as the library alone does."""
    memory = Memory()
    for _ in range(2):
        for text in ("".join(f"{line}\n" for line in group) for group in texts):
            assert by_us(text, memory) == by_library(text), text


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.text(string.printable, max_size=60))
def test_garbage_is_refused_or_read_as_the_library_does_and_never_crashes(one: str, other: str) -> None:
    memory = Memory()
    for text in (one + "\n", other + "\n"):
        ours = by_us(text, memory)
        if ours is not None and not any(line.strip().startswith("#") for line in text.split("\n")):
            assert ours == by_library(text)


def test_the_recorded_answer_of_prometheus_is_read_like_the_library_reads_it() -> None:
    text = recorded("prometheus_exporter.txt")
    plain = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
    memory = Memory()
    first = parse(Raw(text, "there", memory), NOW)
    second = parse(Raw(text, "there", memory), NOW)
    assert first == second
    assert first.samples == by_library(plain)
    assert len(first.samples) > 250
    assert first.notes == second.notes
    kinds = {indicator.name: (indicator.kind, indicator.unit) for indicator in first.indicators}
    assert kinds["go_goroutines"] == (Kind.GAUGE, "1")
    assert kinds["process_cpu_seconds_total"] == (Kind.COUNTER, "s")
    assert kinds["go_gc_duration_seconds"] == (Kind.GAUGE, "s")
    assert kinds["prometheus_http_request_duration_seconds_bucket"] == (Kind.COUNTER, "1")
    assert kinds["prometheus_http_request_duration_seconds_sum"] == (Kind.COUNTER, "s")
    assert {sample.indicator for sample in first.samples} <= set(kinds)


def test_a_sample_keeps_its_own_timestamp() -> None:
    samples = parse(Raw("a 1 1700000000123\na 2\n", "there"), NOW).samples
    assert [sample.at_ms for sample in samples] == [1_700_000_000_123, NOW_MS]


def test_values_that_are_no_number_are_left_out_and_counted_each_time() -> None:
    memory = Memory()
    for _ in range(2):
        reading = parse(Raw("a 1\nb NaN\nc +Inf\nd -Inf\n", "there", memory), NOW)
        assert [sample.indicator for sample in reading.samples] == ["a"]
        assert reading.notes == ("3 values are not a finite number and left out",)


def test_patterns_choose_metrics_by_their_whole_name() -> None:
    text = "# TYPE go_a gauge\ngo_a 1\ngo_b 2\ngo_b_c 3\nother 4\n"
    raw = Raw(text, "there", Memory(), include=("go_.*",), exclude=("go_b",))
    for _ in range(2):
        reading = parse(raw, NOW)
        assert [sample.indicator for sample in reading.samples] == ["go_a", "go_b_c"]
    assert [indicator.name for indicator in reading.indicators] == ["go_a"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<html>\n<body>hello</body>\n", "line 1 of there is not in the Prometheus text format"),
        ("a 1\nb one\n", "line 2 of there"),
        ('a{x="1} 1\n', "line 1 of there"),
        ("a 1\nb 12", "ends in the middle of a line"),
        ("", "empty page"),
        ("\n \n", "empty page"),
    ],
)
def test_a_page_that_breaks_is_refused_as_a_whole(text: str, why: str) -> None:
    with pytest.raises(CollectError, match=why):
        parse(Raw(text, "there"), NOW)


def test_series_that_went_away_are_forgotten() -> None:
    memory = Memory()
    for round_ in range(5):
        text = "".join(f'a{{id="{round_}-{i}"}} 1\n' for i in range(2000))
        assert len(parse(Raw(text, "there", memory), NOW).samples) == 2000
        assert len(memory.heads) <= 2 * 2000 + 1000


def test_a_page_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.prometheus_exporter.MAX_SAMPLES", 5)
    with pytest.raises(CollectError, match="answered 11 lines; a probe takes 5 samples"):
        parse(Raw("a 1\n" * 11, "there"), NOW)


@pytest.fixture
def exporter() -> Iterator[tuple[int, CollectorRegistry]]:
    registry = CollectorRegistry()
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield server.server_port, registry
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_real_exporter_of_every_type_is_read(exporter: tuple[int, CollectorRegistry]) -> None:
    port, registry = exporter
    Gauge("queue_depth", 'how "deep" \\ is it', ["queue"], registry=registry).labels('bill "a" \\ b\n').set(3)
    Counter("calls", "calls", registry=registry).inc(2)
    Summary("wait_seconds", "waiting", registry=registry).observe(0.5)
    Histogram("size_bytes", "sizes", buckets=(1, 10), registry=registry).observe(5)
    memory: dict[str, object] = {}
    for _ in range(2):
        reading = collect(
            "prometheus_exporter", Config(url=f"http://127.0.0.1:{port}/metrics"), NOW, Io(10, memory=memory)
        )
        values = table(reading)
        assert values[("queue_depth", 'bill "a" \\ b\n')] == 3
        assert values[("calls_total",)] == 2
        assert values[("wait_seconds_sum",)] == 0.5
        assert values[("size_bytes_bucket", "10.0")] == 1
        assert values[("size_bytes_bucket", "+Inf")] == 1
    units = {indicator.name: indicator.unit for indicator in reading.indicators}
    assert units["size_bytes_sum"] == "By"
    assert units["wait_seconds_count"] == "1"


def test_the_real_prometheus_server_is_read(prometheus: Server) -> None:
    reading = collect("prometheus_exporter", Config(url=prometheus.url, exclude=["go_.*"]), NOW, Io(10))
    values = table(reading)
    assert any(key[0] == "prometheus_build_info" for key in values)
    assert not any(key[0].startswith("go_") for key in values)


def test_an_exporter_that_speaks_only_open_metrics_is_read() -> None:
    registry = CollectorRegistry()
    Counter("calls", "calls", ["city"], registry=registry).labels("wuhan").inc(4)
    Gauge("depth", "depth", registry=registry).set(math.nan)
    body = open_metrics(registry)
    with pages.start({"/metrics": Page(body, 200, {"Content-Type": OPEN_METRICS})}) as site:
        reading = collect("prometheus_exporter", Config(url=f"{site.url}/metrics"), NOW, Io(10))
        assert table(reading)[("calls_total", "wuhan")] == 4
        assert reading.notes == ("1 value is not a finite number and left out",)
        assert ("calls_total", Kind.COUNTER) in {(i.name, i.kind) for i in reading.indicators}
        site.pages["/metrics"] = Page(body.replace(b"# EOF\n", b""), 200, {"Content-Type": OPEN_METRICS})
        with pytest.raises(CollectError, match="is not valid OpenMetrics"):
            collect("prometheus_exporter", Config(url=f"{site.url}/metrics"), NOW, Io(10))


def test_a_token_is_sent_and_an_error_status_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    with pages.start({"/metrics": Page(b"no\n", 403)}) as site:
        with pytest.raises(CollectError, match="answered 403; this address or user may not see it") as caught:
            collect("prometheus_exporter", Config(url=f"{site.url}/metrics", token="env:TOKEN"), NOW, Io(10))
        assert site.asked[-1][2]["authorization"] == "Bearer canary"
        assert "canary" not in str(caught.value)


def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("canary\r\nX-Evil: 1", "canary\u4e2d"):
        monkeypatch.setenv("TOKEN", token)
        with pytest.raises(CollectError, match="characters that no HTTP header can carry") as caught:
            collect("prometheus_exporter", Config(url="http://127.0.0.1:9/", token="env:TOKEN"), NOW, Io(2))
        assert "canary" not in str(caught.value)


def test_a_bad_pattern_is_refused_at_configuration() -> None:
    with pytest.raises(ValidationError, match="missing \\)"):
        Config(url="http://host/metrics", include=["("])
