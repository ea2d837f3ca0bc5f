"""`bomc run` itself, as people start it, killed with SIGKILL and started again: it takes the lead back and loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from core.store.open import open_store, reading, upgrade
from core.store.tables import alert
from tests.alerts.receivers import hook
from tests.faults.estate import configure, source
from tests.faults.invariants import faults
from tests.servers.process import running, wait_until


@pytest.mark.faults
def test_bomc_run_killed_and_started_again_tells_every_alert(tmp_path: Path) -> None:
    """What was raised before the kill and what was raised while nobody watched both arrive after the restart."""
    command = [sys.executable, "-m", "bomc", "run", "--home", str(tmp_path)]
    with hook() as receiver, source(4) as there:
        configure(tmp_path, there.url, receiver.url, every="500ms")
        engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
        upgrade(engine)

        def told() -> set[str]:
            firing = [
                a["labels"]["n"] for got in list(receiver.got) for a in got.body["alerts"] if a["status"] == "firing"
            ]
            return set(firing)

        def killed_when(raised: list[int], known: set[str]) -> None:
            with running(command, lambda: known <= told(), tmp_path / "run.log") as pid:
                asked = there.asked
                there.set(raised, 1)
                wait_until(lambda: there.asked > asked + 1, "a look at the source")
                os.kill(pid, signal.SIGKILL)

        killed_when([0, 1], set())
        there.set([2], 1)
        killed_when([3], {"0", "1", "2"})
        with running(command, lambda: told() >= {"0", "1", "2", "3"}, tmp_path / "run.log"):
            wait_until(lambda: not faults(engine, list(receiver.got), kills=2), "the invariants", 20)
        with reading(engine) as connection:
            raised = list(connection.execute(select(alert.c.labels).where(alert.c.check_name == "raised")).scalars())
        assert sorted(labels["n"] for labels in raised) == ["0", "1", "2", "3"]
        engine.dispose()


def test_a_second_bomc_run_on_the_same_home_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """While one has the home, another changes nothing and says who has it."""
    command = [sys.executable, "-m", "bomc", "run", "--home", str(tmp_path)]
    with hook() as receiver, source(1) as there:
        configure(tmp_path, there.url, receiver.url)
        engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
        upgrade(engine)
        engine.dispose()
        with running(command, lambda: there.asked > 0, tmp_path / "run.log"):
            second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert "Another bomc" in second.stderr
