"""The command line in real processes: from nothing to a console's store, and a sentence for everything in the way."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bomc import __version__
from bomc.cli import app
from core.store.open import open_store, upgrade, writing
from core.store.tables import sample, series
from tests.bomc.estates import bomc, cli, process, rows, source, watching, write
from tests.servers.process import free_port

PASSWORD = "correct horse battery staple"  # a made-up one, for accounts of these tests
STATUS_KEYS = {
    "targets",
    "series",
    "samples_last_minute",
    "open_alerts",
    "open_tickets",
    "reconciliation_runs",
    "last_sample_age_s",
    "queue_depth",
    "skipped_probes",
}


def test_from_nothing_to_accounts_and_figures(tmp_path: Path) -> None:
    """The first minutes of a newcomer, command by command, in processes of their own."""
    home = tmp_path / "my home [1]"
    steps = [
        (("init", str(home)), "", "wrote "),
        (("config", "check"), "", "is sound: "),
        (("db", "upgrade"), "", "has schema "),
        (("user", "add", "Alice", "--role", "admin"), f"{PASSWORD}\n", "Alice can log in as admin."),
    ]
    for arguments, given, words in steps:
        done = bomc(home, *arguments, given=given)
        assert done.returncode == 0, (arguments, done.stderr)
        assert words in done.stdout
        assert done.stderr == ""
    assert "[1]" in bomc(home, "config", "check").stdout  # a path is shown as it is
    done = bomc(home, "status", "--json")
    figures = json.loads(done.stdout)
    assert set(figures) >= STATUS_KEYS
    assert (figures["open_alerts"], figures["running"], figures["last_sample_age_s"]) == (0, False, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with templates and a store."""
    made = tmp_path / "home"
    assert cli(made, "init", str(made))[0] == 0
    assert cli(made, "db", "upgrade")[0] == 0
    return made


def test_accounts_are_added_listed_and_disabled(home: Path) -> None:
    """With a sentence for each thing that will not do; the password is never shown."""
    assert cli(home, "user", "add", "bob", "--role", "viewer", "--language", "en", given=f"{PASSWORD}\n")[0] == 0
    status, said = cli(home, "user", "list")
    assert status == 0
    assert re.search(r"bob\s.*viewer.*en.*active", said)
    for arguments, given, words in (
        (("user", "add", "bob", "--role", "viewer"), PASSWORD, "already an account"),
        (("user", "add", "eve", "--role", "king"), PASSWORD, "king"),
        (("user", "add", "e ve", "--role", "viewer"), PASSWORD, "cannot be an account's name"),
        (("user", "add", "eve", "--role", "viewer"), "short", "password"),
        (("user", "disable", "nobody"), "", "nobody"),
    ):
        status, said = cli(home, *arguments, given=f"{given}\n")
        assert status == 2, said
        assert words in said.lower() if words.islower() else words in said
        assert PASSWORD not in said
    assert cli(home, "user", "disable", "bob") == (0, "bob can no longer log in.\n")
    assert re.search(r"bob\s.*disabled", cli(home, "user", "list")[1])
    assert cli(home, "user", "disable", "bob")[0] == 2


def test_tokens_are_shown_once_and_can_be_revoked(home: Path) -> None:
    """The secret is printed by `create` alone; one that has expired already is refused."""
    status, secret = cli(home, "token", "create", "exporter", "--role", "viewer", "--expires-in", "90d")
    assert status == 0
    assert len(secret.strip()) >= 32
    status, said = cli(home, "token", "list")
    assert "exporter" in said
    assert secret.strip() not in said
    assert cli(home, "token", "create", "a", "--role", "viewer", "--expires-in", "soon")[0] == 2
    status, said = cli(home, "token", "create", "a", "--role", "viewer", "--expires-in", "0s")
    assert status == 2
    assert "expired already" in said
    assert cli(home, "token", "revoke", "exporter")[0] == 0
    assert "revoked" in cli(home, "token", "list")[1]


def test_every_command_says_what_is_wrong_with_the_configuration_and_does_nothing(home: Path) -> None:
    """All faults with their lines, and no command goes on."""
    write(home, targets="targets:\n  - name: a\n    kind: spaceship\n  - name: b\n    kind: host\n    runs_on: [c]\n")
    for arguments in (("config", "check"), ("up",), ("run",), ("serve",), ("status",), ("db", "upgrade")):
        status, said = cli(home, *arguments)
        assert status == 2
        assert "targets.yaml:3: " in said
        assert "targets.yaml:6: b: there is no target 'c'" in said
        assert "has 2 faults; nothing was started" in said


def test_init_never_overwrites(home: Path, tmp_path: Path) -> None:
    """A folder that holds a configuration is left alone; a file in the way is a sentence."""
    before = {path: path.read_bytes() for path in (home / "config").iterdir()}
    status, said = cli(home, "init", str(home))
    assert status == 2
    assert "already holds files" in said
    assert {path: path.read_bytes() for path in (home / "config").iterdir()} == before
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "config").write_text("x")
    status, said = cli(home, "init", str(tmp_path / "odd"))
    assert status == 2
    assert "Traceback" not in said


def test_without_a_store_people_are_told_what_makes_one(tmp_path: Path) -> None:
    """And none is made by asking."""
    assert cli(tmp_path, "init", str(tmp_path))[0] == 0
    status, said = cli(tmp_path, "status")
    assert status == 2
    assert "`bomc up` or `bomc db upgrade` makes one" in said
    assert not (tmp_path / "bomc.db").exists()


@pytest.mark.parametrize(("revision", "words"), [("9999", "made by a newer one"), ("", "not of bomc")])
def test_a_schema_that_is_not_ours_is_left_alone_by_every_command(tmp_path: Path, revision: str, words: str) -> None:
    """Newer or somebody else's: a sentence, and the file is byte for byte the same."""
    write(tmp_path, bomc="console: {port: %d}\n" % free_port())  # noqa: UP031
    engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
    if revision:
        upgrade(engine)
    with writing(engine) as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = '9999'" if revision else "CREATE TABLE theirs (id INTEGER)")
        )
    engine.dispose()
    before = (tmp_path / "bomc.db").read_bytes()
    for arguments in (("up",), ("run",), ("serve",), ("status",), ("db", "upgrade"), ("user", "list")):
        status, said = cli(tmp_path, *arguments)
        assert status == 2, arguments
        assert words in said
    assert (tmp_path / "bomc.db").read_bytes() == before


def test_a_taken_port_and_a_port_that_is_none_are_sentences(home: Path) -> None:
    """`bomc up` ends before it touches anything."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = bomc(home, "up", port=other.getsockname()[1])
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    for command in ("up", "serve", "run"):
        environment = {"BOMC_HOME": str(home), "BOMC_PORT": "99999", "COLUMNS": "300"}
        done_here = CliRunner().invoke(app, [command], env=environment, catch_exceptions=False)
        assert done_here.exit_code == 2
        assert "must be a port from 1 to 65535" in done_here.output


def test_collect_shows_what_a_probe_brings_and_stores_nothing(tmp_path: Path) -> None:
    """Samples with their units; a failure is an exit status of 1 and its sentence; brackets in labels are no markup."""
    with source() as shop:
        home = watching(tmp_path, shop.port, "http://127.0.0.1:9/")
        assert cli(home, "db", "upgrade")[0] == 0
        status, said = cli(home, "collect", "shop", "--once")
        assert status == 0, said
        assert "http.status" in said
        assert "200" in said
        shop.down()
        status, said = cli(home, "collect", "shop", "--once")
        assert status == 1
        assert "shop/http: failed after" in said
    for arguments, words in (
        (("collect", "nobody", "--once"), "There is no target 'nobody'"),
        (("collect", "shop"), "say --once"),
        (("collect", "shop", "--once", "--probe", "none"), "no such probe"),
    ):
        status, said = cli(home, *arguments)
        assert status == 2
        assert words in said
    engine = open_store(f"sqlite:///{home / 'bomc.db'}")
    assert rows(engine, sample) == rows(engine, series) == []
    engine.dispose()


def test_labels_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    """An exporter may call a device [/dev/sda]."""
    from tests.servers.pages import Page, start

    with start(
        {"/metrics": Page(b'disk_free{device="[/dev/sda]"} 7\n', headers={"Content-Type": "text/plain"})}
    ) as site:
        probe = f"{{collect: prometheus_exporter, with: {{url: '{site.url}/metrics'}}}}"
        write(tmp_path, targets=f"targets:\n  - {{name: n, kind: exporter, probes: [{probe}]}}\n")
        status, said = cli(tmp_path, "collect", "n", "--once")
    assert status == 0
    assert "device=[/dev/sda]" in said


def test_version_and_help() -> None:
    """Without a home, without a configuration."""
    assert cli(Path("/nowhere"), "--version") == (0, f"bomc {__version__}\n")
    status, said = cli(Path("/nowhere"), "--help")
    assert status == 0
    for command in ("init", "config", "db", "up", "serve", "run", "demo", "user", "token", "status", "collect"):
        assert f" {command} " in said


def test_the_schema_for_editors_is_json(tmp_path: Path) -> None:
    """One for each file, each collector and each judgement."""
    found = json.loads(cli(tmp_path, "config", "schema")[1])
    files = (
        "bomc",
        "targets",
        "checks",
        "maintenance",
        "routes",
        "heartbeats",
        "oncall",
        "tickets",
        "duty",
        "job_plans",
    )
    assert {f"{name}.yaml" for name in files} | {
        "collectors",
        "checks",
        "controls/NAME.yaml, kind: match",
        "controls/NAME.yaml, kind: equation",
    } == set(found)
    assert set(found["checks"]) == {"limit", "rate", "absence"}


def test_a_second_bomc_up_on_the_same_home_is_told_of_the_first(tmp_path: Path) -> None:
    """A sentence with the first one's process, exit status 2, and the first goes on undisturbed."""
    with source() as shop:
        home = watching(tmp_path, shop.port, "http://127.0.0.1:9/")
        port = free_port()
        with process(home, "up", port) as number:
            holder = int((home / "bomc.lock").read_text())
            second = bomc(home, "up", port=free_port())
            assert second.returncode == 2
            assert f"Another bomc (process {holder}) is at work in {home}" in second.stderr
            assert bomc(home, "run").returncode == 2
            os.kill(number, 0)
    assert stat.S_ISREG((home / "bomc.lock").stat().st_mode)
