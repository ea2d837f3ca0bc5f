"""One run of one probe is an outcome whatever happens: samples, or the sentence that says why there are none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bomc.pipeline import probe_samples, probing
from bomc.pipeline.probing import Prober
from collectors import this_machine
from collectors.errors import CollectError
from collectors.reading import Reading
from core.model import Outcome, Probe, Sample

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Settings(BaseModel):
    """Settings of a collector that the test stands in for."""


def probe(settings: object) -> Probe:
    return Probe("host-1", "this_machine", 5.0, 4.0, settings)


@pytest.fixture
def prober(tmp_path: Path) -> Iterator[Prober]:
    return Prober(tmp_path, lambda: NOON)  # type: ignore[return-value]


def test_this_machine_is_probed_for_real(prober: Prober) -> None:
    """Samples at the instant of the run, and no error."""
    found = prober.run(probe(this_machine.Config()))
    assert found.error is None
    assert "host.memory.used_ratio" in {sample.indicator for sample in found.samples}
    assert found.probe == "host-1/this_machine"
    assert found.took_s > 0


def fails(error: Exception) -> Any:
    def collect(*_: object) -> Reading:
        raise error

    return collect


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CollectError("connection refused"), "connection refused"),
        (
            ZeroDivisionError("division by zero"),
            "the collector this_machine broke down: ZeroDivisionError: division by zero",
        ),
        (KeyError("x"), "the collector this_machine broke down: KeyError: 'x'"),
    ],
)
def test_a_collector_that_fails_or_breaks_down_is_an_outcome(
    prober: Prober, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, sentence: str
) -> None:
    """A failure says why; a break-down is besides in the log, with its place in the code."""
    monkeypatch.setattr(probing, "collect", fails(error))
    with caplog.at_level(logging.ERROR):
        found = prober.run(probe(Settings()))
    assert (found.error, found.samples) == (sentence, ())
    assert bool(caplog.records) is not isinstance(error, CollectError)


def test_a_probe_without_settings_is_an_outcome_too(prober: Prober) -> None:
    """A fault of ours, in words."""
    assert "fault of bomc" in str(prober.run(probe(None)).error)


def test_a_probe_remembers_between_its_runs_and_nobody_else_does(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory is the probe's own."""

    def collect(_name: str, _settings: object, _now: datetime, io: Any) -> Reading:
        io.memory["runs"] = io.memory.get("runs", 0) + 1
        return Reading([Sample("runs", io.memory["runs"], 0)])

    monkeypatch.setattr(probing, "collect", collect)
    one, other = probe(Settings()), Probe("host-2", "this_machine", 5.0, 4.0, Settings())
    assert [prober.run(which).samples[0].value for which in (one, one, other, one)] == [1, 2, 1, 3]


@pytest.mark.parametrize(("error", "up"), [(None, 1.0), ("connection refused", 0.0)])
def test_the_samples_of_a_run_itself(error: str | None, up: float) -> None:
    """Up or not and how long it took, at the end of the run, labelled with the probe."""
    found = probe_samples.of_outcome(Outcome("host-1/second", "host-1", 1_000, 0.25, error=error))
    assert found.probe == "host-1/second#probe"
    assert [(s.indicator, s.value, s.at_ms, s.labels) for s in found.samples] == [
        ("probe.up", up, 1_250, (("probe", "second"),)),
        ("probe.duration", 0.25, 1_250, (("probe", "second"),)),
    ]
