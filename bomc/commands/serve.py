"""`bomc up`, `bomc serve`, `bomc run`: everything in one process, or console and pipeline apart."""

from __future__ import annotations

import logging
import os
import signal
import threading
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from rich.logging import RichHandler

from bomc.commands.common import HomeOption, engine_of, err, estate_of, fail, home_of, out

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bomc.configuration.estate import Estate
    from bomc.home import Home
    from bomc.reloading import Reloader
    from bomc.service import Pipeline

LOST_LEAD = 4


def up(home: HomeOption = None) -> None:
    """Run everything - pipeline and console - in one process. SIGHUP has the routing read again."""
    place, estate, lock = _start(home, locked=True)
    try:
        run_all(place, estate, on_hang_up=True)
    finally:
        if lock is not None:
            lock.close()


def run_all(place: Home, estate: Estate, greeting: str = "", *, on_hang_up: bool = False) -> None:
    """Pipeline and console until the process is told to stop; the home's lock is the caller's. `on_hang_up`: SIGHUP does not
    end it, but has the routing read again."""
    from bomc.console import serve as serve_console
    from bomc.service import Pipeline, ServiceError, address_of, listen

    try:
        address = address_of(estate)
        listener = listen(address)
    except ServiceError as error:
        fail(str(error))
    # The web server passes SIGTERM on when it has ended; without this the process would die of it, lead in hand.
    signal.signal(signal.SIGTERM, _leave)
    with listener:
        engine = engine_of(place, estate, create=True)
        leader = _lead(engine, threading.Event())
        reloader = _reloader(engine, estate, place, on_hang_up=on_hang_up)
        pipeline = Pipeline(engine, estate, place, address.external_url, leader)
        reloader.add(pipeline.reroute)
        pipeline.start()
        reloader.start()
        out.print(greeting or f"bomc is up at {address.external_url}", highlight=False, soft_wrap=True)
        threading.Thread(target=_end_with, args=(pipeline,), name="end with the pipeline", daemon=True).start()
        try:
            serve_console(engine, estate, address, listener, place, reloader)
        finally:
            reloader.stop()
            pipeline.stop()
            if pipeline.lost:
                fail(pipeline.lost, LOST_LEAD)


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _end_with(pipeline: Pipeline) -> None:
    """A console without its pipeline would only look alive: when the lead is lost, the whole process ends."""
    pipeline.ended.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(home: HomeOption = None) -> None:
    """Run the console alone; any number of them may run on one PostgreSQL. SIGHUP has the routing read again."""
    from bomc.console import serve as serve_console
    from bomc.service import ServiceError, address_of, listen

    place, estate, _ = _start(home, locked=False)
    try:
        address = address_of(estate)
        listener = listen(address)
    except ServiceError as error:
        fail(str(error))
    with listener:
        engine = engine_of(place, estate)
        out.print(f"The console is up at {address.external_url}", highlight=False, soft_wrap=True)
        reloader = _reloader(engine, estate, place, on_hang_up=True)
        reloader.start()
        serve_console(engine, estate, address, listener, place, reloader)
        reloader.stop()


def run(home: HomeOption = None) -> None:
    """Run the pipeline alone; a second one on the same PostgreSQL stands by until the first falls silent. SIGHUP has the
    routing read again."""
    from bomc.service import Pipeline, ServiceError, address_of

    place, estate, lock = _start(home, locked=True)
    try:
        external_url = address_of(estate).external_url
    except ServiceError as error:
        fail(str(error))
    engine = engine_of(place, estate)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    reloader = _reloader(engine, estate, place, on_hang_up=True)
    reloader.start()
    leader = _lead(engine, stop)
    if leader is not None:
        pipeline = Pipeline(engine, replace(estate, routes=reloader.routes), place, external_url, leader)
        reloader.add(pipeline.reroute)
        pipeline.reroute(reloader.routes)  # once more: those of a reload between the two lines above
        pipeline.start()
        out.print(f"The pipeline runs: {len(estate.probes)} probes, {len(estate.checks)} checks.", highlight=False)
        _wait(pipeline, stop)
        reloader.stop()
        pipeline.stop()
        if pipeline.lost:
            fail(pipeline.lost, LOST_LEAD)
    if lock is not None:
        lock.close()


def _reloader(engine: Engine, estate: Estate, place: Home, *, on_hang_up: bool) -> Reloader:
    """What reads the routing again when somebody asks for it, and says at the terminal what came of it."""
    from bomc.reloading import Reloader
    from bomc.service import clock

    def say(sentence: str) -> None:
        err.print(sentence, markup=False, highlight=False, soft_wrap=True)

    reloader = Reloader(engine, place.config, estate, clock, say)
    if on_hang_up:
        signal.signal(signal.SIGHUP, reloader.hang_up)
    return reloader


def _wait(pipeline: Pipeline, stop: threading.Event) -> None:
    while not stop.wait(0.5) and not pipeline.ended.is_set():
        continue


def _lead(engine: Engine, stop: threading.Event) -> str | None:
    """Wait for the lead; returns the name under which this process leads, None when `stop` was set first."""
    from bomc.service import await_lead

    return await_lead(engine, stop, lambda sentence: out.print(sentence, highlight=False, soft_wrap=True))


def set_up_log() -> None:
    """Warnings and worse go to standard error, with their time."""
    handler = RichHandler(console=err, show_path=False, markup=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])


def _start(home: HomeOption, *, locked: bool) -> tuple[Home, Estate, IO[str] | None]:
    from bomc.home import HomeError

    set_up_log()
    place = home_of(home)
    estate = estate_of(place)
    try:
        place.make()
        lock = place.lock() if locked else None
    except HomeError as error:
        fail(str(error))
    return place, estate, lock
