"""Whole stories with real processes: a source dies, somebody is told and a ticket opens; it returns, and all is closed."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, update

from core.store.open import open_store, upgrade, writing
from core.store.tables import alert, break_case, control_run, pulse, sample, ticket
from reconciliation.standard_record import PARTIES
from reconciliation.standard_record import write as write_records
from reconciliation.verify import verify
from tests.alerts.receivers import Hook, hook
from tests.bomc.estates import Source, bomc, process, rows, source, watching
from tests.reconciliation.days import record
from tests.servers.process import answers, free_port, wait_until


@pytest.fixture
def shop() -> Iterator[Source]:
    with source() as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as made:
        yield made


def told(receiver: Hook) -> list[str]:
    """What the webhook was told, message by message."""
    return [got.body["status"] for got in receiver.got]


def tickets(engine: Engine) -> list[str]:
    return [row.state for row in rows(engine, ticket)]


def leader(engine: Engine) -> str:
    [lease] = [row for row in rows(engine, pulse) if row.name == "lead"] or [None]
    return "" if lease is None else str(lease.detail["holder"])


def down_and_up(engine: Engine, shop: Source, receiver: Hook) -> None:
    """The story itself, on whatever is running."""
    wait_until(lambda: len(rows(engine, sample)) >= 9, "samples arrive")
    shop.down()
    wait_until(lambda: told(receiver)[-1:] == ["firing"], "the webhook is told that it fires")
    [one] = receiver.got[-1].body["alerts"]
    assert one["labels"]["alertname"] == "shop-down"
    assert one["labels"]["target"] == "shop"
    assert one["annotations"]["summary"] == "shop does not answer"
    assert "refused" in one["annotations"]["reason"]
    wait_until(lambda: tickets(engine)[-1:] == ["open"], "a ticket is open")
    shop.up()
    wait_until(lambda: told(receiver)[-1:] == ["resolved"], "the webhook is told that it is over")
    wait_until(lambda: tickets(engine)[-1:] == ["closed"], "the ticket is closed")
    assert [row for row in rows(engine, alert) if row.resolved_at is None] == []


def test_a_source_goes_down_and_comes_back_under_one_bomc_up(tmp_path: Path, shop: Source, receiver: Hook) -> None:
    """Alert, webhook, ticket, resolve, closed; the status command agrees; SIGTERM ends it in order."""
    home, port = watching(tmp_path, shop.port, receiver.url), free_port()
    with process(home, "up", port) as number:
        engine = open_store(f"sqlite:///{home / 'bomc.db'}")
        down_and_up(engine, shop, receiver)
        figures = json.loads(bomc(home, "status", "--json").stdout)
        assert (figures["targets"], figures["open_alerts"], figures["running"]) == (1, 0, True)
        assert figures["samples_last_minute"] > 0
        assert figures["last_sample_age_s"] < 30
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=20) as answer:
            assert answer.status == 200
        assert leader(engine) != ""
        os.kill(number, signal.SIGTERM)
        wait_until(lambda: not answers(port), "it has ended")
        wait_until(lambda: leader(engine) == "", "the lead was given up, so that the next start need not wait")
    engine.dispose()


@pytest.mark.parametrize("command", ["up", "run"])
def test_a_process_whose_lead_was_taken_ends_and_says_who_has_it(
    tmp_path: Path, shop: Source, receiver: Hook, command: str
) -> None:
    """Also `bomc up`: a console over a pipeline that has stopped would only look alive."""
    home, port = watching(tmp_path, shop.port, receiver.url), free_port()
    assert bomc(home, "db", "upgrade").returncode == 0
    engine = open_store(f"sqlite:///{home / 'bomc.db'}")
    log = home / f"{command}.log"

    def begun() -> bool:
        return any(row.name == "pipeline" for row in rows(engine, pulse))

    with process(home, command, port, begun):
        with writing(engine) as connection:
            connection.execute(update(pulse).where(pulse.c.name == "lead").values(detail={"holder": "another"}))
        wait_until(lambda: b"The pipeline another leads now; this one stops." in log.read_bytes(), "it says so")
        wait_until(lambda: not answers(port), "it ends")
    assert leader(engine) == "another"
    assert b"Traceback" not in log.read_bytes()
    engine.dispose()


def test_console_and_pipeline_apart_and_a_second_pipeline_that_takes_over(
    tmp_path: Path, shop: Source, receiver: Hook, request: pytest.FixtureRequest
) -> None:
    """On one PostgreSQL: the second stands by, the first is killed, the second leads, and the story goes on."""
    url = request.getfixturevalue("postgresql").fresh_database()
    engine = open_store(url)
    upgrade(engine)
    homes = [watching(tmp_path / name, shop.port, receiver.url, url) for name in ("console", "first", "second")]
    port = free_port()

    def leads() -> bool:
        return any(row.name == "pipeline" for row in rows(engine, pulse))

    def stands_by() -> bool:
        return b"stands by" in (homes[2] / "run.log").read_bytes()

    with process(homes[0], "serve", port), process(homes[1], "run", port, leads) as first:
        name = leader(engine)
        with process(homes[2], "run", port, stands_by):
            down_and_up(engine, shop, receiver)
            assert leader(engine) == name
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: leader(engine) not in ("", name), "the second leads")
            down_and_up(engine, shop, receiver)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=20) as answer:
                assert answer.status == 200
    engine.dispose()


CONTROL = """
name: pay
title: {en: Payments, zh: 支付}
kind: match
schedule: {at: "00:00"}
catch_up_days: 1
parties:
  billing: {path: "exchange/{day}/billing.csv"}
  platform: {path: "exchange/{day}/platform.csv"}
  payment: {path: "exchange/{day}/payment.csv"}
"""


def test_a_break_is_an_incident_like_a_dead_host(tmp_path: Path, shop: Source, receiver: Hook) -> None:
    """Yesterday's files are there when the pipeline starts: the control runs by itself, its break is told and ticketed, is
    a case, and its evidence holds; run by hand beside the pipeline, nothing comes a second time."""
    home, port = watching(tmp_path, shop.port, receiver.url), free_port()
    (home / "config" / "controls").mkdir()
    (home / "config" / "controls" / "pay.yaml").write_text(CONTROL, encoding="utf-8")
    day = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=1)).date()
    noon = f"{day}T12:00:00+08:00"
    folder = home / "exchange" / day.isoformat()
    folder.mkdir(parents=True)
    for party in PARTIES:
        keys = ["a"] if party == "billing" else ["a", "b"]
        rows_of = [record(key, business_day=day.isoformat(), occurred_at=noon) for key in keys]
        write_records(folder / f"{party}.csv", party, day, rows_of)
    with process(home, "up", port):
        engine = open_store(f"sqlite:///{home / 'bomc.db'}")
        wait_until(lambda: told(receiver)[-1:] == ["firing"], "the webhook is told of the break", 60)
        [one] = receiver.got[-1].body["alerts"]
        assert (one["labels"]["alertname"], one["labels"]["target"]) == ("reconciliation-breaks", "pay")
        assert one["labels"]["business_day"] == day.isoformat()
        assert one["annotations"]["summary"] == f"pay: 1 breaks on {day}"
        wait_until(lambda: tickets(engine) == ["open"], "a ticket is open")
        assert bomc(home, "reconcile", "run", "pay", "--day", day.isoformat()).returncode == 1
        assert [(row.control, row.outcome) for row in rows(engine, control_run)] == [("pay", "breaks")]
        assert [(row.business_key, row.state) for row in rows(engine, break_case)] == [("b", "open")]
        assert tickets(engine) == ["open"]
        verdict = verify(home / "runs" / "pay")
        assert verdict.sound, verdict.faults
        engine.dispose()
