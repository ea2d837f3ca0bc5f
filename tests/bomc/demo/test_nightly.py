"""The nightly jobs: after midnight the day just lived is delivered, without anybody asking."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from bomc.demo.export import exchange_folder
from bomc.demo.nightly import Nightly, close_days
from tests.bomc.demo.shops import database
from tests.servers.process import wait_until


def test_a_day_is_delivered_once_it_is_five_minutes_over_and_not_before(past: Path, tmp_path: Path) -> None:
    times = [datetime(2026, 3, 12, 16, 4, tzinfo=UTC)]  # 00:04 on the 13th in Shanghai
    with database(tmp_path, past) as engine:
        close_days(engine, tmp_path, date(2026, 3, 12))
        asked: list[datetime] = []

        def clock() -> datetime:
            asked.append(times[-1])
            return times[-1]

        nightly = Nightly(engine, tmp_path, clock, every_s=0.02)
        nightly.start()
        try:
            wait_until(lambda: len(asked) > 3, "the clock was looked at", 10)
            assert not exchange_folder(tmp_path, date(2026, 3, 12)).exists()
            times.append(datetime(2026, 3, 12, 16, 6, tzinfo=UTC))
            wait_until(lambda: exchange_folder(tmp_path, date(2026, 3, 12)).exists(), "the 12th is delivered", 10)
        finally:
            nightly.stop()


def test_a_failing_delivery_is_tried_again_until_it_succeeds(past: Path, tmp_path: Path) -> None:
    asked: list[datetime] = []

    def clock() -> datetime:
        asked.append(datetime(2026, 3, 12, 6, tzinfo=UTC))
        return asked[-1]

    with database(tmp_path, past) as engine:
        (tmp_path / "exchange").write_text("a file where the folder should be")
        nightly = Nightly(engine, tmp_path, clock, every_s=0.02)
        nightly.start()
        try:
            wait_until(lambda: len(asked) > 2, "it was tried more than once", 10)
            (tmp_path / "exchange").unlink()
            wait_until(lambda: exchange_folder(tmp_path, date(2026, 3, 11)).exists(), "the 11th is delivered", 10)
        finally:
            nightly.stop()
