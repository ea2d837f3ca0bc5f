"""What all tests share: real servers and stores as fixtures, and the rule that continuous integration skips nothing."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.servers.fixtures", "tests.stores"]

ON_CI = os.environ.get("CI", "") not in ("", "0", "false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    """On CI a skipped test is a failed one: what is not installed there was not tested."""
    report = yield
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI skips nothing: {report.longrepr}"
    return report
