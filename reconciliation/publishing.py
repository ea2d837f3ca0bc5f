"""A run's result appears in its folder at once and whole: written beside, moved into place, the certificate last."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from reconciliation.certificate import FILE

_RUNNING: Final = ".running-"


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path | None]:
    """A folder of this run's own inside `out`, or None while another run works there; what a killed run left is removed."""
    out.mkdir(parents=True, exist_ok=True)
    place = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in out.glob(f"{_RUNNING}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_RUNNING, dir=out) as name:
            yield Path(name)
    except BlockingIOError:
        yield None
    finally:
        os.close(place)


def publish(folder: Path, out: Path, outputs: Iterable[str]) -> dict[str, Path]:
    """Move the outputs of a workplace and then its certificate into `out`, each by a rename on the same file system."""
    (out / FILE).unlink(missing_ok=True)
    paths = {}
    for name in (*outputs, FILE):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
        paths[name] = (folder / name).replace(out / name)
    return paths
