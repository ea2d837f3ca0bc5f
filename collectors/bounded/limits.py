"""How much a probe may take, and how a connection is cut when its time is over."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from collectors.errors import CollectError
from collectors.io import Io

MAX_BYTES = 16 * 2**20  # of one reply
MAX_SAMPLES = 200_000  # of one run


def refuse_flood(size: int, what: str, limit: int = MAX_BYTES) -> None:
    """Raises CollectError when more bytes came than a probe may take."""
    if size > limit:
        raise CollectError(f"{what} sent more than {limit:,} bytes; the probe stopped reading")


@contextlib.contextmanager
def cut_off(io: Io, cut: Callable[[], object], doing: str) -> Iterator[None]:
    """Call `cut` from another thread when the deadline passes inside the block; what fails then is a CollectError.

    For libraries that wait without a limit, or whose limit starts again with every packet: `cut` closes the socket.
    """
    over = threading.Event()

    def strike() -> None:
        over.set()
        with contextlib.suppress(OSError, EOFError):
            cut()

    timer = threading.Timer(io.left_s(doing), strike)
    timer.daemon = True
    timer.start()
    try:
        yield
    except CollectError:
        raise
    except Exception as fault:
        if over.is_set():
            raise CollectError(f"{doing} did not finish within {io.timeout_s:g} s") from fault
        raise
    finally:
        timer.cancel()


def shut(connected: socket.socket) -> None:
    """Wake whatever waits on this socket; closing it alone would leave a blocked reader blocked."""
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
