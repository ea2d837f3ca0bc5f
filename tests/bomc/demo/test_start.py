"""Getting ready and running the service's process: idempotent, on free ports, and never outliving its parent."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bomc.configuration.estate import load_estate
from bomc.demo.ports import DemoError, Ports, ask, choose_ports, is_free
from bomc.demo.shop.database import open_database, platform_order
from bomc.demo.start import (
    FILES,
    Prepared,
    ensure_shop,
    follow_ports,
    is_demo_shop,
    prepare,
    start_shop,
    stop_shop,
)
from tests.bomc.demo.shops import at_now
from tests.servers.process import free_port, wait_until

AT = datetime(2026, 3, 12, 2, tzinfo=UTC)
SLOW = "- {kind: threads_full, first_s: 0, length_s: 3600, every_s: 0}\n"


@pytest.fixture
def prepared(past: Path, tmp_path: Path) -> Prepared:
    """A prepared home of this test's own, whose past days are copied instead of generated again."""
    shutil.copytree(past, tmp_path, dirs_exist_ok=True)
    return prepare(tmp_path, free_port(), lambda: AT)


def test_the_configuration_is_whole_and_valid_and_every_made_up_target_is_marked(prepared: Prepared) -> None:
    estate = load_estate(prepared.config)
    there = [path for path in prepared.config.rglob("*") if path.is_file()]
    assert sorted(path.relative_to(prepared.config).as_posix() for path in there) == sorted(FILES)
    assert estate.settings.console.port == prepared.ports.console
    made_up = {name for name, target in estate.targets.items() if target.demo}
    assert made_up == {
        *("demo-shop", "demo-shop-front", "demo-shop-db", "demo-orders", "mobile-payment", "day-totals", "demo-desk")
    }
    real = {name for name, target in estate.targets.items() if not target.demo}
    assert real == {"this-machine", "console", "console-store"}
    assert all(control.demo for control in estate.controls)
    assert all(desk.demo for desk in estate.duty.desks)
    assert {one.name: one.demo for one in estate.heartbeats} == {"demo-order-service": True, "demo-nightly-push": True}
    assert estate.notes == ()
    assert {check.judge for check in estate.checks} == {"limit", "rate", "absence"}


def test_the_files_hold_no_placeholder_and_no_path_of_this_machine(prepared: Prepared) -> None:
    for name in FILES:
        text = (prepared.config / name).read_text(encoding="utf-8")
        assert "$" not in text
        assert str(prepared.home) not in text


def test_preparing_again_changes_nothing_and_keeps_a_person_s_edits(prepared: Prepared) -> None:
    checks = prepared.config / "checks.yaml"
    checks.write_text(checks.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    files = {path: path.stat().st_mtime_ns for path in prepared.home.rglob("*.*") if path.suffix != ".db"}
    again = prepare(prepared.home, prepared.ports.console, lambda: AT)
    assert again.ports == prepared.ports
    assert again.delivered == ()
    kept = {path: path.stat().st_mtime_ns for path in files if path.name != "ports.json" and path.exists()}
    assert all(files[path] == stamp for path, stamp in kept.items())
    assert checks.read_text(encoding="utf-8").endswith("# mine\n")


def test_three_past_days_are_delivered_at_the_first_start(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, free_port(), lambda: AT)
    assert [folder.name for folder in prepared.delivered] == ["2026-03-09", "2026-03-10", "2026-03-11"]
    for folder in prepared.delivered:
        names = [f"{party}.csv" for party in ("billing", "payment", "platform")]
        assert sorted(path.name for path in folder.iterdir()) == sorted(
            [*names, *(f"{name}.manifest.json" for name in names)]
        )


def test_a_taken_port_is_passed_over_and_the_configuration_follows(prepared: Prepared) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", prepared.ports.shop))
        squatter.listen()
        moved = prepare(prepared.home, prepared.ports.console, lambda: AT)
    assert prepared.ports.shop not in (moved.ports.shop, moved.ports.status)
    targets = (prepared.config / "targets.yaml").read_text(encoding="utf-8")
    assert f"127.0.0.1:{moved.ports.shop}/health" in targets
    assert f"127.0.0.1:{moved.ports.status}/metrics" in targets
    assert f"127.0.0.1:{moved.ports.status}/hook" in (prepared.config / "routes.yaml").read_text(encoding="utf-8")
    load_estate(prepared.config)


def test_only_the_demo_s_own_addresses_follow_its_ports() -> None:
    text = "http://127.0.0.1:8051/a http://10.0.0.1:8051/b {host: 127.0.0.1, port: 8050} 127.0.0.1:80511 after: 8051"
    assert follow_ports(text, Ports(8050, 8051, 8052), Ports(9000, 9001, 9002)) == (
        "http://127.0.0.1:9001/a http://10.0.0.1:8051/b {host: 127.0.0.1, port: 9000} 127.0.0.1:80511 after: 8051"
    )


def test_no_free_port_is_said_in_a_sentence() -> None:
    with pytest.raises(DemoError, match="no two free ports above 65535; set BOMC_PORT"):
        choose_ports(65_535, None)


def test_the_service_runs_takes_orders_is_replaced_when_it_dies_and_ends_when_told(prepared: Prepared) -> None:
    process = start_shop(prepared, "--rate", "50")
    try:
        wait_until(
            lambda: b'"created": 0' not in (ask(prepared.ports.status, "/status") or (0, b'"created": 0'))[1],
            "an order",
            20,
        )
        with pytest.raises(DemoError, match="running already"):
            prepare_hurriedly(prepared)
        process.kill()
        process.wait()
        process = ensure_shop(process, prepared, "--rate", "0")
        assert ensure_shop(process, prepared) is process
        assert is_demo_shop(prepared.ports)
    finally:
        stop_shop(process)
    assert process.returncode == 0
    assert is_free(prepared.ports.shop)


def prepare_hurriedly(prepared: Prepared) -> None:
    """What a second `bomc demo` on the same home does, without its patience."""
    prepare(prepared.home, prepared.ports.console, lambda: AT, patience_s=0.2)


def test_a_service_that_cannot_start_is_a_sentence_with_its_reason(prepared: Prepared) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", prepared.ports.shop))
        squatter.listen()
        with pytest.raises(DemoError, match=r"(?s)ended at once.*cannot start.*in use"):
            start_shop(prepared)


def test_after_a_kill_the_next_start_ends_the_orders_that_were_left_half_way(prepared: Prepared) -> None:
    timetable = prepared.home / "timetable.yaml"
    timetable.write_text(SLOW)
    process = start_shop(prepared, "--rate", "50", "--timetable", str(timetable))
    engine = open_database(prepared.database_url, 2)

    def pending() -> int:
        with engine.connect() as connection:
            of_status = select(platform_order.c.record_id).where(platform_order.c.status == "pending")
            return len(connection.execute(of_status).all())

    try:
        wait_until(lambda: pending() >= 5, "orders are on their way", 20)
        process.kill()
        process.wait()
        assert pending() >= 5
        prepare(prepared.home, prepared.ports.console, at_now)
        assert pending() == 0
    finally:
        engine.dispose()
        stop_shop(process)


def test_the_service_ends_when_its_parent_is_killed(prepared: Prepared) -> None:
    """The parent dies without a word, as by kill -9; its service goes with it and frees both ports."""
    code = (
        "import datetime, pathlib, sys, time\n"
        "from bomc.demo.start import prepare, start_shop\n"
        f"ready = prepare(pathlib.Path(sys.argv[1]), {prepared.ports.console}, lambda: {AT!r})\n"
        "shop = start_shop(ready, '--rate', '0')\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(prepared.home)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == b"up\n"
        assert is_demo_shop(prepared.ports)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not is_demo_shop(prepared.ports), "the service ends", 20)
    wait_until(lambda: is_free(prepared.ports.shop) and is_free(prepared.ports.status), "its ports are free", 20)
