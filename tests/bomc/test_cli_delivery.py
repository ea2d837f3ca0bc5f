"""`bomc heartbeat` and `bomc alerts`: URLs shown once, dead letters listed and sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from typer.testing import CliRunner

from bomc.cli import app
from bomc.configuration.estate import ConfigurationError, load_estate
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import delivery, heartbeat

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
JOBS = 'heartbeats:\n  - {name: export, every: 1h}\n  - {name: nightly, cron: "30 2 * * *", owner: wang.fang}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two jobs and a store with one dead letter."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "heartbeats.yaml").write_text(JOBS)
    engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
    upgrade(engine)
    body = {"status": "firing", "alerts": [], "commonLabels": {}}
    message = {"body": body, "firing": [], "resolved": [], "at": NOON.isoformat(), "demo": False, "reason": ""}
    row = {"key": "k", "receiver": "ops", "channel": "webhook", "settings": 0, "message": message, "created_at": NOON}
    row |= {"due_at": NOON, "attempts": 3, "state": "dead", "last_error": "answered 404", "done_at": NOON}
    with writing(engine) as connection:
        connection.execute(insert(delivery).values(**row))
    engine.dispose()
    return tmp_path


def _run(home: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*arguments, "--home", str(home)])
    return done.exit_code, done.output


def test_a_url_is_made_and_shown_once(home: Path) -> None:
    """Then only a new one can be had; the store has its digest alone."""
    code, first = _run(home, "heartbeat", "url", "export")
    assert (code, first.startswith("http://127.0.0.1:8050/ping/")) == (0, True)
    code, said = _run(home, "heartbeat", "url", "export")
    assert code == 2
    assert "bomc heartbeat renew" in " ".join(said.split())
    code, second = _run(home, "heartbeat", "renew", "export")
    assert code == 0
    assert second != first
    engine = open_store(f"sqlite:///{home / 'bomc.db'}")
    with reading(engine) as connection:
        stored = connection.scalar(select(heartbeat.c.token_hash))
    engine.dispose()
    assert stored not in second
    assert _run(home, "heartbeat", "url", "nobody")[0] == 2


def test_jobs_are_listed(home: Path) -> None:
    """With how they stand."""
    code, said = _run(home, "heartbeat", "list")
    assert code == 0
    for words in ("export", "nightly", "waiting"):
        assert words in said


def test_dead_letters_are_listed_and_sent_again(home: Path) -> None:
    """Once."""
    code, said = _run(home, "alerts", "dead")
    assert code == 0
    assert "answered 404" in said
    assert json.loads(_run(home, "alerts", "dead", "--json")[1])[0]["receiver"] == "ops"
    assert _run(home, "alerts", "resend", "1") == (0, "Message 1 is on its way again.\n")
    code, said = _run(home, "alerts", "resend", "1")
    assert (code, "not dead" in said) == (2, True)
    assert _run(home, "alerts", "dead") == (0, "Every message was delivered.\n")


def test_every_fault_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    """As of every other file."""
    jobs = "heartbeats:\n  - name: a\n    every: 1h\n    timezone: Mars/Olympus\n  - name: b\n    cron: '* * *'\n"
    (tmp_path / "heartbeats.yaml").write_text(jobs + "  - {name: c, every: 1h}\n  - {name: c, every: 1h}\n")
    (tmp_path / "bomc.yaml").write_text("heartbeat: {url: 'https://hc.example/secret', every: 1s}\n")
    with pytest.raises(ConfigurationError) as failed:
        load_estate(tmp_path)
    found = [str(fault) for fault in failed.value.faults]
    assert any(line.startswith("heartbeats.yaml:4:") and "no time zone" in line for line in found)
    assert any(line.startswith("heartbeats.yaml:6:") and "five fields" in line for line in found)
    assert any(line.startswith("bomc.yaml:1:") and "env:NAME or file:PATH" in line for line in found)
    assert not any("secret" in line.replace("a secret must", "") for line in found)
