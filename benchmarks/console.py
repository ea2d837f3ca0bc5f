"""How long a console callback takes when ten people use the demo estate at the same time.

`bomc demo` runs as a real process with a home and ports of its own until its data is live and its first alert is open. Then
every page is loaded once in a headless Chromium, and the `/_dash-update-component` posts that it makes by itself in its first
six seconds are kept, with the instants at which the browser made them: those of the load, and those of live ticks.
Ten sessions, each logged in by itself, then send these posts again for a minute: page after page in an order of
their own, every post at its instant (so those that the browser made at once are made at once), with time to think in
between. A callback's latency is from sending the post until its answer has been read; any answer but 200 or 204 ends the
run as a failure. The users are one more process on the same cores as the console and the demo's order service.
Target: p95 over all posts at most 200 ms; p50 and p95 of each page are told as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.figure import Figure, quantile, tell
from benchmarks.processes import ask, pulse
from dashboards.entrance import CSRF_COOKIE, CSRF_HEADER
from dashboards.pages import PAGES
from tests.servers.process import Missing, first_that_starts, running, wait_until
from tests.servers.process import Server as Console

USERS = 10
WATCHED_S, REPLAYED_S, THINK_S = 6.0, 60.0, 2.0
LIVE_AFTER_S, LIVE_WITHIN_S = 60.0, 180.0
TARGET_P95_MS = 200.0
CALLBACK = "/_dash-update-component"
CHROMIUM = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


class Post(NamedTuple):
    """One callback as the browser sent it, that many seconds after the page's address was entered."""

    at_s: float
    body: str


Login = Mapping[str, str]


@contextlib.contextmanager
def demo(home: Path, port: int) -> Iterator[Console]:
    """Run `bomc demo` on that port; ready when the console says so."""
    command = [sys.executable, "-m", "bomc", "demo"]
    environment = {"BOMC_HOME": str(home), "BOMC_PORT": str(port), "COLUMNS": "120"}
    home.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    with running(command, lambda: is_ready(url), home / "demo.log", environment=environment) as pid:
        yield Console("127.0.0.1", port, url, pid=pid)


def is_ready(url: str) -> bool:
    """Whether the console answers."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def is_live(home: Path) -> bool:
    """Whether samples come in, an alert has opened and a day has been reconciled."""
    if not pulse(home).get("samples_last_minute"):
        return False
    return bool(ask(home, "SELECT 1 FROM alert LIMIT 1") and ask(home, "SELECT 1 FROM control_run LIMIT 1"))


def addresses(home: Path) -> list[str]:
    """An address of each page; open segments are filled with what the store has."""
    host = ask(home, "SELECT name FROM target ORDER BY id LIMIT 1")[0][0]
    run = ask(home, "SELECT id FROM control_run ORDER BY id DESC LIMIT 1")[0][0]
    known = {"<name>": str(host), "<run>": str(run)}
    return ["/".join(known.get(part, part) for part in page.PATH.split("/")) for page in PAGES]


def record(url: str, login: Login, paths: list[str]) -> dict[str, list[Post]]:
    """What each page posts by itself, as a real browser makes it."""
    try:
        from playwright.sync_api import Request, sync_playwright
    except ModuleNotFoundError:
        raise Missing("playwright is not installed; `make install` brings it") from None
    browser_path = shutil.which("chromium")
    if browser_path is None:
        raise Missing("chromium is not installed (package chromium)")
    found: dict[str, list[Post]] = {path: [] for path in paths}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=list(CHROMIUM))
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.goto(f"{url}/login")
        tab.fill("#name", login["user"])
        tab.fill("#password", login["password"])
        tab.press("#password", "Enter")
        tab.wait_for_url(lambda address: "/login" not in address, timeout=30_000)
        tab.wait_for_timeout(2_000)
        for path in paths:
            begun = time.monotonic()

            def keep(request: Request, path: str = path, begun: float = begun) -> None:
                if CALLBACK in request.url and request.post_data:
                    found[path].append(Post(time.monotonic() - begun, request.post_data))

            tab.on("request", keep)
            tab.goto(f"{url}{path}", wait_until="domcontentloaded")
            tab.wait_for_timeout(WATCHED_S * 1000)
            tab.remove_listener("request", keep)
        browser.close()
    silent = [path for path, posts in found.items() if len(posts) < 2]
    if silent:
        raise AssertionError(f"the browser saw no callbacks on {', '.join(silent)}")
    return found


async def log_in(url: str, login: Login) -> httpx.AsyncClient:
    """A session of its own."""
    client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=httpx.Limits(max_connections=6))
    form = {"name": login["user"], "password": login["password"], "next": "/", "language": "en"}
    answer = await client.post("/login", data=form, headers={"Origin": url})
    if answer.status_code != 303 or CSRF_COOKIE not in client.cookies:
        raise AssertionError(f"the login answered {answer.status_code}")
    client.headers.update({CSRF_HEADER: client.cookies[CSRF_COOKIE], "Origin": url})
    return client


async def use(
    client: httpx.AsyncClient,
    pages: Mapping[str, list[Post]],
    seed: int,
    until_s: float,
    took_ms: Mapping[str, list[float]],
) -> None:
    """One person: page after page until that instant."""
    drawn = random.Random(seed)
    await asyncio.sleep(drawn.uniform(0, WATCHED_S))
    while time.monotonic() < until_s:
        path = drawn.choice(list(pages))
        await asyncio.gather(*(send(client, post, took_ms[path]) for post in pages[path]))
        await asyncio.sleep(drawn.uniform(0, THINK_S))


async def send(client: httpx.AsyncClient, post: Post, took_ms: list[float]) -> None:
    """One callback at its instant; one that is not answered counts with the time that was waited for it."""
    await asyncio.sleep(post.at_s)
    begun = time.perf_counter()
    try:
        answer = await _posted(client, post)
    except httpx.TimeoutException:
        took_ms.append((time.perf_counter() - begun) * 1000)
        return
    took_ms.append((time.perf_counter() - begun) * 1000)
    if answer.status_code not in (200, 204):
        raise AssertionError(f"a callback answered {answer.status_code}: {answer.text[:200]}; it was {post.body[:200]}")


async def _posted(client: httpx.AsyncClient, post: Post) -> httpx.Response:
    """The answer; a connection that the server had just closed for being idle is opened again, as browsers do."""
    headers = {"Content-Type": "application/json"}
    try:
        return await client.post(CALLBACK, content=post.body, headers=headers)
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return await client.post(CALLBACK, content=post.body, headers=headers)


async def replay(url: str, login: Login, pages: Mapping[str, list[Post]], seconds: float) -> dict[str, list[float]]:
    """Ten people for that long; milliseconds by page."""
    took_ms: dict[str, list[float]] = defaultdict(list)
    clients = [await log_in(url, login) for _ in range(USERS)]
    try:
        until_s = time.monotonic() + seconds
        await asyncio.gather(*(use(client, pages, seed, until_s, took_ms) for seed, client in enumerate(clients)))
    finally:
        for client in clients:
            await client.aclose()
    return took_ms


def measure(seconds: float = REPLAYED_S) -> list[Figure]:
    """Run the demo, record, replay."""
    with tempfile.TemporaryDirectory(prefix="bomc-bench-", ignore_cleanup_errors=True) as name:
        home = Path(name) / "home"
        with first_that_starts(lambda port: demo(home, port)) as console:
            begun = time.monotonic()
            wait_until(lambda: is_live(home), "live data, an alert and a reconciled day", LIVE_WITHIN_S)
            wait_until(lambda: time.monotonic() - begun >= LIVE_AFTER_S, "a minute of data", LIVE_AFTER_S + 5)
            login = json.loads((home / "access.json").read_text())["users"]["operator"]
            pages = record(console.url, login, addresses(home))
            took_ms = asyncio.run(replay(console.url, login, pages, seconds))
    all_ms = [one for times in took_ms.values() for one in times]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg()[:1])
    detail = f"p50 {quantile(all_ms, 0.5):.0f} ms, {len(all_ms)} callbacks, {USERS} users, load average {load}"
    figures = [Figure("console callbacks, p95", quantile(all_ms, 0.95), "ms", TARGET_P95_MS, "at most", detail)]
    for path, times in sorted(took_ms.items()):
        detail = f"p50 {quantile(times, 0.5):.0f} ms, {len(times)} callbacks, {len(pages[path])} a visit"
        figures.append(Figure(f"  {path}, p95", quantile(times, 0.95), "ms", detail=detail))
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when the target is missed, 2 when the browser is not installed."""
    parser = argparse.ArgumentParser(description="latency of console callbacks at ten users")
    parser.add_argument("--seconds", type=float, default=REPLAYED_S)
    chosen = parser.parse_args(arguments)
    return tell(lambda: measure(chosen.seconds))


def posts_told(pages: Mapping[str, list[Post]]) -> dict[str, list[dict[str, Any]]]:
    """The recorded posts as what they ask for, to look at by hand."""
    return {
        path: [{"at_s": round(post.at_s, 2), "output": json.loads(post.body).get("output")} for post in posts]
        for path, posts in pages.items()
    }


if __name__ == "__main__":
    sys.exit(main())
