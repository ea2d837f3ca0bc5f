"""What waits too long is cut off, and said to be late; whatever else fails is said as it is."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from core.cutting import cut_after


class Late(Exception):
    """The error of whoever sets the limit."""


def fail(words: str, kind: type[Exception] = OSError, after: threading.Event | None = None) -> None:
    """Fail with these words, at once or after an event."""
    assert after is None or after.wait(10)
    raise kind(words)


def test_a_read_that_would_wait_for_ever_ends_when_its_time_is_over() -> None:
    waiting, silent = socket.socketpair()
    with waiting, silent:
        started = time.monotonic()
        limited = cut_after(0.1, lambda: waiting.shutdown(socket.SHUT_RDWR), Late("it took too long"))
        with pytest.raises(Late, match="too long") as found, limited:
            fail(waiting.recv(1).decode() or "the connection is shut")
        assert time.monotonic() - started < 5
        assert isinstance(found.value.__cause__, OSError)


def test_what_fails_in_time_is_raised_as_it_is_and_nothing_is_cut() -> None:
    cut = threading.Event()
    with pytest.raises(OSError, match="by itself"), cut_after(30, cut.set, Late("late")):
        fail("by itself")
    with pytest.raises(Late, match="said already"), cut_after(0.01, cut.set, Late("late")):
        fail("said already", Late, after=cut)
    cut.clear()
    with cut_after(0.05, cut.set, Late("late")):
        pass
    time.sleep(0.1)
    assert not cut.is_set()


def test_a_cut_that_fails_itself_is_no_matter() -> None:
    struck = threading.Event()

    def closed() -> None:
        struck.set()
        fail("closed already")

    with cut_after(0.01, closed, Late("late")):
        assert struck.wait(10)
