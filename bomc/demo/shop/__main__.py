"""`python -m bomc.demo.shop`: run the order service with its customers until it is told to stop or its parent ends."""

from __future__ import annotations

import argparse
import logging
import random
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import disable_created_metrics

from bomc.demo.nightly import Nightly
from bomc.demo.shop.custom import Custom
from bomc.demo.shop.database import open_database
from bomc.demo.shop.faults import TIMETABLE, read_timetable
from bomc.demo.shop.orders import Walk, recover
from bomc.demo.shop.server import Service

log = logging.getLogger("bomc.demo.shop")


def read_arguments() -> argparse.Namespace:
    """What the command line says. Exits with 2 and a sentence when it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m bomc.demo.shop", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the demo's data folder")
    parser.add_argument("--database", required=True, help="SQLAlchemy URL of the shop's database")
    parser.add_argument("--port", type=int, required=True, help="port for orders")
    parser.add_argument("--status-port", type=int, required=True, help="port for status, metrics and /hook")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--waiting", type=int, default=16, help="connections that may wait for a thread")
    parser.add_argument("--rate", type=float, default=2.5, help="orders a second in the busiest hour; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timetable", type=Path, help="YAML list of faults in place of the built-in one")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends")
    return parser.parse_args()


def now() -> datetime:
    """The wall clock; everything else in the service is given it."""
    return datetime.now(UTC)


def wait_for_end(stopping: threading.Event) -> None:
    """Set `stopping` when standard input ends, which is when the parent closes it or dies."""
    sys.stdin.buffer.read()
    stopping.set()


def main() -> int:
    """Run until SIGTERM, SIGINT, or the end of standard input; 1 when a port or the timetable cannot be used."""
    arguments = read_arguments()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    disable_created_metrics()  # type: ignore[no-untyped-call]
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        timetable = read_timetable(arguments.timetable) if arguments.timetable else TIMETABLE
        engine = open_database(arguments.database, arguments.threads + 8)
        recovered = recover(engine)
        walk = Walk(engine, now, timetable, random.Random(arguments.seed))
        service = Service(
            walk, port=arguments.port, status_port=arguments.status_port, threads=arguments.threads,
            waiting=arguments.waiting,
        )  # fmt: skip
    except (OSError, ValueError) as problem:
        log.error("the order service cannot start: %s", problem)
        return 1
    if recovered:
        log.info("%d orders that were left half way are ended", recovered)
    service.start()
    nightly = Nightly(engine, arguments.home, now)
    nightly.start()
    custom = (
        Custom(service.port, now, seed=arguments.seed, busiest_per_s=arguments.rate) if arguments.rate > 0 else None
    )
    if custom:
        custom.start()
    if arguments.until_stdin_closes:
        threading.Thread(target=wait_for_end, args=(stopping,), daemon=True).start()
    stopping.wait()
    if custom:
        custom.stop()
    nightly.stop()
    service.stop()
    engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
