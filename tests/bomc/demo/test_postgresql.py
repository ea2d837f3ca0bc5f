"""The order service on PostgreSQL: the same walk, the same past days, the same delivery as on SQLite."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bomc.demo.export import export_day, planted_on
from bomc.demo.history import fill
from bomc.demo.shop.catalogue import Order
from bomc.demo.shop.custom import buy
from bomc.demo.shop.database import bill, open_database, payment, planted
from bomc.demo.shop.faults import Fault, FaultKind
from bomc.demo.shop.orders import recover
from tests.bomc.demo.conftest import DAYS
from tests.bomc.demo.shops import database, keys, rows, shop
from tests.servers.fixtures import PostgreSQL


@pytest.mark.server("postgresql")
def test_past_days_and_live_orders_are_the_same_on_postgresql(
    postgresql: PostgreSQL, past: Path, tmp_path: Path
) -> None:
    engine = open_database(postgresql.fresh_database(), 8)
    lost = Fault(FaultKind.CALLBACKS_LOST, 0, 3600, 0, "alipay")
    try:
        fill(engine, date(2026, 3, 12))
        with database(tmp_path, past) as sqlite:
            assert all(planted_on(engine, day) == planted_on(sqlite, day) for day in DAYS)
        delivered = export_day(engine, tmp_path, DAYS[-1])
        for file in sorted(delivered.iterdir()):
            assert file.read_bytes() == (past / "exchange" / delivered.name / file.name).read_bytes()
        before = keys(engine, payment)
        with shop(engine, [lost]) as service:
            for channel in ("alipay", "wechat") * 4:
                buy(service.port, Order("10000000007", "top-up", channel, "hills", 1000))
        live = keys(engine, payment) - before
        assert len(live) == 8
        paid = {row["business_key"] for row in rows(engine, payment) if row["status"] == "success"}
        assert (live & paid) - keys(engine, bill) == live & keys(engine, planted)
        assert {row["fault"] for row in rows(engine, planted) if row["business_key"] in live} == {"callbacks_lost"}
        assert recover(engine) == 0
    finally:
        engine.dispose()
