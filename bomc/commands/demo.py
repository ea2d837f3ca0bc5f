"""`bomc demo`: the console with its demo operator, from nothing to live data."""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from typing import TYPE_CHECKING, TypedDict

from bomc.commands.common import HomeOption, engine_of, estate_of, fail, home_of, out
from bomc.commands.serve import run_all, set_up_log

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from bomc.configuration.estate import Estate
    from bomc.demo.pinging import Pinger
    from bomc.demo.start import Prepared
    from bomc.home import Home


class Access(TypedDict):
    """What access.json holds: where the console is, and the logins and tokens by role."""

    url: str
    users: dict[str, dict[str, str]]
    tokens: dict[str, str]


log = logging.getLogger("bomc.demo")
WHO = "bomc demo"
WATCH_EVERY_S = 5.0
DEFAULT_PORT = 8050


def demo(home: HomeOption = None) -> None:
    """Bring up the console with its demo operator: an order service under generated custom, with planted faults."""
    from bomc.demo.ports import DemoError
    from bomc.demo.start import prepare
    from bomc.home import HomeError
    from bomc.service import clock

    set_up_log()
    place = home_of(home)
    try:
        place.make()
        lock = place.lock()
        with out.status("Getting the demo operator ready: past business days, files, configuration"):
            prepared = prepare(place.path.resolve(), _port(), clock)
        estate = estate_of(place)
        engine = engine_of(place, estate, create=True)
        url = f"http://127.0.0.1:{prepared.ports.console}"
        access = give_access(engine, place, url, clock)
        with out.status("Starting the demo's order service"):
            keeper = ShopKeeper(_start_shop_and_fill(prepared, engine, estate, clock), prepared)
        pinger = _pinger(prepared, engine, estate, clock)
    except (HomeError, DemoError) as error:
        fail(str(error))
    admin = access["users"]["admin"]
    greeting = (
        f"The demo is up at {url}\n  log in as {admin['user']} with the password {admin['password']}\n"
        f"  other roles and the tokens are in {place.access}\n"
        "  its data is generated; the first planted fault comes within a minute; Ctrl-C ends it"
    )
    keeper.start()
    pinger.start()
    try:
        run_all(place, estate, greeting)
    finally:
        pinger.stop()
        keeper.stop()
        lock.close()


def _start_shop_and_fill(
    prepared: Prepared, engine: Engine, estate: Estate, clock: Callable[[], datetime]
) -> subprocess.Popen[bytes]:
    """Start the order service, and while it starts do what the operator's people did before the visitor came."""
    from concurrent.futures import ThreadPoolExecutor

    from bomc.demo.desk import fill
    from bomc.demo.start import start_shop
    from core.refused import RefusedError

    with ThreadPoolExecutor(1) as beside:
        filling = beside.submit(fill, engine, estate, clock())
        process = start_shop(prepared)
        try:
            filling.result()
        except RefusedError as error:
            log.warning("The demo's desk stays empty, since its configuration was changed: %s", error)
    return process


def _pinger(prepared: Prepared, engine: Engine, estate: Estate, clock: Callable[[], datetime]) -> Pinger:
    from bomc.demo.pinging import Pinger, token_of

    token = token_of(engine, prepared.home / "demo" / "heartbeat.token", clock())
    return Pinger(prepared.ports, token)


def _port() -> int:
    given = os.environ.get("BOMC_PORT", "")
    if given and not (given.isdigit() and 1 <= int(given) <= 65535):
        fail(f"BOMC_PORT is {given!r}; it must be a port from 1 to 65535.")
    return int(given) if given else DEFAULT_PORT


def give_access(engine: Engine, home: Home, url: str, clock: Callable[[], datetime]) -> Access:
    """An account and a token for each role, made once with random secrets and kept in access.json, mode 0600."""
    from core.people.rights import ROLES
    from core.store.open import writing

    known = _read(home)
    if known is not None and known.get("url") == url:
        return known
    access: Access = known or {"url": url, "users": {}, "tokens": {}}
    access["url"] = url
    with writing(engine) as connection:
        for role in ROLES:
            if role not in access["users"]:
                access["users"][role], access["tokens"][role] = _make(connection, role, clock())
        _write(home, access)
    return access


def _read(home: Home) -> Access | None:
    try:
        found: Access = json.loads(home.access.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        fail(f"{home.access} cannot be read ({error}); delete the whole folder {home.path} to start the demo afresh.")


def _make(connection: Connection, role: str, now: datetime) -> tuple[dict[str, str], str]:
    from core.people import tokens, users

    password = secrets.token_urlsafe(12)
    users.add(connection, name=role, role=role, password=password, by=WHO, now=now)
    return {"user": role, "password": password}, tokens.create(connection, name=role, role=role, by=WHO, now=now)


def _write(home: Home, access: Access) -> None:
    part = home.access.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(access, file, indent=2)
        file.write("\n")
    part.replace(home.access)


class ShopKeeper:
    """Starts the order service again when it ends by itself."""

    def __init__(self, process: subprocess.Popen[bytes], prepared: Prepared) -> None:
        self._process, self._prepared = process, prepared
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="shop keeper", daemon=True)

    def start(self) -> None:
        """Begin to watch it."""
        self._thread.start()

    def stop(self) -> None:
        """End it for good."""
        from bomc.demo.start import stop_shop

        self._stop.set()
        self._thread.join(WATCH_EVERY_S * 2)
        stop_shop(self._process)

    def _watch(self) -> None:
        from bomc.demo.ports import DemoError
        from bomc.demo.start import ensure_shop

        while not self._stop.wait(WATCH_EVERY_S):
            try:
                self._process = ensure_shop(self._process, self._prepared)
            except DemoError as error:
                log.warning("%s", error)
