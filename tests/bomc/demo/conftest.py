"""A home whose past days are generated and delivered, made once for all tests of the demo; they copy what they change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bomc.demo.nightly import close_days
from bomc.demo.shop.database import open_database

TODAY = date(2026, 3, 12)
DAYS = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`demo/shop.db` with the three DAYS before TODAY, and their files in `exchange`. Not to be written to."""
    home = tmp_path_factory.mktemp("past")
    (home / "demo").mkdir()
    engine = open_database(f"sqlite:///{home / 'demo' / 'shop.db'}")
    close_days(engine, home, TODAY)
    engine.dispose()
    return home
