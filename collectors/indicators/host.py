"""What is measured on a host, whoever measures it: names, units and kinds, and the formulas behind the ratios."""

from __future__ import annotations

from collections.abc import Mapping

from core.model import Indicator, Kind, Sample, labels_of


def _host(name: str, unit: str, kind: Kind, description: str) -> Indicator:
    return Indicator(f"host.{name}", unit, kind, "host", description)


HOST: tuple[Indicator, ...] = (
    _host("uptime_s", "s", Kind.GAUGE, "Time since the host started"),
    _host("cpu.used_ratio", "1", Kind.RATIO, "Share of processor time that was neither idle nor waiting for disks"),
    _host("cpu.mode_ratio", "1", Kind.RATIO, "Share of processor time in each mode (label mode)"),
    _host("cpu.core_used_ratio", "1", Kind.RATIO, "Used share of each core (label core)"),
    _host("cpu.cores", "1", Kind.GAUGE, "Logical processors"),
    _host("load.1m", "1", Kind.GAUGE, "Mean number of runnable processes over 1 minute"),
    _host("load.5m", "1", Kind.GAUGE, "Mean number of runnable processes over 5 minutes"),
    _host("load.15m", "1", Kind.GAUGE, "Mean number of runnable processes over 15 minutes"),
    _host("memory.total_bytes", "By", Kind.GAUGE, "Memory of the host"),
    _host("memory.available_bytes", "By", Kind.GAUGE, "Memory that programs can get without swapping"),
    _host("memory.used_ratio", "1", Kind.RATIO, "Share of memory that is not available"),
    _host("swap.total_bytes", "By", Kind.GAUGE, "Swap space; zero when there is none"),
    _host("swap.used_bytes", "By", Kind.GAUGE, "Swap space in use"),
    _host("swap.used_ratio", "1", Kind.RATIO, "Share of swap in use; absent without swap"),
    _host("disk.size_bytes", "By", Kind.GAUGE, "Size of a file system (labels mount, type)"),
    _host("disk.free_bytes", "By", Kind.GAUGE, "Bytes of it that ordinary users can still write"),
    _host("disk.used_ratio", "1", Kind.RATIO, "Used share of what ordinary users can have, as df shows it"),
    _host("disk.inodes_used_ratio", "1", Kind.RATIO, "Used share of its inodes; absent where they are not limited"),
    _host("disk.read_bytes", "By", Kind.COUNTER, "Bytes read from a block device (label device)"),
    _host("disk.written_bytes", "By", Kind.COUNTER, "Bytes written to a block device"),
    _host("disk.reads", "1", Kind.COUNTER, "Reads completed by a block device"),
    _host("disk.writes", "1", Kind.COUNTER, "Writes completed by a block device"),
    _host("disk.busy_s", "s", Kind.COUNTER, "Time during which a block device had work"),
    _host("network.received_bytes", "By", Kind.COUNTER, "Bytes received (label interface)"),
    _host("network.sent_bytes", "By", Kind.COUNTER, "Bytes sent"),
    _host("network.received_packets", "1", Kind.COUNTER, "Packets received"),
    _host("network.sent_packets", "1", Kind.COUNTER, "Packets sent"),
    _host("network.errors", "1", Kind.COUNTER, "Packets with errors, both ways"),
    _host("network.drops", "1", Kind.COUNTER, "Packets dropped, both ways"),
)

CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""Modes of processor time; `user` and `nice` contain the time of guests, so the modes add up to all time."""

NOT_REAL = frozenset(
    {
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs"),
        *("fusectl", "hugetlbfs", "mqueue", "nsfs", "overlay", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs"),
        *("squashfs", "sysfs", "tmpfs", "tracefs"),
    }
)
"""Types of file systems that hold nothing on a disk of their own; `/` counts whatever its type."""


def shares(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The share of time in each mode between two readings of the same counters; empty when no time passed.

    A counter that fell (iowait can, says proc(5)) counts as no time.
    """
    spent = {mode: max(0.0, after[mode] - before.get(mode, 0.0)) for mode in after}
    whole = sum(spent.values())
    return {mode: seconds / whole for mode, seconds in spent.items()} if whole > 0 else {}


def used(modes: Mapping[str, float]) -> float:
    """The used share: all time but idle and waiting for disks."""
    return min(1.0, max(0.0, 1.0 - modes.get("idle", 0.0) - modes.get("iowait", 0.0)))


def df_ratio(used_bytes: float, available: float) -> float | None:
    """Used share as df prints it, where root's reserve is neither used nor available; None when nothing is."""
    return used_bytes / (used_bytes + available) if used_bytes + available > 0 else None


def labelled(prefix: str, values: Mapping[str, float], at_ms: int, labels: Mapping[str, str]) -> list[Sample]:
    """One sample for each value, all with the same labels."""
    pairs = labels_of(labels)
    return [Sample(prefix + name, value, at_ms, pairs) for name, value in values.items()]
