"""A Linux host without an agent: one command over SSH reads /proc and df, and nothing is installed there.

Emits the same `host.*` indicators as this_machine, of local file systems. The processor's shares are those since the
probe's previous run; the first run reads /proc/stat twice. Silence means that the host did not answer in time, is not
the host that was pinned, or refused the login. Formats: proc(5), and df as POSIX lays it down (`-P`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from collectors.bounded import ssh
from collectors.errors import CollectError
from collectors.indicators.host import CPU_MODES, HOST, NOT_REAL, df_ratio, labelled, shares, used
from collectors.io import Io
from collectors.reading import Reading
from core.model import Indicator, Kind, Sample, instant_ms, labels_of

SECTOR_BYTES = 512  # the unit of /proc/diskstats, whatever the device
MARK = "@@ "
MAX_DF_LINE = 1024

INDICATORS: tuple[Indicator, ...] = (
    *HOST,
    Indicator("host.processes", "1", Kind.GAUGE, "host", "Processes of the host"),
)


class Config(ssh.Access):
    """The host, and how to get in."""

    per_core: bool = Field(False, description="Also the used share of each core")


@dataclass(frozen=True)
class Raw:
    """What the command printed, and the processor times of the run before."""

    output: str
    where: str
    per_core: bool = False
    cpu_before: Mapping[str, Mapping[str, float]] | None = None


def script(first: bool) -> str:
    """The command: each part behind its mark. The first run waits a moment between two readings of /proc/stat."""
    parts = [f"echo '{MARK}before'; cat /proc/stat; sleep 0.2"] if first else []
    files = ("stat", "loadavg", "meminfo", "diskstats", "net/dev", "uptime")
    parts += [f"echo '{MARK}{name}'; cat /proc/{name}" for name in files]
    parts += [f"echo '{MARK}processes'; ls /proc | grep -c '^[0-9]'"]
    parts += [f"echo '{MARK}df'; df -PkTl", f"echo '{MARK}inodes'; df -Pil", f"echo '{MARK}end'"]
    return "; ".join(parts)


def fetch(config: Config, io: Io) -> Raw:
    """Run the command once. Raises CollectError when the host did not answer it."""
    before = io.memory.get("cpu")
    output = ssh.run(config, io, script(first=before is None))
    raw = Raw(output, f"{config.user}@{config.host}:{config.port}", config.per_core, before)
    io.memory["cpu"] = cpu_times(sections(raw).get("stat", ""))
    return raw


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples of one output. Raises CollectError when it is incomplete or not what Linux prints."""
    at_ms = instant_ms(now)
    part = sections(raw)
    try:
        before = raw.cpu_before or cpu_times(part.get("before", ""))
        cpu = cpu_times(part["stat"])
        samples = [Sample(name, value, at_ms) for name, value in plain_values(part, len(cpu) - 1)]
        for core, times in cpu.items():
            modes = shares(before.get(core, {}), times) if core in before else {}
            if modes and core and raw.per_core:
                samples.append(Sample("host.cpu.core_used_ratio", used(modes), at_ms, labels_of({"core": core})))
            elif modes and not core:
                samples.append(Sample("host.cpu.used_ratio", used(modes), at_ms))
                for mode, share in modes.items():
                    samples.append(Sample("host.cpu.mode_ratio", share, at_ms, labels_of({"mode": mode})))
        for mount, kind, values in file_systems(part["df"], part["inodes"]):
            samples += labelled("host.disk.", values, at_ms, {"mount": mount, "type": kind})
        for device, values in block_devices(part["diskstats"]):
            samples += labelled("host.disk.", values, at_ms, {"device": device})
        for interface, values in interfaces(part["net/dev"]):
            samples += labelled("host.network.", values, at_ms, {"interface": interface})
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as fault:
        raise CollectError(f"{raw.where} answered what is not /proc of Linux: {type(fault).__name__} {fault}") from None
    return Reading(samples)


def sections(raw: Raw) -> dict[str, str]:
    """The output by its marks. Raises CollectError when the last one is missing."""
    found: dict[str, str] = {}
    for piece in f"\n{raw.output}".split(f"\n{MARK}")[1:]:
        name, _, text = piece.partition("\n")
        found[name] = text
    if "end" not in found:
        said = " ".join(raw.output.split())[:120] or "nothing"
        raise CollectError(
            f"{raw.where} did not finish the command; it said {said!r}. Does the account have a POSIX shell?"
        )
    return found


def cpu_times(stat: str) -> dict[str, dict[str, float]]:
    """Ticks in each mode: of all cores under "", and of each core under its number; empty without a reading."""
    rows = (line.split() for line in stat.splitlines() if line.startswith("cpu"))
    return {row[0][3:]: dict(zip(CPU_MODES, map(float, row[1:]), strict=False)) for row in rows}


def plain_values(part: Mapping[str, str], cores: int) -> Iterator[tuple[str, float]]:
    """Uptime, cores, load, processes, memory and swap."""
    yield "host.uptime_s", float(part["uptime"].split()[0])
    yield "host.cpu.cores", cores
    for minutes, load in zip(("1m", "5m", "15m"), part["loadavg"].split()[:3], strict=True):
        yield f"host.load.{minutes}", float(load)
    yield "host.processes", float(part["processes"])
    rows = (line.replace(":", " ").split() for line in part["meminfo"].splitlines())
    memory = {row[0]: float(row[1]) * (1024 if row[-1] == "kB" else 1) for row in rows if len(row) > 1}
    total, swap = memory["MemTotal"], memory["SwapTotal"]
    old_kernel = memory["MemFree"] + memory.get("Buffers", 0.0) + memory.get("Cached", 0.0)
    available = memory.get("MemAvailable", old_kernel)
    yield "host.memory.total_bytes", total
    yield "host.memory.available_bytes", available
    yield "host.memory.used_ratio", 1 - available / total
    yield "host.swap.total_bytes", swap
    yield "host.swap.used_bytes", swap - memory["SwapFree"]
    if swap:
        yield "host.swap.used_ratio", 1 - memory["SwapFree"] / swap


DF = re.compile(r"(?P<device>.*?)\s+(?P<type>\S+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(?:\d+%|-)\s+(?P<mount>/.*)")
DF_INODES = re.compile(r".*?\s+(\d+|-)\s+(\d+|-)\s+(-?\d+|-)\s+(?:\d+%|-)\s+(?P<mount>/.*)")


def short_lines(text: str) -> list[str]:
    """The lines that df can have printed; a longer one could keep the patterns busy for hours."""
    return [line for line in text.splitlines() if len(line) <= MAX_DF_LINE]


def file_systems(df: str, inodes: str) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Mount, type and values of each real file system, once for each device."""
    share: dict[str, float] = {}
    for match in filter(None, map(DF_INODES.fullmatch, short_lines(inodes))):
        if match[1] not in ("0", "-"):
            share[match["mount"]] = float(match[2]) / float(match[1])
    seen: set[str] = set()
    for match in filter(None, map(DF.fullmatch, short_lines(df))):
        mount, kind = match["mount"], match["type"]
        ratio = df_ratio(float(match[4]), float(match[5]))
        if match["device"] in seen or ratio is None or (kind in NOT_REAL and mount != "/"):
            continue
        seen.add(match["device"])
        values = {"size_bytes": float(match[3]) * 1024, "free_bytes": float(match[5]) * 1024, "used_ratio": ratio}
        if mount in share:
            values["inodes_used_ratio"] = share[mount]
        yield mount, kind, values


def block_devices(diskstats: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Counters of each block device that ever worked."""
    for row in map(str.split, diskstats.splitlines()):
        if len(row) < 14 or (row[3] == "0" and row[7] == "0"):
            continue
        yield (
            row[2],
            {
                "read_bytes": float(row[5]) * SECTOR_BYTES,
                "written_bytes": float(row[9]) * SECTOR_BYTES,
                "reads": float(row[3]),
                "writes": float(row[7]),
                "busy_s": float(row[12]) / 1000,
            },
        )


def interfaces(net_dev: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Counters of each network interface; the two lines of headings have no colon behind a name."""
    for name, colon, rest in (line.partition(":") for line in net_dev.splitlines()):
        row = rest.split()
        if not colon or len(row) < 16:
            continue
        yield (
            name.strip(),
            {
                "received_bytes": float(row[0]),
                "sent_bytes": float(row[8]),
                "received_packets": float(row[1]),
                "sent_packets": float(row[9]),
                "errors": float(row[2]) + float(row[10]),
                "drops": float(row[3]) + float(row[11]),
            },
        )
