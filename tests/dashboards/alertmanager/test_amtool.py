"""A real amtool against the console: with a password and with a token, every command that people use."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from core.store.open import reading
from core.store.tables import alert_event, audit
from tests.dashboards.alertmanager.conftest import Site
from tests.servers.process import Missing, program


class Amtool:
    """The program with its way in."""

    def __init__(self, *options: str) -> None:
        try:
            self.path = program(["amtool"], "prometheus-alertmanager")
        except Missing as missing:
            pytest.skip(str(missing))
        self.options = options

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [self.path, *arguments, *self.options]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def query(self, *matchers: str, options: Sequence[str] = ()) -> list[str]:
        """Names of the alerts that a query shows."""
        shown = json.loads(self("alert", "query", *options, "-o", "json", *matchers))
        return sorted(one["labels"]["alertname"] for one in shown)


@pytest.fixture(params=["password", "token"])
def amtool(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Amtool:
    """In as an operator, by password in the URL or by a token in its configuration of HTTP."""
    if request.param == "password":
        return Amtool(f"--alertmanager.url={site.with_password('operator')}")
    held = tmp_path / "http.yml"
    held.write_text(f"authorization: {{type: Bearer, credentials: {site.secrets['operator']}}}\n")
    return Amtool(f"--alertmanager.url={site.url}", f"--http.config.file={held}")


def test_a_day_with_amtool(site: Site, amtool: Amtool, tmp_path: Path) -> None:
    """Alerts added and queried, silences added, queried, updated, imported and expired, routes shown and tested."""
    amtool("alert", "add", "DiskFull", "severity=critical", "instance=db-1", "--annotation=summary=The disk is full")
    amtool("alert", "add", "alertname=Slow", "team=db", "severity=page")
    assert amtool.query() == ["DiskFull", "Slow"]
    assert amtool.query("DiskFull") == ["DiskFull"]
    assert amtool.query("team=db") == ["Slow"]
    assert amtool.query("severity=~crit.*") == ["DiskFull"]
    assert amtool.query("team!=db") == ["DiskFull"]
    assert amtool.query(options=["--receiver=db"]) == ["Slow"]
    assert "The disk is full" in amtool("alert", "query", "-o", "extended")

    made = amtool("silence", "add", "instance=db-1", "--comment=cleaning", "--duration=1h", "--author=li.wei").strip()
    assert amtool.query() == ["Slow"]
    assert amtool.query(options=["--silenced"]) == ["DiskFull"]
    listed = json.loads(amtool("silence", "query", "-o", "json"))
    assert [(one["id"], one["createdBy"], one["status"]["state"]) for one in listed] == [(made, "li.wei", "active")]
    assert amtool("silence", "query", "-q", "instance=db-1").split() == [made]
    assert amtool("silence", "query", "-q", "instance=db-2").split() == []
    assert made in amtool("silence", "update", "--duration=3h", "--comment=longer", made)
    exported = tmp_path / "silences.json"
    exported.write_text(amtool("silence", "query", "-o", "json"))

    amtool("silence", "expire", made)
    assert amtool.query() == ["DiskFull", "Slow"]
    assert amtool("silence", "query", "-q").split() == []
    amtool("silence", "import", str(exported))
    assert amtool.query() == ["Slow"]
    amtool("silence", "expire", *amtool("silence", "query", "-q").split())

    assert amtool("config", "routes", "test", "severity=critical").split() == ["pager"]
    assert amtool("config", "routes", "test", "team=db", "severity=page").split() == ["db,pager"]
    assert amtool("config", "routes", "test", "--verify.receivers=duty", "x=y").split() == ["duty"]
    assert "receiver: duty" in amtool("config", "routes", "show")
    original = tmp_path / "alertmanager.yml"
    original.write_text(amtool("config", "show"))
    assert "SUCCESS" in amtool("check-config", str(original))
    assert "secret-hook" not in original.read_text()
    assert "disabled" in amtool("cluster", "show")

    with reading(site.console.engine) as connection:
        opened = connection.scalars(select(alert_event.c.who).where(alert_event.c.kind == "opened")).all()
        actions = connection.execute(
            select(audit.c.action, audit.c.who).where(audit.c.action.contains("silence"))
        ).all()
    who = set(opened)
    assert who in ({"operator"}, {"token:m-operator"})
    assert {name for _, name in actions} == who
    assert {action for action, _ in actions} == {"create silence", "change silence", "expire silence"}


def test_what_is_refused_is_said_to_whoever_typed_it(site: Site, amtool: Amtool) -> None:
    """amtool fails and prints the sentence."""
    for command, sentence in (
        (("alert", "add", "X", "--start=2026-03-02T12:00:00Z", "--end=2026-03-02T11:00:00Z"), "is before the start"),
        (("silence", "add", "alertname=~.*", "--comment=all"), "must not match an empty label"),
        (("silence", "add", "alertname=~.+", "--comment=all"), "would mute every alert"),
        (("silence", "expire", "00000000-0000-0000-0000-000000000000"), "404"),
    ):
        done = amtool.run(*command)
        assert done.returncode != 0, command
        assert sentence in done.stdout + done.stderr, (command, done.stdout, done.stderr)


def test_a_stranger_and_a_viewer_change_nothing(site: Site) -> None:
    """A stranger does not even get the status; a viewer looks and may not act."""
    for way in (site.url, site.with_password("operator", "a wrong password 1"), site.with_password("nobody")):
        for command in (("alert", "query"), ("alert", "add", "X"), ("silence", "query")):
            done = Amtool(f"--alertmanager.url={way}").run(*command)
            assert done.returncode != 0
            assert "401" in done.stderr, done.stderr
    viewer = Amtool(f"--alertmanager.url={site.with_password('viewer')}")
    assert viewer.query() == []
    for command in (("alert", "add", "X"), ("silence", "add", "a=b", "--comment=c")):
        done = viewer.run(*command)
        assert done.returncode != 0
        assert "403" in done.stderr, done.stderr
    assert site.alerts() == []
