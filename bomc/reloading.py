"""Another routing while everything runs: routes.yaml, oncall.yaml and maintenance.yaml are read again when somebody asks.

Asked for by SIGHUP, by `POST /-/reload` or by `bomc config reload`. The whole configuration must be sound, or nothing of it
is taken and what runs goes on as it was. That it was asked for is a row of the store, so every process on that store follows
within seconds and reads its own files; each doing and each refusal is a row of the audit trail. All other files are read at
the start only; those that changed since are named.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from alerts.config import RoutesFile
from bomc.configuration.estate import ConfigurationError, Estate, load_estate
from core.people import audit
from core.refused import RefusedError
from core.store.open import reading, writing
from core.store.tables import pulse
from core.store.upsert import upsert

log = logging.getLogger("bomc.reloading")
FILES = ("routes.yaml", "oncall.yaml", "maintenance.yaml")
"""What is read again."""
SIGNAL = "SIGHUP"
NAME = "configuration"
"""The row of `pulse` that says how often a reload was asked for; what the doings are about in the audit trail."""
LOOK_EVERY_S = 2.0
FAULTS_KEPT = 20
Taker = Callable[[RoutesFile], None]


class ReloadError(RefusedError):
    """The files are not sound, so what runs goes on as it was; the text has a sentence for each fault with its place."""


class Reloader:
    """One process's side of it. `say` is told what became of what others asked for."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        estate: Estate,
        clock: Callable[[], datetime],
        say: Callable[[str], None] = log.warning,
    ) -> None:
        self._engine, self._folder, self._clock, self._say = engine, folder, clock, say
        self.routes = estate.routes
        self._at_start = _digests(folder)
        self._seen = self._asked()
        self._takers: list[Taker] = []
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._deaf = False
        self._thread = threading.Thread(target=self._work, name="reload", daemon=True)

    def add(self, taker: Taker) -> None:
        """Have somebody take the routing of every reload from now on."""
        self._takers.append(taker)

    def start(self) -> None:
        """Follow what others ask for, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._calls.put(None)

    def hang_up(self, *_: object) -> None:
        """What SIGHUP does: ask, and come back at once. It may interrupt anything, and a SimpleQueue may be put into then."""
        self._calls.put(SIGNAL)

    def reload(self, who: str) -> list[str]:
        """Read the files again and take them; returns the other files that changed since the start and wait for the next one.

        Raises ReloadError with all that is wrong; SQLAlchemyError when the trail cannot be written, and then nothing is taken.
        """
        with self._lock:
            estate = self._read(who)
            waiting = self._waiting()
            with writing(self._engine) as connection:
                self._seen = ask(connection, self._folder, who, self._clock(), waiting)
            self._take(estate)
            return waiting

    def follow(self) -> None:
        """Read the files again if somebody asked for it elsewhere. Raises as `reload`."""
        asked = self._asked()
        if asked == self._seen:
            return
        with self._lock:
            self._seen = asked
            self._take(self._read(f"bomc on {socket.gethostname()}"))
        self._say(_done(self._waiting()))

    def _work(self) -> None:
        while True:
            try:
                called = self._calls.get(timeout=LOOK_EVERY_S)
                if called is None:
                    return
                self._say(_done(self.reload(called)))
            except queue.Empty:
                self._look()
            except ReloadError as error:
                self._say(str(error))
            except SQLAlchemyError as error:
                self._say(f"Nothing was reloaded, since the store does not answer: {error}. Ask again.")
            except Exception:
                log.exception("The reload broke down, and what runs goes on as it was. Ask again.")

    def _look(self) -> None:
        try:
            self.follow()
            self._deaf = False
        except ReloadError as error:
            self._say(str(error))
        except SQLAlchemyError as error:
            if not self._deaf:  # said once; whoever writes says it again and again
                log.warning("Whether a reload was asked for cannot be read: %s. It is tried again.", error)
            self._deaf = True

    def _read(self, who: str) -> Estate:
        try:
            return load_estate(self._folder)
        except ConfigurationError as error:
            faults = [str(fault) for fault in error.faults]
        facts = {"faults": faults[:FAULTS_KEPT], "count": len(faults)}
        with writing(self._engine) as connection:
            audit.record(connection, at=self._clock(), who=who, action="reload refused", object=NAME, detail=facts)
        listed = "\n".join(faults)
        raise ReloadError(f"Nothing was reloaded, and what runs goes on as it was:\n{listed}")

    def _take(self, estate: Estate) -> None:
        self.routes = estate.routes
        for taker in self._takers:
            taker(estate.routes)

    def _waiting(self) -> list[str]:
        now = _digests(self._folder)
        changed = {name for name in now.keys() | self._at_start.keys() if now.get(name) != self._at_start.get(name)}
        return sorted(changed.difference(FILES))

    def _asked(self) -> int:
        with reading(self._engine) as connection:
            return _number(connection)


def ask(connection: Connection, folder: Path, who: str, now: datetime, waiting: Iterable[str] = ()) -> int:
    """Say in the caller's transaction that the routing is to be read again; the files must have been found sound before."""
    digests = _digests(folder)
    facts = {"files": {name: digests[name] for name in FILES if name in digests}, "at_next_start": list(waiting)}
    audit.record(connection, at=now, who=who, action="reload", object=NAME, detail=facts)
    number = _number(connection) + 1  # read after the trail is written to, for which others who ask wait
    statement = upsert(connection, pulse).values(name=NAME, at=now, detail={"number": number})
    fresh = {"at": statement.excluded.at, "detail": statement.excluded.detail}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=fresh))
    return number


def _number(connection: Connection) -> int:
    detail = connection.scalar(select(pulse.c.detail).where(pulse.c.name == NAME))
    return 0 if detail is None else int(detail["number"])


def _done(waiting: list[str]) -> str:
    """The sentence for whoever looks at the terminal or the log."""
    done = f"{', '.join(FILES)} were read again and hold from now on."
    return f"{done} Read at the next start only, and changed: {', '.join(waiting)}." if waiting else done


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the configuration that can be read, by its path in the folder."""
    found = {}
    for path in sorted(folder.rglob("*.y*ml")):
        try:
            found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:  # a folder of that name, or a file that is being replaced: it counts as changed
            log.info("%s cannot be read: %s.", path, error.strerror)
    return found
