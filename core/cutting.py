"""Cutting off what waits too long, from another thread: for libraries that wait without a limit, or whose limit starts
again with every packet. To cut is to close or shut what is waited on, so that the waiting call fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def cut_after(seconds: float, cut: Callable[[], object], late: Exception) -> Iterator[None]:
    """Call `cut` when the seconds are over inside the block; what fails from then on is raised as `late`.

    What fails before is raised as it is, and so is what is of the class of `late`: it says already what went wrong.
    """
    over = threading.Event()

    def strike() -> None:
        over.set()
        with contextlib.suppress(OSError, EOFError):
            cut()

    timer = threading.Timer(seconds, strike)
    timer.daemon = True
    timer.start()
    try:
        yield
    except type(late):
        raise
    except Exception as fault:
        if over.is_set():
            raise late from fault
        raise
    finally:
        timer.cancel()
