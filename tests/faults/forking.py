"""Processes that begin at once: forked from a server process that has everything imported and no threads."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

PRELOAD = ["tests.faults.story", "tests.faults.live", "tests.faults.assurance", "tests.faults.alerting.teller"]
ENDS_WITHIN_S = 60.0


def context() -> ForkServerContext:
    """The context that processes and their pipes are made with."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOAD)
    return found


def start(work: Callable[..., object], *arguments: Any) -> ForkServerProcess:
    """Begin `work` in a process of its own; it ends with this one."""
    process = context().Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def run(work: Callable[..., object], *arguments: Any) -> int:
    """Run `work` in a process of its own to its end; the exit status, -9 when it was killed."""
    process = start(work, *arguments)
    process.join(ENDS_WITHIN_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{work.__name__}{arguments} did not end within {ENDS_WITHIN_S:g} s")
    return process.exitcode
