"""Delivery of a day: standard records whose manifests tie, all three files or none, and old days forgotten."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

from bomc.demo.export import exchange_folder, export_day, export_past_days, forget
from bomc.demo.shop.database import PARTIES
from bomc.demo.shop.days import DAYS_KEPT, business_day
from reconciliation.standard_record import COLUMNS
from tests.bomc.demo.conftest import DAYS, TODAY
from tests.bomc.demo.shops import database, rows

DAY = DAYS[-1]


def test_each_file_ties_to_its_manifest_and_to_the_shop_s_table(past: Path, tmp_path: Path) -> None:
    with database(tmp_path, past) as engine:
        folder = export_day(engine, tmp_path, DAY)
        for party, table in PARTIES.items():
            file = folder / f"{party}.csv"
            stated = json.loads((folder / f"{party}.csv.manifest.json").read_text())
            with file.open(encoding="utf-8", newline="") as lines:
                delivered = list(csv.DictReader(lines))
            kept = {row["record_id"]: row for row in rows(engine, table) if row["business_day"] == DAY}
            assert tuple(delivered[0]) == COLUMNS
            assert stated == {
                "party": party,
                "business_day": DAY.isoformat(),
                "rows": len(delivered),
                "amount_minor": sum(int(row["amount_minor"]) for row in delivered),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            assert {row["record_id"] for row in delivered} == set(kept)
            for row in delivered:
                at = datetime.fromisoformat(row["occurred_at"])
                assert round(at.timestamp() * 1000) == kept[row["record_id"]]["occurred_ms"]
                assert at.date() == DAY == business_day(round(at.timestamp() * 1000))


def test_a_delivered_day_is_never_written_again_and_an_interrupted_delivery_leaves_nothing(
    past: Path, tmp_path: Path
) -> None:
    with database(tmp_path, past) as engine:
        partial = exchange_folder(tmp_path, DAY).with_name(f".{DAY}.partial")
        partial.mkdir(parents=True)
        (partial / "billing.csv").write_text("half a file")
        assert not exchange_folder(tmp_path, DAY).exists()
        assert [folder.name for folder in export_past_days(engine, tmp_path, TODAY)] == [
            "2026-03-09",
            "2026-03-10",
            "2026-03-11",
        ]
        assert not partial.exists()
        file = exchange_folder(tmp_path, DAY) / "billing.csv"
        assert file.read_text() != "half a file"
        stamp = file.stat().st_mtime_ns
        assert export_past_days(engine, tmp_path, TODAY) == []
        assert file.stat().st_mtime_ns == stamp


def test_days_beyond_those_kept_are_forgotten_with_their_files_and_the_others_stay(past: Path, tmp_path: Path) -> None:
    with database(tmp_path, past) as engine:
        export_past_days(engine, tmp_path, TODAY)
        later = DAY + timedelta(days=DAYS_KEPT)  # DAY itself is then the oldest that is kept
        assert forget(engine, tmp_path, later) > 10_000
        assert sorted(folder.name for folder in (tmp_path / "exchange").iterdir()) == [DAY.isoformat()]
        for table in PARTIES.values():
            assert min(row["business_day"] for row in rows(engine, table)) == DAY
        assert forget(engine, tmp_path, later) == 0
