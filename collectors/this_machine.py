"""This machine: processor, memory, disks, network and named processes, read from the operating system by psutil.

Emits the `host.*` indicators of collectors/indicators/host.py, and `host.process.*` for each name in `processes`. The
processor's shares are those since the probe's previous run; the first run looks at a tenth of a second of its own.
Silence means that the operating system refused the reading. A named process that is not running has the count 0, which
is a measurement, and no other indicators.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, Field

from collectors.errors import CollectError
from collectors.indicators.host import CPU_MODES, HOST, NOT_REAL, df_ratio, labelled, shares, used
from collectors.io import Io
from collectors.reading import Reading
from core.model import Indicator, Kind, Sample, instant_ms, labels_of

FIRST_INTERVAL_S = 0.1
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "glusterfs", "9p"})


class Config(BaseModel):
    """What to read of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    per_core: bool = Field(False, description="Also the used share of each core")
    processes: list[str] = Field([], description="Names of programs to count and measure, as `ps -C` takes them")
    network_disks: bool = Field(
        False, description="Also file systems of other hosts (NFS, CIFS), whose silence can hold the probe up"
    )


def _process(name: str, unit: str, kind: Kind, description: str) -> Indicator:
    return Indicator(f"host.process.{name}", unit, kind, "host", f"{description} (label process)")


INDICATORS: tuple[Indicator, ...] = (
    *HOST,
    Indicator("host.processes", "1", Kind.GAUGE, "host", "Processes of the host"),
    _process("count", "1", Kind.GAUGE, "Running processes of that name"),
    _process("cpu_s", "s", Kind.COUNTER, "Processor time of all of them"),
    _process("rss_bytes", "By", Kind.GAUGE, "Resident memory of all of them"),
    _process("threads", "1", Kind.GAUGE, "Threads of all of them"),
    _process("open_files", "1", Kind.GAUGE, "Open file descriptors of all of them that we may look into"),
)


@dataclass(frozen=True)
class Raw:
    """Readings of one instant; processor times also of the instant before, each as {core or "": {mode: seconds}}."""

    cpu_before: Mapping[str, Mapping[str, float]]
    cpu: Mapping[str, Mapping[str, float]]
    plain: Mapping[str, float]  # indicators without labels
    disks: tuple[tuple[str, str, Mapping[str, float]], ...]  # mount, type, values
    devices: Mapping[str, Mapping[str, float]]
    interfaces: Mapping[str, Mapping[str, float]]
    processes: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = ()


def fetch(config: Config, io: Io) -> Raw:
    """Read everything once. Raises CollectError when the operating system does not let us."""
    try:
        before = io.memory.get("cpu")
        if before is None:
            before = cpu_times(config.per_core)
            time.sleep(min(FIRST_INTERVAL_S, io.left_s("reading this machine") / 2))
        now = cpu_times(config.per_core)
        io.memory["cpu"] = now
        notes: list[str] = []
        processes, count = named_processes(config.processes, io)
        return Raw(
            before,
            now,
            {**plain_values(), "host.processes": count},
            tuple(file_systems(config.network_disks, notes, io)),
            block_devices(),
            network_interfaces(),
            processes,
            tuple(notes),
        )
    except (psutil.Error, OSError, RuntimeError) as fault:
        raise CollectError(f"this machine cannot be read: {fault}") from fault


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples of one reading."""
    at_ms = instant_ms(now)
    modes = shares(raw.cpu_before.get("", {}), raw.cpu[""])
    samples = [Sample(name, value, at_ms) for name, value in raw.plain.items()]
    if modes:
        samples.append(Sample("host.cpu.used_ratio", used(modes), at_ms))
        samples += [Sample("host.cpu.mode_ratio", share, at_ms, labels_of({"mode": m})) for m, share in modes.items()]
    for core, times in raw.cpu.items():
        of_core = shares(raw.cpu_before.get(core, {}), times) if core else {}
        if of_core:
            samples.append(Sample("host.cpu.core_used_ratio", used(of_core), at_ms, labels_of({"core": core})))
    for mount, kind, values in raw.disks:
        samples += labelled("host.disk.", values, at_ms, {"mount": mount, "type": kind})
    for device, values in raw.devices.items():
        samples += labelled("host.disk.", values, at_ms, {"device": device})
    for interface, values in raw.interfaces.items():
        samples += labelled("host.network.", values, at_ms, {"interface": interface})
    for name, values in raw.processes.items():
        samples += labelled("host.process.", values, at_ms, {"process": name})
    return Reading(samples, raw.notes)


def cpu_times(per_core: bool) -> dict[str, dict[str, float]]:
    """Seconds in each mode since the start: of all cores together under "", and of each core under its number."""
    cores = enumerate(psutil.cpu_times(percpu=True)) if per_core else ()
    return {"": modes_of(psutil.cpu_times()), **{str(number): modes_of(times) for number, times in cores}}


def modes_of(times: Any) -> dict[str, float]:
    """The modes that this system counts; on Linux `user` and `nice` already contain the time of guests."""
    return {mode: getattr(times, mode) for mode in CPU_MODES if hasattr(times, mode)}


def plain_values() -> dict[str, float]:
    """Uptime, cores, load, memory and swap."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    load = os.getloadavg()
    values: dict[str, float] = {
        "host.uptime_s": uptime_s(),
        "host.cpu.cores": psutil.cpu_count() or 1,
        "host.load.1m": load[0],
        "host.load.5m": load[1],
        "host.load.15m": load[2],
        "host.memory.total_bytes": memory.total,
        "host.memory.available_bytes": memory.available,
        "host.memory.used_ratio": 1 - memory.available / memory.total,
        "host.swap.total_bytes": swap.total,
        "host.swap.used_bytes": swap.used,
    }
    if swap.total:
        values["host.swap.used_ratio"] = swap.used / swap.total
    return values


def uptime_s() -> float:
    """Seconds since the start of this machine, by the clock that counts its sleep too and never jumps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def file_systems(network: bool, notes: list[str], io: Io) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Mount, type and values of each real file system, once for each device; one that cannot be read is noted."""
    seen: set[str] = set()
    for part in sorted(psutil.disk_partitions(all=True), key=lambda part: (len(part.mountpoint), part.mountpoint)):
        root = part.mountpoint == "/"
        foreign = part.fstype in NETWORK_FILE_SYSTEMS
        if (part.fstype in NOT_REAL and not root) or (foreign and not network) or part.device in seen:
            continue
        if not root and not os.path.isdir(part.mountpoint):
            continue  # a single file mounted into a container
        io.left_s(f"reading the file system {part.mountpoint}")
        try:
            status = os.statvfs(part.mountpoint)
        except OSError as fault:
            notes.append(f"the file system {part.mountpoint} cannot be read: {fault.strerror}")
            continue
        seen.add(part.device)
        free, used_bytes = status.f_bavail * status.f_frsize, (status.f_blocks - status.f_bfree) * status.f_frsize
        ratio = df_ratio(used_bytes, free)
        if ratio is None:
            continue
        values = {"size_bytes": status.f_blocks * status.f_frsize, "free_bytes": free, "used_ratio": ratio}
        if status.f_files:
            values["inodes_used_ratio"] = 1 - status.f_ffree / status.f_files
        yield part.mountpoint, part.fstype, values


def block_devices() -> dict[str, dict[str, float]]:
    """Counters of each block device that ever worked."""
    counters = psutil.disk_io_counters(perdisk=True) or {}
    return {
        device: {
            "read_bytes": c.read_bytes,
            "written_bytes": c.write_bytes,
            "reads": c.read_count,
            "writes": c.write_count,
            **({"busy_s": c.busy_time / 1000} if hasattr(c, "busy_time") else {}),
        }
        for device, c in counters.items()
        if c.read_count or c.write_count
    }


def network_interfaces() -> dict[str, dict[str, float]]:
    """Counters of each network interface."""
    return {
        interface: {
            "received_bytes": c.bytes_recv,
            "sent_bytes": c.bytes_sent,
            "received_packets": c.packets_recv,
            "sent_packets": c.packets_sent,
            "errors": c.errin + c.errout,
            "drops": c.dropin + c.dropout,
        }
        for interface, c in psutil.net_io_counters(pernic=True).items()
    }


def named_processes(names: list[str], io: Io) -> tuple[dict[str, dict[str, float]], int]:
    """What the processes of each name use together, and how many processes there are at all."""
    if not names:
        return {}, len(psutil.pids())
    found: dict[str, dict[str, float]] = {name: {"count": 0} for name in names}
    count = 0
    for process in psutil.process_iter(["name"]):
        count += 1
        values = found.get(process.info["name"])
        if values is None:
            continue
        io.left_s("reading the processes of this machine")
        try:
            with process.oneshot():
                times = process.cpu_times()
                measured: dict[str, float] = {
                    "count": 1,
                    "cpu_s": times.user + times.system,
                    "rss_bytes": process.memory_info().rss,
                    "threads": process.num_threads(),
                }
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue  # it ended while we looked
        with contextlib.suppress(psutil.Error, AttributeError):  # another user's process: the rest still counts
            measured["open_files"] = process.num_fds()
        for key, value in measured.items():
            values[key] = values.get(key, 0) + value
    return found, count
