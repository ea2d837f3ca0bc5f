"""`bomc change`: a change is planned, and what is refused ends the command with a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.changes import commands
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import planned_change, target
from tests.bomc.estates import cli, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one target in its store."""
    write(tmp_path, bomc="operator: {timezone: Asia/Shanghai}\n")
    engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
    upgrade(engine)
    with writing(engine) as connection:
        made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": [], "runs_on": []}
        connection.execute(target.insert().values(name="host-1", **made))
    engine.dispose()
    return tmp_path


def plan(home: Path, **given: str) -> tuple[int, str]:
    start = (datetime.now(UTC) + timedelta(minutes=10)).isoformat(timespec="minutes")
    end = (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="minutes")
    options = {"requirement": "REQ-7", "target": "host-1", "from": start, "until": end, "back-out": "x", "contact": "y"}
    options |= {name.replace("_", "-"): value for name, value in given.items()}
    return cli(
        home, "change", "plan", "Add a disk", *(part for name in options for part in (f"--{name}", options[name]))
    )


def test_a_change_goes_its_way_from_the_terminal(home: Path) -> None:
    assert plan(home) == (0, "Change 1 is planned; another person approves it.\n")
    assert "It overlaps with change 1 on the same target." in plan(home)[1]
    assert cli(home, "change", "begin", "1")[0] == 2
    engine = open_store(f"sqlite:///{home / 'bomc.db'}")
    with writing(engine) as connection:
        commands.approve(connection, 1, "boss", datetime.now(UTC))
    assert cli(home, "change", "begin", "1")[0] == 0
    assert cli(home, "change", "end", "1", "--result", "done", "--text", "as planned")[0] == 0
    assert cli(home, "change", "cancel", "2", "--reason", "once is enough")[0] == 0
    with reading(engine) as connection:
        rows = connection.execute(select(planned_change).order_by(planned_change.c.id)).all()
    engine.dispose()
    assert [row.state for row in rows] == ["done", "cancelled"]
    assert rows[0].requested_by.startswith("terminal:")
    status, told = cli(home, "change", "list")
    assert status == 0
    assert "REQ-7" in told


REFUSED = {
    "an unknown target": ({"target": "host-9"}, "There is no target host-9; names like it are: "),
    "no time": ({"from": "tonight"}, "'tonight' is no time"),
    "an unknown risk": ({"risk": "none"}, "There is no risk 'none'"),
}


@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_said(home: Path, given: dict[str, str], words: str) -> None:
    status, told = plan(home, **given)
    assert status == 2
    assert words in told
