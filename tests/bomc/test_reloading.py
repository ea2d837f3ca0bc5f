"""Another routing while everything runs: sound files hold from then on, others change nothing, and all of it is on record."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from alerts.config import RoutesFile
from bomc import reloading
from bomc.configuration.estate import load_estate
from bomc.reloading import Reloader, ReloadError
from core.store.open import open_store, reading, upgrade
from core.store.tables import audit, pulse
from tests.alerts.receivers import Hook, hook
from tests.bomc.asking import ask
from tests.bomc.estates import cli, process, write
from tests.servers.process import free_port, wait_until

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROUTES = """\
route: {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers:
  - {name: ops, webhook_configs: [{url: "URL"}]}
  - {name: night, webhook_configs: [{url: "URL"}]}
"""
NIGHT = ROUTES.replace("receiver: ops", "receiver: night")
BAD = ROUTES.replace("receiver: ops", "receiver: nobody")


class Process:
    """A process on a store with its own files, as far as a reload is concerned."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.home = write(folder, routes=ROUTES.replace("URL", "http://h/"))
        self.taken: list[RoutesFile] = []
        self.said: list[str] = []
        config = self.home / "config"
        self.reloader = Reloader(engine, config, load_estate(config), lambda: NOON, self.said.append)
        self.reloader.add(self.taken.append)

    def write(self, **files: str) -> None:
        write(self.home, **{name: text.replace("URL", "http://h/") for name, text in files.items()})

    @property
    def receivers(self) -> list[str | None]:
        return [one.route.receiver for one in self.taken]


def trail(engine: Engine) -> list[tuple[str, str, Any]]:
    with reading(engine) as connection:
        return [(row.who, row.action, row.detail) for row in connection.execute(select(audit).order_by(audit.c.id))]


def test_sound_files_hold_and_other_processes_follow(store: Engine, tmp_path: Path) -> None:
    """Each reads its own; what is read at the start only is named, and who asked is in the trail with what was read."""
    here, there = Process(store, tmp_path / "here"), Process(store, tmp_path / "there")
    for one in (here, there):
        one.write(routes=NIGHT)
    here.write(checks="checks: []\n")
    there.reloader.follow()
    assert there.taken == []  # files that lie there change nothing until somebody asks
    assert here.reloader.reload("li.wei") == ["checks.yaml"]
    assert (here.receivers, here.reloader.routes.route.receiver) == (["night"], "night")
    for _ in range(2):
        here.reloader.follow()
        there.reloader.follow()
    assert (here.receivers, there.receivers) == (["night"], ["night"])
    assert there.said == ["routes.yaml, oncall.yaml, maintenance.yaml were read again and hold from now on."]
    [(who, action, detail)] = trail(store)
    assert (who, action, detail["at_next_start"], list(detail["files"])) == (
        "li.wei",
        "reload",
        ["checks.yaml"],
        ["routes.yaml"],
    )


def test_files_with_faults_change_nothing_and_every_fault_is_named(store: Engine, tmp_path: Path) -> None:
    """Of any file, since an estate is sound as a whole; also where another process asked and only the own files are bad."""
    here, there = Process(store, tmp_path / "here"), Process(store, tmp_path / "there")
    here.write(routes=BAD, checks="checks: [")
    with pytest.raises(ReloadError) as refused:
        here.reloader.reload("li.wei")
    sentences = str(refused.value).splitlines()
    assert sentences[0] == "Nothing was reloaded, and what runs goes on as it was:"
    assert any("routes.yaml:1: there is no receiver 'nobody'" in one for one in sentences)
    assert any("checks.yaml:" in one for one in sentences)
    assert (here.taken, here.reloader.routes.route.receiver) == ([], "ops")
    there.reloader.follow()
    assert there.taken == []  # a refused reload is none for others
    here.write(routes=NIGHT, checks="checks: []\n")
    there.write(routes=BAD)
    here.reloader.reload("li.wei")
    with pytest.raises(ReloadError):
        there.reloader.follow()
    there.reloader.follow()  # and it is not tried again until somebody asks
    assert (here.receivers, there.taken) == (["night"], [])
    assert [(who.split(" on ")[0], action) for who, action, _ in trail(store)] == [
        ("li.wei", "reload refused"),
        ("li.wei", "reload"),
        ("bomc", "reload refused"),
    ]


def test_nothing_is_taken_that_is_not_on_record(light: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No audit, no act."""
    here = Process(light, tmp_path)
    here.write(routes=NIGHT)

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(reloading.audit, "record", refuse)
    with pytest.raises(OperationalError):
        here.reloader.reload("li.wei")
    assert here.taken == []
    with reading(light) as connection:
        assert connection.scalar(select(pulse.c.detail).where(pulse.c.name == reloading.NAME)) is None


def told(receiver: Hook, name: str) -> list[str]:
    return [got.body["receiver"] for got in receiver.got if got.body["groupLabels"]["alertname"] == name]


def test_a_running_bomc_takes_the_routing_by_request_and_by_signal(tmp_path: Path) -> None:
    """A real `bomc up`: the next alert goes to the other receiver, so does the one that is open; bad files and those who may
    not are refused."""
    with hook() as receiver:
        home, port = write(tmp_path, routes=ROUTES.replace("URL", receiver.url)), free_port()
        assert cli(home, "db", "upgrade")[0] == 0
        admin, operator = (
            cli(home, "token", "create", role, "--role", role)[1].split()[0] for role in ("admin", "operator")
        )
        with process(home, "up", port) as number:
            assert ask(port, admin, "/api/v2/alerts", [{"labels": {"alertname": "A"}}])[0] == 200
            wait_until(lambda: told(receiver, "A") == ["ops"], "the first receiver is told")
            write(home, routes=NIGHT.replace("URL", receiver.url))
            assert ask(port, operator, "/-/reload")[0] == 403
            assert ask(port, admin, "/-/reload") == (200, '{"status":"reloaded","at_next_start":[]}')
            wait_until(lambda: "night" in told(receiver, "A"), "the open alert goes to the receiver that has it now")
            assert ask(port, admin, "/api/v2/alerts", [{"labels": {"alertname": "B"}}])[0] == 200
            wait_until(lambda: told(receiver, "B") == ["night"], "so does the next")
            write(home, routes=BAD.replace("URL", receiver.url))
            status, said = ask(port, admin, "/-/reload")
            assert (status, "routes.yaml:1: there is no receiver 'nobody'" in said) == (400, True), said
            os.kill(number, signal.SIGHUP)
            log = home / "up.log"
            wait_until(
                lambda: b"Nothing was reloaded, and what runs goes on" in log.read_bytes(), "the signal is heard"
            )
            assert ask(port, admin, "/api/v2/alerts", [{"labels": {"alertname": "C"}}])[0] == 200
            wait_until(lambda: told(receiver, "C") == ["night"], "what ran goes on")
            write(home, routes=ROUTES.replace("URL", receiver.url))
            os.kill(number, signal.SIGHUP)
            wait_until(lambda: b"were read again and hold from now on" in log.read_bytes(), "sound files are taken")
            assert ask(port, admin, "/api/v2/alerts", [{"labels": {"alertname": "D"}}])[0] == 200
            wait_until(lambda: told(receiver, "D") == ["ops"], "and hold")


def test_console_and_pipeline_apart_follow_one_command(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`bomc config reload` on one of the homes; the console that takes the push and the pipeline that tells of it agree."""
    url = request.getfixturevalue("postgresql").fresh_database()
    engine = open_store(url)
    upgrade(engine)
    with hook() as receiver:
        homes = [
            write(tmp_path / name, bomc=f'store: {{url: "{url}"}}\n', routes=ROUTES.replace("URL", receiver.url))
            for name in ("console", "pipeline")
        ]
        secret = cli(homes[0], "token", "create", "prometheus", "--role", "operator")[1].split()[0]
        port = free_port()
        logs = homes[0] / "serve.log", homes[1] / "run.log"
        with (
            process(homes[0], "serve", port),
            process(homes[1], "run", port, lambda: b"The pipeline runs" in logs[1].read_bytes()),
        ):
            for home in homes:
                write(home, routes=NIGHT.replace("URL", receiver.url))
            status, said = cli(homes[1], "config", "reload")
            assert (status, "Asked for" in said) == (0, True), said
            for log in logs:
                wait_until(lambda log=log: b"hold from now on" in log.read_bytes(), "both follow")  # type: ignore[misc]
            assert ask(port, secret, "/api/v2/alerts", [{"labels": {"alertname": "B"}}])[0] == 200
            wait_until(lambda: told(receiver, "B") == ["night"], "the other receiver is told")
            write(homes[1], routes=BAD.replace("URL", receiver.url))
            status, said = cli(homes[1], "config", "reload")
            assert (status, "there is no receiver 'nobody'" in said) == (2, True)
    engine.dispose()
