"""The demo's promise: what the real reconciliation finds on each day is exactly what was planted, key by key."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from bomc.demo.export import export_day, planted_on
from bomc.demo.shop.catalogue import draw_order
from bomc.demo.shop.custom import buy
from bomc.demo.shop.days import end_ms
from bomc.demo.shop.faults import Fault, FaultKind
from reconciliation import three_way
from reconciliation.breaks import read_breaks
from tests.bomc.demo.conftest import DAYS
from tests.bomc.demo.shops import database, shop


def reconcile(engine: Engine, home: Path, days: Sequence[date]) -> None:
    """Run the control for the days in order, each with the day before carried in, and compare with what was planted."""
    before: Path | None = None
    for day in days:
        folder = export_day(engine, home, day)
        out = home / "runs" / day.isoformat()
        files = {party: folder / f"{party}.csv" for party in ("billing", "platform", "payment")}
        outcome = three_way.run(three_way.request(day, out=out, carried=before, **files))
        assert outcome.refused == ()
        planted = planted_on(engine, day)
        assert Counter(map(_line, read_breaks(out, limit=100_000))) == Counter(
            (one.business_key, one.kind, one.expected_class, one.at_risk_minor, one.carried) for one in planted
        )
        assert outcome.breaks == sum(not one.carried for one in planted)
        before = out


def _line(row: dict[str, Any]) -> tuple[str, str, str, int, bool]:
    return row["business_key"], row["kind"], row["class"], row["at_risk_minor"], row["carried"]


def test_the_breaks_found_on_generated_days_are_the_planted_ones(past: Path, tmp_path: Path) -> None:
    with database(tmp_path, past) as engine:
        reconcile(engine, tmp_path, DAYS)
        assert all(len(planted_on(engine, day)) > 60 for day in DAYS)


def test_the_breaks_found_on_days_that_the_service_lived_through_are_the_planted_ones_across_midnight(
    tmp_path: Path,
) -> None:
    midnight = datetime.fromtimestamp(end_ms(DAYS[0]) / 1000, UTC)
    began = time.monotonic()

    def clock() -> datetime:
        return midnight + timedelta(seconds=time.monotonic() - began - 2)

    timetable = [
        Fault(FaultKind.CALLBACKS_LOST, 0, 60, 0, "alipay"),
        Fault(FaultKind.SHORT_PAYMENT, 0, 60, 0, "wechat"),
        Fault(FaultKind.DOUBLE_CHARGE, 0, 60, 0, "unionpay"),
    ]
    rng = random.Random(11)
    with database(tmp_path) as engine:
        with shop(engine, timetable, threads=12, waiting=12, back_end_s=(0.0, 0.9), clock=clock) as service:
            with ThreadPoolExecutor(16) as people:
                answers = list(
                    people.map(lambda order: buy(service.port, order), [draw_order(rng) for _ in range(110)])
                )
            assert clock() > midnight
        assert set(answers) <= {201, 402}
        reconcile(engine, tmp_path, [DAYS[0], DAYS[1]])
        found = Counter(one.expected_class for day in DAYS[:2] for one in planted_on(engine, day))
        assert {"awaiting_cutoff", "missing_in_billing", "amount_shortfall", "duplicate_charge"} == set(found)
