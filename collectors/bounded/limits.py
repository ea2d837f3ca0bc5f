"""How much a probe may take, and how a connection is cut when its time is over."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

from collectors.errors import CollectError
from collectors.io import Io
from core.cutting import cut_after

MAX_BYTES = 16 * 2**20  # of one reply
MAX_SAMPLES = 200_000  # of one run


def refuse_flood(size: int, what: str, limit: int = MAX_BYTES) -> None:
    """Raises CollectError when more bytes came than a probe may take."""
    if size > limit:
        raise CollectError(f"{what} sent more than {limit:,} bytes; the probe stopped reading")


def cut_off(io: Io, cut: Callable[[], object], doing: str) -> AbstractContextManager[None]:
    """Call `cut` from another thread when the deadline passes inside the block; what fails then is a CollectError."""
    late = CollectError(f"{doing} did not finish within {io.timeout_s:g} s")
    return cut_after(io.left_s(doing), cut, late)


def shut(connected: socket.socket) -> None:
    """Wake whatever waits on this socket; closing it alone would leave a blocked reader blocked."""
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
