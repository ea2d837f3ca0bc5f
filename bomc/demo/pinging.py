"""The heartbeats of the demo: one job that is really heard of, and one that fell silent before the visitor came.

While the order service answers, its heartbeat is sent to the console like any job's would be, over HTTP. The token of its URL
is kept beside the order service's files, mode 0600.
"""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from alerts.heartbeats import pings
from alerts.heartbeats.judging import SUCCESS
from bomc.demo.ports import Ports, ask
from bomc.demo.start import is_demo_shop
from core.store.open import reading, writing

log = logging.getLogger(__name__)

WHO = "bomc demo"
HEARD, SILENT = "demo-order-service", "demo-nightly-push"
EVERY_S = 20.0
FIRST_S = 2.0


def fall_silent(connection: Connection, now: datetime) -> None:
    """The silent job was heard of for the last time two hours ago."""
    began = now - timedelta(hours=3)
    token = pings.renew(connection, SILENT, WHO, began)
    output = "演示：推送 1204 份账单。Demo: 1,204 bills pushed.\n".encode()
    pings.hear(connection, token, SUCCESS, now - timedelta(hours=2), exit_status=0, output=output)


def token_of(engine: Engine, place: Path, now: datetime) -> str:
    """The token under which the order service is heard of: the one kept in `place`, or a new one when that is worth nothing."""
    try:
        kept = place.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        kept = ""
    with reading(engine) as connection:
        if kept and pings.look_up(connection, kept, now).name == HEARD:
            return kept
    with writing(engine) as connection:
        token = pings.renew(connection, HEARD, WHO, now)
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(token + "\n")
    part.replace(place)
    return token


class Pinger:
    """A thread that sends the heartbeat while the order service answers; when it does not, its silence tells."""

    def __init__(self, ports: Ports, token: str, every_s: float = EVERY_S, first_s: float = FIRST_S) -> None:
        self._ports, self._token, self._every_s, self._first_s = ports, token, every_s, first_s
        self._stopping = threading.Event()
        self._refused = False
        self._thread = threading.Thread(target=self._beat, name="demo heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self._thread.join()

    def _beat(self) -> None:
        wait_s = self._first_s
        while not self._stopping.wait(wait_s):
            taken = is_demo_shop(self._ports) and self._send()
            wait_s = self._every_s if taken else self._first_s

    def _send(self) -> bool:
        """Whether it was taken; the console may not be up yet, and a person may have renewed the URL."""
        answer = ask(self._ports.console, f"/ping/{self._token}", 5.0)
        if answer is None:
            return False
        if answer[0] != 200 and not self._refused:
            self._refused = True
            log.warning("the heartbeat %s was refused with %s; the next start makes it a new URL", HEARD, answer[0])
        return answer[0] == 200
