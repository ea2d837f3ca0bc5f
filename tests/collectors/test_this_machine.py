"""This machine: the formulas on readings made by hand, and the real machine beside what it says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors import Io, collect
from collectors.indicators.host import df_ratio, shares, used
from collectors.this_machine import Config, Raw, parse
from core.model import Kind
from tests.collectors.readings import NOW, NOW_MS, table


def raw(**changes: object) -> Raw:
    whole: dict[str, object] = {
        "cpu_before": {"": {"user": 10.0, "system": 5.0, "idle": 80.0, "iowait": 5.0}},
        "cpu": {"": {"user": 40.0, "system": 15.0, "idle": 130.0, "iowait": 15.0}},
        "plain": {"host.load.1m": 1.5},
        "disks": (("/", "ext4", {"used_ratio": 0.5}),),
        "devices": {"sda": {"reads": 7}},
        "interfaces": {"eth0": {"errors": 1}},
        "processes": {"java": {"count": 2, "threads": 90}},
    }
    return Raw(**{**whole, **changes})  # type: ignore[arg-type]


def test_a_reading_becomes_samples_with_shares_of_the_time_since_the_one_before() -> None:
    assert table(parse(raw(), NOW)) == {
        ("host.load.1m",): 1.5,
        ("host.cpu.used_ratio",): 0.4,
        ("host.cpu.mode_ratio", "user"): 0.3,
        ("host.cpu.mode_ratio", "system"): 0.1,
        ("host.cpu.mode_ratio", "idle"): 0.5,
        ("host.cpu.mode_ratio", "iowait"): 0.1,
        ("host.disk.used_ratio", "/", "ext4"): 0.5,
        ("host.disk.reads", "sda"): 7,
        ("host.network.errors", "eth0"): 1,
        ("host.process.count", "java"): 2,
        ("host.process.threads", "java"): 90,
    }


def test_no_time_between_two_readings_gives_no_share_rather_than_zero() -> None:
    same = {"": {"user": 1.0, "idle": 2.0}}
    assert not [key for key in table(parse(raw(cpu_before=same, cpu=same), NOW)) if key[0].startswith("host.cpu")]


def test_a_counter_that_falls_counts_as_no_time() -> None:
    assert shares({"iowait": 9.0, "idle": 0.0}, {"iowait": 8.0, "idle": 4.0}) == {"iowait": 0.0, "idle": 1.0}


def test_the_used_share_leaves_out_idling_and_waiting_for_disks() -> None:
    assert used({"idle": 0.5, "iowait": 0.2, "user": 0.3}) == pytest.approx(0.3)


@pytest.mark.parametrize(("taken", "free", "ratio"), [(50, 50, 0.5), (90, 0, 1.0), (0, 0, None), (1, 3, 0.25)])
def test_the_used_share_of_a_disk_is_that_of_df(taken: float, free: float, ratio: float | None) -> None:
    assert df_ratio(taken, free) == ratio


def test_the_real_machine_agrees_with_the_system(tmp_path: Path) -> None:
    reading = collect("this_machine", Config(per_core=True), NOW, Io(10))
    values = table(reading)
    assert values[("host.cpu.cores",)] == os.cpu_count()
    assert 0 <= values[("host.cpu.used_ratio",)] <= 1
    assert 0 < values[("host.memory.used_ratio",)] < 1
    assert values[("host.uptime_s",)] == pytest.approx(float(Path("/proc/uptime").read_text().split()[0]), abs=5)
    root = {key[0]: value for key, value in values.items() if key[1:2] == ("/",)}
    disk = os.statvfs("/")
    assert root["host.disk.size_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < root["host.disk.used_ratio"] <= 1
    assert {key[1] for key in values if key[0] == "host.cpu.core_used_ratio"} <= {
        str(n) for n in range(os.cpu_count() or 1)
    }
    assert ("host.network.received_bytes", "lo") in values
    assert {sample.at_ms for sample in reading.samples} == {NOW_MS}


def test_the_second_run_measures_since_the_first() -> None:
    memory: dict[str, object] = {}
    collect("this_machine", Config(), NOW, Io(10, memory=memory))
    before = memory["cpu"]
    collect("this_machine", Config(), NOW, Io(10, memory=memory))
    assert memory["cpu"] is not before


def test_named_processes_are_counted_and_an_absent_one_is_zero() -> None:
    child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=-1, stdout=-1)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        name = Path(f"/proc/{child.pid}/comm").read_text().strip()
        values = table(collect("this_machine", Config(processes=[name, "no-such-program"]), NOW, Io(10)))
    finally:
        child.communicate(b"\n")
    assert values[("host.process.count", name)] >= 1
    assert values[("host.process.rss_bytes", name)] > 1_000_000
    assert values[("host.process.open_files", name)] >= 3
    assert values[("host.process.count", "no-such-program")] == 0
    assert ("host.process.rss_bytes", "no-such-program") not in values


def test_every_indicator_that_comes_is_declared_with_its_kind() -> None:
    from collectors.this_machine import INDICATORS

    declared = {indicator.name: indicator.kind for indicator in INDICATORS}
    name = Path("/proc/self/comm").read_text().strip()
    reading = collect("this_machine", Config(per_core=True, processes=[name]), NOW, Io(10))
    assert {sample.indicator for sample in reading.samples} <= set(declared)
    assert all(0 <= s.value <= 1 for s in reading.samples if declared[s.indicator] is Kind.RATIO)
