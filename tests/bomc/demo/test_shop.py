"""The order service: bounded under load, every answer accounted for in its tables, and honest pages about itself."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from bomc.demo.ports import ask
from bomc.demo.shop.catalogue import CHANNELS, Order, activity, bill_cycle, draw_order, fee_minor
from bomc.demo.shop.custom import Custom, buy, orders_per_s
from bomc.demo.shop.database import bill, payment, planted, platform_order
from bomc.demo.shop.faults import Fault, FaultKind
from bomc.demo.shop.orders import recover
from bomc.demo.shop.server import Service
from collectors.apache_status import parse
from collectors.indicators.web import Status
from collectors.io import Io
from collectors.prometheus_exporter import Config as ExporterConfig
from collectors.prometheus_exporter import fetch as fetch_exporter
from collectors.prometheus_exporter import parse as parse_exporter
from tests.bomc.demo.shops import at_now, database, rows, shop
from tests.servers.process import wait_until

SLOW = Fault(FaultKind.THREADS_FULL, 0, 3600, 0)
ORDER = Order("10000000007", "top-up", "alipay", "harbour", 5000)


def post(port: int, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def status(service: Service) -> dict[str, Any]:
    answer = ask(service.status_port, "/status?format=json")
    assert answer is not None
    found: dict[str, Any] = json.loads(answer[1])
    return found


def test_under_load_threads_stay_bounded_and_answers_tie_with_the_tables(tmp_path: Path) -> None:
    """Forty customers at once on four threads and four places in the queue: 201, 402 and 503 all add up."""
    rng = random.Random(3)
    orders = [draw_order(rng) for _ in range(40)]
    busy: list[int] = []
    with database(tmp_path) as engine, shop(engine, [SLOW]) as service:
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                seen = status(service)["threads"]
                assert seen["queued"] <= seen["queue_max"] == 4
                busy.append(seen["busy"])

        with ThreadPoolExecutor(41) as people:
            watching = people.submit(watch)
            answers = Counter(people.map(lambda order: buy(service.port, order), orders))
            done.set()
            watching.result()
        counted = status(service)["requests"]
        platform, paid, billed = (rows(engine, table) for table in (platform_order, payment, bill))
    assert max(busy) == 4
    assert answers[503] >= 12
    assert set(answers) <= {201, 402, 503}
    assert (counted["created"], counted["declined"], counted["refused"]) == (answers[201], answers[402], answers[503])
    assert Counter(row["status"] for row in platform) == Counter(success=answers[201], failed=answers[402])
    assert len(paid) == answers[201] + answers[402]
    assert len(billed) == answers[201]


def test_an_order_leaves_one_agreeing_record_with_each_party(tmp_path: Path) -> None:
    with database(tmp_path) as engine, shop(engine) as service:
        while buy(service.port, ORDER) != 201:
            pass  # one in a hundred payments is declined
        ordered, paid, billed = (
            [row for row in rows(engine, table) if row["status"] == "success"][-1]
            for table in (platform_order, payment, bill)
        )
        assert rows(engine, planted) == []
    same = ("business_key", "kind", "amount_minor", "currency", "account", "channel", "product", "region")
    assert {name: ordered[name] for name in same} == {name: paid[name] for name in same}
    assert {name: ordered[name] for name in same} == {name: billed[name] for name in same}
    assert ordered["occurred_ms"] <= paid["occurred_ms"] <= billed["occurred_ms"]
    assert (paid["fee_minor"], billed["bill_cycle"]) == (28, bill_cycle(ORDER.account))


def test_lost_callbacks_leave_payments_without_bill_each_of_them_planted(tmp_path: Path) -> None:
    fault = Fault(FaultKind.CALLBACKS_LOST, 0, 3600, 0, "alipay")
    with database(tmp_path) as engine, shop(engine, [fault]) as service:
        for _ in range(6):
            buy(service.port, ORDER)
            buy(service.port, Order(ORDER.account, "top-up", "wechat", "harbour", 3000))
        paid = [row for row in rows(engine, payment) if row["status"] == "success"]
        billed = {row["business_key"] for row in rows(engine, bill)}
        unbilled = {row["business_key"] for row in paid} - billed
        assert unbilled == {row["business_key"] for row in paid if row["channel"] == "alipay"}
        assert unbilled == {row["business_key"] for row in rows(engine, planted)}
        assert unbilled
        assert recover(engine) == 0  # planted faults are not mended


def test_a_refusing_channel_gives_402_and_no_money_moves(tmp_path: Path) -> None:
    fault = Fault(FaultKind.CHANNEL_REFUSES, 0, 3600, 0, "alipay")
    with database(tmp_path) as engine, shop(engine, [fault]) as service:
        assert buy(service.port, ORDER) == 402
        assert [row["status"] for row in rows(engine, platform_order)] == ["failed"]
        assert [row["status"] for row in rows(engine, payment)] == ["failed"]
        assert rows(engine, bill) == []


def test_orders_left_half_way_are_ended_as_they_would_have_been(tmp_path: Path) -> None:
    """A kill between two steps leaves a pending order, or a payment without its bill; recovery ends both, once."""
    with database(tmp_path) as engine:
        with shop(engine) as service:
            while Counter(buy(service.port, ORDER) for _ in range(2))[201] < 2:
                pass
        first, second = rows(engine, bill)[-2:]
        with engine.begin() as connection:
            connection.execute(delete(bill).where(bill.c.record_id.in_([first["record_id"], second["record_id"]])))
            connection.execute(delete(payment).where(payment.c.business_key == first["business_key"]))
            mine = platform_order.c.business_key == first["business_key"]
            connection.execute(update(platform_order).where(mine).values(status="pending"))
        assert recover(engine) == 2
        assert recover(engine) == 0
        (ended,) = [row for row in rows(engine, platform_order) if row["business_key"] == first["business_key"]]
        assert ended["status"] == "failed"
        assert [row for row in rows(engine, bill) if row["business_key"] == second["business_key"]] == [second]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no JSON", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"account": "1"}', "JSON object"),
        (b'{"account":"1","product":"moon","channel":"alipay","region":"hills","amount_minor":1}', "product 'moon'"),
        (b'{"account":"1","product":"top-up","channel":"cash","region":"hills","amount_minor":1}', "channel 'cash'"),
        (b'{"account":"1","product":"top-up","channel":"alipay","region":"hills","amount_minor":1.5}', "whole number"),
        (b'{"account":"1","product":"top-up","channel":"alipay","region":"hills","amount_minor":0}', "whole number"),
        (b'{"account":"1","product":"top-up","channel":"alipay","region":"hills","amount_minor":true}', "whole number"),
        (b'{"account":7,"product":"top-up","channel":"alipay","region":"hills","amount_minor":1}', "digits"),
        ('{"account":"٣","product":"top-up","channel":"alipay","region":"hills","amount_minor":1}'.encode(), "digits"),
        (b'{"account":"1","product":[],"channel":"alipay","region":"hills","amount_minor":1}', "product"),
    ],
)
def test_what_is_no_order_is_refused_with_a_sentence_and_leaves_no_record(
    tmp_path: Path, body: bytes, says: str
) -> None:
    with database(tmp_path) as engine, shop(engine) as service:
        code, answer = post(service.port, "/orders", body)
        assert code == 400
        assert says in answer["error"]
        assert rows(engine, platform_order) == []
        assert status(service)["requests"]["invalid"] == 1


def test_the_status_pages_answer_while_every_thread_is_busy_and_agree_with_each_other(tmp_path: Path) -> None:
    with (
        database(tmp_path) as engine,
        shop(engine, [SLOW], slow_back_end_s=(30, 31)) as service,
        ThreadPoolExecutor(8) as people,
    ):
        waiting = [people.submit(buy, service.port, ORDER) for _ in range(4)]
        wait_until(lambda: status(service)["threads"]["busy"] == 4, "four customers are served", 10)
        waiting += [people.submit(buy, service.port, ORDER) for _ in range(4)]
        wait_until(lambda: status(service)["threads"]["queued"] == 4, "four customers wait", 10)
        began = time.perf_counter()
        page = ask(service.status_port, "/server-status?auto")
        exporter = ExporterConfig(url=f"http://127.0.0.1:{service.status_port}/metrics")
        metrics = parse_exporter(fetch_exporter(exporter, Io(5)), datetime.now(UTC))
        assert time.perf_counter() - began < 1
        service.walk.stopping.set()
        assert {one.result() for one in waiting} <= {201, 402}
    assert page is not None
    values = {
        one.indicator: one.value for one in parse(Status(page[1].decode(), 0.1, "shop"), datetime.now(UTC)).samples
    }
    assert (values["web.threads.busy"], values["web.threads.max"], values["web.threads.busy_ratio"]) == (4, 4, 1)
    shown = {one.indicator: one.value for one in metrics.samples}
    assert (shown["shop_threads_busy"], shown["shop_threads_max"], shown["shop_queue_length"]) == (4, 4, 4)


def test_messages_posted_to_the_hook_are_counted_and_shown(tmp_path: Path) -> None:
    with database(tmp_path) as engine, shop(engine) as service:
        assert post(service.status_port, "/hook", b'{"status": "firing"}') == (200, {"count": 1})
        assert post(service.status_port, "/hook", b"no JSON")[0] == 400
        seen = ask(service.status_port, "/hook")
    assert seen is not None
    kept = json.loads(seen[1])
    assert kept["count"] == 1
    assert kept["last"][0]["message"] == {"status": "firing"}


def test_customers_come_by_themselves_and_what_they_got_ties_with_the_service(tmp_path: Path) -> None:
    with database(tmp_path) as engine, shop(engine) as service:
        custom = Custom(service.port, at_now, seed=1, busiest_per_s=200)
        custom.start()
        wait_until(lambda: custom.outcomes["201"] >= 30, "thirty orders are placed", 20)
        custom.stop()
        wait_until(lambda: status(service)["threads"]["busy"] == 0, "every thread is free", 10)
        assert len(rows(engine, platform_order)) == sum(
            status(service)["requests"][result] for result in ("created", "declined")
        )


def test_customers_are_most_active_in_the_afternoon_and_never_away() -> None:
    by_hour = [activity(hour) for hour in range(24)]
    assert max(by_hour) == by_hour[16] == pytest.approx(1)
    assert min(by_hour) == by_hour[4] == pytest.approx(0.6)
    assert orders_per_s(datetime(2026, 3, 1, 16, tzinfo=UTC), 2.5) == pytest.approx(2.5)


@pytest.mark.parametrize(("amount_minor", "fee"), [(0, 0), (83, 0), (84, 1), (10_000, 60), (250, 2)])
def test_the_fee_is_the_channel_s_share_with_half_a_fen_rounded_up(amount_minor: int, fee: int) -> None:
    assert CHANNELS[0].fee_per_10_000 == 60
    assert fee_minor("wechat", amount_minor) == fee
