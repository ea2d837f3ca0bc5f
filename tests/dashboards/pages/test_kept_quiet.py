"""The alert's own page says why nobody is told of it, as its history has it."""

from __future__ import annotations

import pytest

from dashboards.components.alert_detail import kept_quiet

SILENT = ("kept_quiet", "receiver ops: silenced by li until 2026-03-02 12:07 UTC: disks (silence 1)")
PARENT = ("kept_quiet", "receiver pager: suppressed: its parent sw-1 is down (alert 51, host-down)")
OVER = ("let_through", "receiver ops: no longer kept quiet: its silence is over")

CASES: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    # the history, oldest first -> what is said
    "never quiet": ([("opened", "critical: full"), ("notified", "receiver ops, firing: email")], []),
    "quiet": ([("opened", "critical: full"), SILENT], [SILENT[1]]),
    "let through": ([SILENT, OVER], []),
    "quiet again": ([SILENT, OVER, SILENT], [SILENT[1]]),
    "for one of two receivers": ([SILENT, PARENT, OVER], [PARENT[1]]),
    "for both": ([SILENT, PARENT], [PARENT[1], SILENT[1]]),
    "the latest reason holds": ([("kept_quiet", "receiver ops: its cause"), SILENT], [SILENT[1]]),
    "a receiver without channel is not muted": (
        [("kept_quiet", "receiver ops has no channel; it shows in the console only")],
        [],
    ),
}


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES.keys())
def test_why_receivers_are_not_told_now(history: list[tuple[str, str]], expected: list[str]) -> None:
    """Of each receiver the latest word."""
    newest_first = [{"kind": kind, "detail": detail} for kind, detail in reversed(history)]
    assert kept_quiet(newest_first) == expected
