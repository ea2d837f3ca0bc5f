"""The timetable of faults that the demo's order service suffers, as plain rows, and which of them are active when.

A visitor can look the timetable up beforehand, so nothing that the console then says has to be taken on trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml


class FaultKind(StrEnum):
    """What goes wrong."""

    THREADS_FULL = "threads_full"  # the back end gets slow, so the threads run full, then the queue, then come 503s
    CALLBACKS_LOST = "callbacks_lost"  # a channel's call-backs vanish: paid, but no bill
    CHANNEL_REFUSES = "channel_refuses"  # a channel declines every payment: failed orders, no money moved
    DOUBLE_CHARGE = "double_charge"  # a channel charges twice for one order
    SHORT_PAYMENT = "short_payment"  # a channel applies a coupon that billing does not know: paid less than billed


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the timetable; seconds count from the start of the service. A period of 0 means once."""

    kind: FaultKind
    first_s: float
    length_s: float
    every_s: float
    channel: str = ""  # the channel that suffers; empty for all of them


TIMETABLE: tuple[Fault, ...] = (
    Fault(FaultKind.THREADS_FULL, 20, 70, 900),
    Fault(FaultKind.CALLBACKS_LOST, 92, 60, 1200, "alipay"),
    Fault(FaultKind.SHORT_PAYMENT, 300, 60, 3600, "wechat"),
    Fault(FaultKind.CHANNEL_REFUSES, 420, 60, 1800, "unionpay"),
    Fault(FaultKind.DOUBLE_CHARGE, 600, 90, 3600, "wechat"),
)


def active(timetable: Sequence[Fault], elapsed_s: float) -> tuple[Fault, ...]:
    """The faults whose time it is that many seconds after the start; a fault's last instant is already free of it."""
    return tuple(fault for fault in timetable if _is_active(fault, elapsed_s))


def _is_active(fault: Fault, elapsed_s: float) -> bool:
    since = elapsed_s - fault.first_s
    if since < 0:
        return False
    return (since % fault.every_s if fault.every_s else since) < fault.length_s


def suffers(faults: Sequence[Fault], kind: FaultKind, channel: str) -> bool:
    """Whether one of the faults is of that kind and touches that channel."""
    return any(fault.kind is kind and fault.channel in ("", channel) for fault in faults)


def read_timetable(path: Path) -> tuple[Fault, ...]:
    """A timetable from a YAML list of rows with the fields of Fault. Raises ValueError with a sentence on a bad row."""
    rows: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise ValueError(f"{path} must be a list of faults, each with kind, first_s, length_s and every_s")
    faults = []
    for number, row in enumerate(rows, 1):
        try:
            fault = Fault(**{**row, "kind": FaultKind(row["kind"])})
            whole = fault.first_s >= 0 and fault.length_s > 0 and fault.every_s >= 0
        except (TypeError, ValueError, KeyError) as problem:
            raise ValueError(f"{path}, fault {number}: {problem}") from None
        if not whole:
            raise ValueError(f"{path}, fault {number}: times are seconds, none negative, and length_s above zero")
        faults.append(fault)
    return tuple(faults)
