"""The parts put together: the pipeline (schedule, writer, delivery, controls, upkeep) and the console, apart or in one."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psutil
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.config import RoutesFile
from alerts.heartbeats.watch import Watch
from bomc import __version__
from bomc.assurance.controls import Controls
from bomc.assurance.work_orders import WorkOrders
from bomc.configuration.estate import Estate
from bomc.duty.round import DutyRound
from bomc.home import Home
from bomc.pipeline.cycle import Cycle, Done, Rules
from bomc.pipeline.delivery import Delivery, world
from bomc.pipeline.heartbeat import Outward, listening_since
from bomc.pipeline.indicators import declared
from bomc.pipeline.lead import give_up_lead, take_lead
from bomc.pipeline.probing import Prober
from bomc.pipeline.records import last_pulse
from bomc.pipeline.schedule import Schedule
from bomc.pipeline.upkeep import schedule_upkeep
from bomc.pipeline.writer import Writer

log = logging.getLogger("bomc")
CONTROLS_EVERY_S = 60
SILENT_AFTER_S = 15.0
TICKETS_EVERY_S = 30
DUTY_EVERY_S = 30
STANDBY_ASKS_EVERY_S = 2.0


class ServiceError(Exception):
    """The service cannot start or go on; the sentence says why and what to do."""


def clock() -> datetime:
    """The one clock that is read here: aware UTC. Everything below is handed the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the console listens."""

    host: str
    port: int
    external_url: str


def address_of(estate: Estate) -> Address:
    """Host and port of the configuration, the port overridden by BOMC_PORT. Raises ServiceError when that is no port."""
    console = estate.settings.console
    port = console.port
    given = os.environ.get("BOMC_PORT")
    if given:
        if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= 65535:
            raise ServiceError(f"BOMC_PORT is {given!r}; it must be a port from 1 to 65535.")
        port = int(given)
    host = f"[{console.host}]" if ":" in console.host else console.host
    return Address(console.host, port, console.external_url or f"http://{host}:{port}")


def listen(address: Address) -> socket.socket:
    """A listening socket. Raises ServiceError when the port is taken."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise ServiceError(
            f"The console cannot listen on {address.host} port {address.port}: {error.strerror}. "
            "Stop what uses that port, or choose another with BOMC_PORT."
        ) from error
    return listener


class Pipeline:
    """Everything that measures, judges and tells."""

    def __init__(
        self, engine: Engine, estate: Estate, home: Home, external_url: str, leader: str | None = None
    ) -> None:
        settings = estate.settings
        zone = ZoneInfo(settings.operator.timezone)
        self._engine, self._leader = engine, leader
        self.lost: str | None = None  # why this pipeline stopped leading
        self.ended = threading.Event()
        self._outward = Outward(settings.heartbeat, clock, self._unwell)
        heard = Watch(estate.heartbeats, listening_since(last_pulse(engine), clock()))
        rules = Rules(
            targets=estate.targets,
            probes={probe.key: probe for probe in estate.probes},
            checks=estate.checks,
            routes=estate.routes,
            indicators=declared(),
            external_url=external_url,
            watches=(heard.findings, self._outward.findings),
            leader=leader,
            tickets=estate.tickets,
        )
        io = world(settings.operator.language, settings.operator.timezone)
        self._delivery = Delivery(engine, estate.routes, clock, io)
        self._cycle = Cycle(engine, rules)
        self.writer = Writer(
            self._cycle,
            clock,
            queue_size=settings.pipeline.queue,
            batch_samples=settings.pipeline.batch,
            after=self._after,
            extra_pulse=self._pulse,
            lost=self._lose,
        )
        self.schedule = Schedule(
            estate.probes,
            run=Prober(home.path.resolve(), clock).run,
            deliver=self.writer.submit,
            skip=self.writer.skip,
            clock=clock,
            workers=settings.pipeline.workers,
        )
        self._controls = Controls(
            engine,
            home.path.resolve(),
            estate.controls,
            zone,
            clock,
            self.writer.submit,
            settings.operator.language,
        )
        schedule_upkeep(self.schedule.scheduler, engine, settings.retention, clock)
        common = {"executor": "slow", "misfire_grace_time": None, "coalesce": True}
        if estate.controls:
            every = IntervalTrigger(seconds=CONTROLS_EVERY_S, timezone="UTC")
            self.schedule.scheduler.add_job(
                self._controls.round, every, id="controls", next_run_time=clock(), max_instances=1, **common
            )
        if settings.heartbeat is not None:
            every = IntervalTrigger(seconds=settings.heartbeat.every.total_seconds(), timezone="UTC")
            self.schedule.scheduler.add_job(
                self._outward.beat, every, id="outward heartbeat", next_run_time=clock(), max_instances=1, **common
            )
        self._work_orders = WorkOrders(
            engine, estate.routes, estate.tickets, clock, external_url, leader, self._delivery.wake
        )
        every = IntervalTrigger(seconds=TICKETS_EVERY_S, timezone="UTC")
        self.schedule.scheduler.add_job(
            self._work_orders.round, every, id="work orders", next_run_time=clock(), max_instances=1, **common
        )
        self._duty = DutyRound(engine, estate.duty, estate.plans, clock, self.writer.submit, estate.tickets)
        every = IntervalTrigger(seconds=DUTY_EVERY_S, timezone="UTC")
        self.schedule.scheduler.add_job(
            self._duty.round, every, id="duty", next_run_time=clock(), max_instances=1, **common
        )
        self._started = clock()

    def start(self) -> None:
        """Begin to work, in threads."""
        self.writer.start()
        self._delivery.start()
        self.schedule.start()

    def reroute(self, routes: RoutesFile) -> None:
        """Let another routing hold from now on, in everything that tells somebody."""
        self._cycle.reroute(routes)
        self._delivery.reroute(routes)
        self._work_orders.reroute(routes)

    def stop(self) -> None:
        """End in order: no new probes, what is queued written, what is unsent left in the outbox."""
        self._controls.stop()
        self.schedule.stop()
        self.writer.stop()
        self._delivery.stop()
        if self._leader is not None and self.lost is None:
            try:
                give_up_lead(self._engine, self._leader)
            except SQLAlchemyError as error:
                log.warning("The lead could not be given up: %s. Another pipeline takes it when it has expired.", error)

    def _after(self, done: Done) -> None:
        if done.deliveries:
            self._delivery.wake()

    def _unwell(self) -> str | None:
        """Why this console should not say outside that it is well; none when it may."""
        if self.writer.trouble is not None:
            return self.writer.trouble
        if not self._delivery.alive:
            return "the workers that deliver messages have ended"
        at = last_pulse(self._engine)
        if at is None or (clock() - at).total_seconds() > SILENT_AFTER_S:
            return "the pipeline has written nothing lately"
        return None

    def _lose(self, why: str) -> None:
        self.lost = why
        self.ended.set()

    def _pulse(self) -> dict[str, object]:
        return {"started_at": self._started.isoformat(), "version": __version__, **self.schedule.pulse()}


def has_ended(holder: str) -> bool:
    """Whether a leader was a process of this machine that is no more: killed, it could not give up its lead."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    return host == socket.gethostname() and rest.isdigit() and not psutil.pid_exists(int(rest))


def await_lead(engine: Engine, stop: threading.Event, say: Callable[[str], None]) -> str | None:
    """Wait until this process leads; returns its name as leader, None when `stop` was set first."""
    name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    told = False
    while not stop.is_set():
        holder = take_lead(engine, name, clock(), has_ended)
        if holder is None:
            return name
        if not told:
            say(f"The pipeline {holder} leads; this one stands by and takes over when it falls silent.")
            told = True
        stop.wait(STANDBY_ASKS_EVERY_S)
    return None
