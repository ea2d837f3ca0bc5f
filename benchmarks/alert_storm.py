"""Ten thousand alerts within a minute from fifty causes: few messages, the first critical soon, nothing lost, quick pages.

`bomc up` (the whole product in one process, on SQLite) runs on a home made for it; with `--apart` it is `bomc run` and
`bomc serve`, with `--store URL` both on PostgreSQL. The storm (`benchmarks/storm.py`) comes as a Prometheus would push it,
through `POST /api/v2/alerts` in batches of at most 256 each half second; with `--by samples` fifty exporters are scraped every
5 s and the checks find the same alerts. All the while three people have the overview and the alerts page open in their
sessions: what a headless Chromium posted by itself on these two pages before the storm is posted again, at the same
instants.

Counted from the first alert until SETTLED_S after the last one: messages of each receiver, the time from the arrival of the
first critical alert (its push, or the instant at which its exporter began to show it) to the first message that names it, at
the slowest receiver; causes that the webhook was told of; alerts that are open in the store, that API v2 lists, and that the
alerts page shows, host by host; and how long the callbacks took. Targets: at most 10 messages a receiver, 45 s, every cause,
all 10,000 in all three places, and 500 ms at the slowest callback but for one in a hundred (p99); the slowest is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.console import CALLBACK, Post, is_ready, log_in, record, use
from benchmarks.figure import Figure, quantile, tell
from benchmarks.processes import make_home
from benchmarks.storm import (
    BATCH,
    LASTS_S,
    RECEIVERS,
    Coming,
    Receivers,
    configuration,
    dumped,
    estate,
    receivers,
    storm,
)
from core.store.open import open_store, reading
from core.store.tables import alert
from tests.servers.process import NotReady, first_that_starts, running, wait_until

MOST_MESSAGES, FIRST_WITHIN_S, PAGE_WITHIN_MS = 10, 45.0, 500.0
PUSH_EVERY_S = 0.5
SETTLED_S = 60.0
USERS = 3
PAGES = ("/", "/alerts")
LOGIN = {"user": "watch", "password": "a long enough phrase 1"}


def bomc(home: Path, *arguments: str, given: str = "") -> str:
    """Run a command on that home to its end; what it printed. Raises NotReady when it fails."""
    command = [sys.executable, "-m", "bomc", *arguments, "--home", str(home)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise NotReady(
            f"bomc {arguments[0]} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout.strip()


@contextlib.contextmanager
def product(home: Path, apart: bool) -> Iterator[str]:
    """The whole product on that home; yields the address of the console."""

    @contextlib.contextmanager
    def serve(port: int) -> Iterator[str]:
        url = f"http://127.0.0.1:{port}"
        environment = {"BOMC_PORT": str(port), "COLUMNS": "120"}
        command = [sys.executable, "-m", "bomc", "serve" if apart else "up", "--home", str(home)]
        with running(command, lambda: is_ready(url), home / "console.log", environment=environment):
            yield url

    if not apart:
        with first_that_starts(serve) as url:
            yield url
        return
    log = home / "pipeline.log"
    command = [sys.executable, "-m", "bomc", "run", "--home", str(home)]
    with running(command, lambda: b"The pipeline runs" in log.read_bytes(), log), first_that_starts(serve) as url:
        yield url


def push(url: str, token: str, alerts: Sequence[Coming]) -> None:
    """One push. Raises NotReady when it is not taken."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{url}/api/v2/alerts", data=dumped(alerts), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        if answer.status != 200:
            raise NotReady(f"a push was answered {answer.status}")


def push_all(url: str, token: str, alerts: Sequence[Coming], began_s: float, took_ms: list[float]) -> float | None:
    """Push the storm as it comes; when the first critical alert was taken (monotonic s)."""
    waiting, first_critical = list(alerts), None
    while waiting:
        now_s = time.monotonic() - began_s
        due = [one for one in waiting[: 4 * BATCH] if one.at_s <= now_s]
        for begin in range(0, len(due), BATCH):
            batch = due[begin : begin + BATCH]
            if first_critical is None and any(one.critical for one in batch):
                first_critical = time.monotonic()
            asked = time.perf_counter()
            push(url, token, batch)
            took_ms.append((time.perf_counter() - asked) * 1000)
        waiting = waiting[len(due) :]
        pause(PUSH_EVERY_S - (time.monotonic() - began_s - now_s))
    return first_critical


def pause(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(max(0.0, seconds))


async def watch(url: str, pages: dict[str, list[Post]], until_s: float, took_ms: dict[str, list[float]]) -> None:
    """Three people with the pages open until that instant."""
    clients = [await log_in(url, LOGIN) for _ in range(USERS)]
    try:
        await asyncio.gather(*(use(client, pages, seed, until_s, took_ms) for seed, client in enumerate(clients)))
    finally:
        for client in clients:
            await client.aclose()


def refreshing(pages: dict[str, list[Post]]) -> dict[str, Any]:
    """The post by which the alerts page fills its grid."""
    for post in pages["/alerts"]:
        asked = json.loads(post.body)
        if "alerts-grid.rowData" in asked.get("output", ""):
            return dict(asked)
    raise NotReady("the alerts page did not ask for its rows while it was watched")


async def shown(url: str, asked: dict[str, Any], hosts: Sequence[str], took_ms: list[float]) -> tuple[int, str]:
    """How many different alerts the page shows, host by host, and what it says of their number unfiltered."""
    client = await log_in(url, LOGIN)
    seen: set[str] = set()
    said = ""
    try:
        for search in ("", *(f"?target={host}&symptoms=shown" for host in hosts)):
            for one in asked["inputs"]:
                if one["id"] == "url":
                    one["value"] = search
            begun = time.perf_counter()
            answer = await client.post(CALLBACK, json=asked)
            took_ms.append((time.perf_counter() - begun) * 1000)
            found = answer.json()["response"]
            if search:
                seen |= {row["id"] for row in found["alerts-grid"]["rowData"]}
            else:
                said = str(found["alerts-count"]["children"])
    finally:
        await client.aclose()
    return len(seen), said


def listed(url: str, token: str) -> int:
    """How many alerts API v2 lists."""
    request = urllib.request.Request(f"{url}/api/v2/alerts", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(json.load(answer))


def stored(store: str) -> int:
    """How many alerts are open in the store."""
    engine = open_store(store)
    try:
        with reading(engine) as connection:
            return int(connection.scalar(select(func.count()).where(alert.c.resolved_at.is_(None))) or 0)
    finally:
        engine.dispose()


def measure(chosen: argparse.Namespace) -> list[Figure]:
    """Run the storm and count."""
    alerts = storm(chosen.seed, chosen.causes)
    with (
        tempfile.TemporaryDirectory(prefix="bomc-bench-", ignore_cleanup_errors=True) as name,
        receivers(alerts) as there,
    ):
        home = Path(name) / "home"
        home.mkdir()
        files = configuration(there, Path(name), chosen.store, chosen.group_by.split(","))
        if chosen.by == "samples":
            files |= estate(there, alerts)
        make_home(home, files)
        bomc(home, "user", "add", LOGIN["user"], "--role", "operator", given=f"{LOGIN['password']}\n")
        token = bomc(home, "token", "create", "prometheus", "--role", "operator")
        with product(home, chosen.apart or bool(chosen.store)) as url:
            pages = record(url, LOGIN, list(PAGES))
            return _storm(chosen, alerts, there, url, token, pages, chosen.store or f"sqlite:///{home / 'bomc.db'}")


def _storm(
    chosen: argparse.Namespace,
    alerts: Sequence[Coming],
    there: Receivers,
    url: str,
    token: str,
    pages: dict[str, list[Post]],
    store: str,
) -> list[Figure]:
    took_ms: dict[str, list[float]] = defaultdict(list)
    pushes_ms: list[float] = []
    began_s = there.began_s = time.monotonic()
    until_s = began_s + LASTS_S + SETTLED_S
    failed: list[BaseException] = []
    watching = threading.Thread(target=_kept(failed, lambda: asyncio.run(watch(url, pages, until_s, took_ms))))
    watching.start()
    if chosen.by == "push":
        first_critical = push_all(url, token, alerts, began_s, pushes_ms)
    else:
        first_critical = began_s + next(one.at_s for one in alerts if one.critical)
    ended_s = time.monotonic() - began_s
    watching.join()
    if failed:
        raise NotReady(f"a page did not answer: {type(failed[0]).__name__}: {failed[0]}")
    wait_until(lambda: stored(store) >= len(alerts), "every alert in the store", SETTLED_S)
    hosts = sorted({one.labels["target"] for one in alerts})
    settled_ms: list[float] = []
    on_page, said = asyncio.run(shown(url, refreshing(pages), hosts, settled_ms))
    first = next(one.labels["target"] for one in alerts if one.critical)
    told = {name: there.first_about(name, first) for name in RECEIVERS}
    late = {name: (at or float("nan")) - (first_critical or 0.0) for name, at in told.items()}
    load = f"load average {os.getloadavg()[0]:.1f}"
    figures = [
        Figure(
            f"{len(alerts)} alerts by {chosen.by}: messages, {name}",
            len(there.got[name]),
            "",
            MOST_MESSAGES,
            "at most",
            f"largest {max((one.size for one in there.got[name]), default=0) / 1024:.0f} KiB",
        )
        for name in RECEIVERS
    ]
    detail = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in late.items())
    slowest = max(late.values()) if all(late.values()) else float("nan")
    figures.append(
        Figure("first critical -> its message, slowest receiver", slowest, "s", FIRST_WITHIN_S, detail=detail)
    )
    counts = {"in the store": stored(store), "listed by API v2": listed(url, token), "on the alerts page": on_page}
    for what, count in counts.items():
        note = f"the page says: {said}" if what == "on the alerts page" else ""
        figures.append(Figure(f"alerts {what}", count, "", len(alerts), "at least", note))
    causes = len(hosts)
    named = sum(there.first_about("hook", f"{host} does not answer") is not None for host in hosts)
    if chosen.by == "push":
        figures.append(Figure("causes that the webhook was told of", named, "", causes, "at least", f"of {causes}"))
    every_ms = [one for times in took_ms.values() for one in times]
    figures.append(_page("callbacks of open pages in the storm, p99", every_ms, 0.99, PAGE_WITHIN_MS, load))
    figures += [_page(f"  {path}, p95", times, 0.95, None, "") for path, times in sorted(took_ms.items())]
    figures.append(_page("alerts page by host after the storm, p95", settled_ms, 0.95, None, ""))
    if pushes_ms:
        figures.append(
            _page(f"pushes of at most {BATCH}, p95", pushes_ms, 0.95, None, f"all were in at {ended_s:.0f} s")
        )
    return figures


def _page(what: str, times_ms: Sequence[float], share: float, target: float | None, note: str) -> Figure:
    detail = f"p50 {quantile(times_ms, 0.5):.0f}, p95 {quantile(times_ms, 0.95):.0f}, slowest {max(times_ms):.0f} ms"
    detail += f", {len(times_ms)} of them" + (f", {note}" if note else "")
    return Figure(what, quantile(times_ms, share), "ms", target, detail=detail)


def _kept(failed: list[BaseException], act: Callable[[], Any]) -> Callable[[], None]:
    """The same for a thread: what it raises is kept for whoever joins it."""

    def run() -> None:
        try:
            act()
        except Exception as error:  # whatever it was, the one who waits has to know
            failed.append(error)

    return run


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when a target is missed, 2 when something is not installed."""
    parser = argparse.ArgumentParser(description="ten thousand alerts within a minute")
    parser.add_argument("--by", choices=("push", "samples"), default="push", help="how the alerts come")
    parser.add_argument("--group-by", default="alertname", help="labels of the routes, with commas between them")
    parser.add_argument("--causes", type=int, default=50, help="of 200 alerts each")
    parser.add_argument("--apart", action="store_true", help="`bomc run` and `bomc serve` instead of `bomc up`")
    parser.add_argument("--store", help="an empty PostgreSQL database instead of SQLite; both parts run apart")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    return tell(lambda: measure(chosen))


if __name__ == "__main__":
    sys.exit(main())
