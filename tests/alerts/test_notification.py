"""The decision whether to tell: a table of entry, firing, resolved, repeat and now."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.notification import Entry, decide_notify
from tests.alerts.world import NOON, after

HOUR = timedelta(hours=1)
TOLD = Entry({1: "warning", 2: "critical"}, (), NOON)

CASES: dict[str, tuple[Entry | None, dict[int, str], list[int], datetime, set[int], bool, bool, str]] = {
    # entry, firing, resolved, now, acknowledged, send_resolved -> send, a part of the reason
    "nothing yet, one fires": (None, {1: "warning"}, [], NOON, set(), True, True, "first message: 1 alert firing"),
    "nothing yet, only resolved": (None, {}, [1], NOON, set(), True, False, "before anybody was told"),
    "nothing at all": (None, {}, [], NOON, set(), True, False, "before anybody was told"),
    "nothing yet, acknowledged already": (None, {1: "warning"}, [], NOON, {1}, True, True, "first message"),
    "the same": (TOLD, {1: "warning", 2: "critical"}, [], after(minutes=59), set(), True, False, "nothing new"),
    "a new one": (TOLD, {1: "warning", 2: "critical", 3: "warning"}, [], NOON, set(), True, True, "1 alert firing that"),
    "a new one, resolves not wanted": (TOLD, {1: "warning", 3: "warning"}, [2], NOON, set(), False, True, "1 alert firing"),
    "severity rose": (TOLD, {1: "critical", 2: "critical"}, [], NOON, set(), True, True, "severity of 1 alert rose"),
    "severity rose though acknowledged": (TOLD, {1: "critical"}, [], NOON, {1}, True, True, "severity of 1 alert rose"),
    "severity fell": (TOLD, {1: "warning", 2: "warning"}, [], NOON, set(), True, False, "nothing new"),
    "one resolved": (TOLD, {1: "warning"}, [2], NOON, set(), True, True, "1 alert resolved"),
    "one resolved, not wanted": (TOLD, {1: "warning"}, [2], NOON, set(), False, False, "nothing new"),
    "all resolved": (TOLD, {}, [1, 2], NOON, set(), True, True, "everything is resolved"),
    "all resolved, not wanted": (TOLD, {}, [1, 2], NOON, set(), False, False, "wants no resolves"),
    "all gone without an end": (TOLD, {}, [], NOON, set(), True, False, "no end to tell"),
    "repeat is due": (TOLD, {1: "warning", 2: "critical"}, [], after(hours=1), set(), True, True, "repeat: 1h"),
    "one ms before the repeat": (
        TOLD, {1: "warning", 2: "critical"}, [], after(hours=1, milliseconds=-1), set(), True, False, "next repeat comes 1h",
    ),
    "repeat is due, all acknowledged": (TOLD, {1: "warning"}, [], after(hours=2), {1}, True, False, "all acknowledged"),
    "repeat is due, one of two acknowledged": (
        TOLD, {1: "warning", 2: "critical"}, [], after(hours=2), {1}, True, True, "repeat",
    ),
    "told of resolves only, fires again": (
        Entry({}, (1,), NOON), {4: "warning"}, [], NOON, set(), True, True, "1 alert firing that",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "firing", "resolved", "now", "acknowledged", "send_resolved", "send", "why"),
    CASES.values(),
    ids=CASES.keys(),
)
def test_whether_to_tell(
    entry: Entry | None,
    firing: dict[int, str],
    resolved: list[int],
    now: datetime,
    acknowledged: set[int],
    send_resolved: bool,
    send: bool,
    why: str,
) -> None:
    """Each row is decided as the table says, with a reason in words either way."""
    decided, reason = decide_notify(
        entry, firing, resolved, HOUR, now, acknowledged=acknowledged, send_resolved=send_resolved
    )
    assert decided is send
    assert why in reason
