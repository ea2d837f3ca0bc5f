"""What all tests share: real servers and stores, passwords that are hashed quickly, and the rule that CI skips nothing.

Properties have no deadline: a busy machine is no fault of theirs, and what hangs is ended by the time limit of each test.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

from core.people import passwords

pytest_plugins = ["tests.servers.fixtures", "tests.stores"]

settings.register_profile("house", settings(deadline=None))
settings.load_profile("house")

ON_CI = os.environ.get("CI", "") not in ("", "0", "false")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> object:
    """What is imported for thousands of tests stays to the end: nobody looks again and again whether it is garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    """On CI a skipped test is a failed one: what is not installed there was not tested."""
    report = yield
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI skips nothing: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def product_hasher() -> Iterator[PasswordHasher]:
    """The product's own hasher, of which a test holds the cost; within this process all others hash at the least cost.

    It is argon2id all the same, and a hash says at which cost it was made: those of the processes that tests start match.
    """
    hasher = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield hasher
