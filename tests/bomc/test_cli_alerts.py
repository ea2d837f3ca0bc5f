"""`bomc alerts` in the hands of an administrator: where alerts go, why somebody was not told, silences, old files."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts import pipeline
from bomc.configuration.estate import load_estate
from core.store.open import open_store, writing
from core.store.tables import audit
from tests.alerts.world import finding, with_series
from tests.bomc.estates import bomc, cli, write

ROUTES = """
route:
  receiver: desk
  group_by: [alertname]
  group_wait: 30s
  routes:
    - matchers: [severity=critical]
      receiver: pager
      group_wait: 0s
      continue: true
      mute_time_intervals: [nights]
      ticket: {kind: fault}
    - matchers: [team=storage]
      receiver: mail
receivers:
  - name: desk
  - name: pager
    webhook_configs: [{url: "http://127.0.0.1:9/hook"}]
  - name: mail
    webhook_configs: [{url: "http://127.0.0.1:9/hook"}]
time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]
        location: Asia/Shanghai
inhibit_rules:
  - name: hosts
    source_matchers: [alertname=host-down]
    target_matchers: [alertname=disk-full]
    equal: [target]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with these routes and a store."""
    made = write(tmp_path / "home", routes=ROUTES)
    assert cli(made, "db", "upgrade")[0] == 0
    return made


def test_where_an_alert_would_go_and_why(home: Path) -> None:
    """Receivers in the order of the file, with groups, timers, ticket and what mutes each at that instant."""
    labels = ("severity=critical", 'team="storage"', "alertname=disk full")
    day = cli(home, "alerts", "route", *labels, "--at", "2026-11-02T12:00")
    assert day[0] == 0
    assert re.search(r'receiver: +pager \(webhook\)\nwhy: +route \{\}/\{severity="critical"\} matches\n', day[1])
    assert re.search(r"told after: +0s for company, then every 5m; unchanged after 4h\nticket: +fault", day[1])
    assert re.search(
        r'receiver: +mail \(webhook\)\n.*\ngroup: +mail:\{\}/\{team="storage"\}:\{alertname="disk full"\}', day[1]
    )
    assert day[1].count("muted:      no") == 2
    night = cli(home, "alerts", "route", *labels, "--at", "2026-11-02T23:30")
    assert "muted:      the route is mute during the interval nights" in night[1]
    assert night[1].count("muted:      no") == 1
    status, said = cli(home, "alerts", "route", "severity=warning", "--json")
    (only,) = json.loads(said)
    assert (status, only["receiver"], only["channels"], only["group_wait_s"]) == (0, "desk", [], 30)


def test_without_a_store_routes_and_hours_are_still_told(tmp_path: Path) -> None:
    """And what could not be asked for is said."""
    home = write(tmp_path / "home", routes=ROUTES)
    status, said = cli(home, "alerts", "route", "severity=critical", "--at", "2026-11-02T23:30:00+08:00")
    assert status == 0
    assert "mute during the interval nights" in said
    assert "There is no store" in said


def test_silences_are_made_listed_and_ended(home: Path) -> None:
    """By whoever sits at the terminal, with a row in the trail for each; and they mute where an alert would go."""
    status, id = cli(home, "alerts", "silence", "add", "team=storage", "-c", "new disks", "-d", "2h")
    assert status == 0
    said = cli(home, "alerts", "silence", "list")[1]
    assert re.search(rf'^{id.strip()}  active  .*terminal:.*\n    team="storage": new disks$', said, re.MULTILINE)
    assert "silenced by terminal:" in cli(home, "alerts", "route", "team=storage")[1]
    assert cli(home, "alerts", "silence", "expire", id.strip())[0] == 0
    assert id.strip() not in cli(home, "alerts", "silence", "list")[1]
    assert id.strip() in cli(home, "alerts", "silence", "list", "--expired")[1]
    store = open_store(f"sqlite:///{home / 'bomc.db'}")
    with store.connect() as connection:
        assert list(connection.scalars(select(audit.c.action).order_by(audit.c.id))) == [
            "create silence",
            "expire silence",
        ]
    store.dispose()


REFUSED = {
    "no label": (("route", "critical"), "is no label; write LABEL=VALUE"),
    "a matcher": (("route", 'a=~"b"'), "is no label; write LABEL=VALUE"),
    "no instant": (("route", "a=b", "--at", "tonight"), "--at: 'tonight' is no instant"),
    "a year before all calendars": (("route", "a=b", "--at", "0001-01-01"), "'0001-01-01' is in no year"),
    "everything": (("silence", "add", 'alertname=~".+"', "-c", "quiet"), "would mute every alert there can be"),
    "no matcher": (("silence", "add", "disk", "-c", "quiet"), "is expected after 'disk'"),
    "no length": (("silence", "add", "a=b", "-c", "quiet", "-d", "long"), "--duration"),
    "the past": (("silence", "add", "a=b", "-c", "quiet", "--end", "2020-01-01T00:00"), "must end after it starts"),
    "unknown silence": (("silence", "expire", "none"), "There is no silence none"),
    "unknown alert": (("explain", "0123456789abcdef"), "There is no alert 0123456789abcdef"),
    "no such file": (("import", "/nowhere/alertmanager.yml"), "cannot be read: No such file"),
}


def test_what_is_refused_is_said(home: Path) -> None:
    """Exit status 2 and a sentence for each."""
    for name, (arguments, part) in REFUSED.items():
        status, said = cli(home, "alerts", *arguments)
        assert (status, part in said) == (2, True), (name, said)


def test_why_somebody_was_not_told_is_replayed(home: Path) -> None:
    """From the store alone: what was kept quiet by what, who was told, and how it stands now."""
    store = open_store(f"sqlite:///{home / 'bomc.db'}")
    with_series(store)
    estate = load_estate(home / "config")
    now = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
    down = finding("warning", check="host-down", reason="no answer", at=now)
    with writing(store) as connection:
        pipeline.handle(connection, [finding("warning", at=now), down], estate.routes, now)
        pipeline.tick(connection, estate.routes, now + timedelta(seconds=30))
    store.dispose()
    status, said = cli(home, "alerts", "explain", "1")
    assert status == 0
    assert re.search(r"alert 1, [0-9a-f]{16}: firing, warning", said)
    assert "2026-11-02 12:00:00  opened: warning: 0.97, above the critical limit 0.9" in said
    assert "12:00:30  kept quiet: receiver mail: inhibited by alert 2 (host-down, host-1), which is open" in said
    assert "now: mail was not told so far; inhibited by alert 2" in said
    fingerprint = re.search(r"alert 1, (\w+)", said).group(1)  # type: ignore[union-attr]
    assert cli(home, "alerts", "explain", fingerprint) == (0, said)
    status, said = cli(home, "alerts", "explain", "2")
    assert (
        "now: mail was not reached so far; a message by webhook waits in the outbox; its group is looked at next at"
        in said
    )


def test_an_old_file_becomes_a_configuration(tmp_path: Path) -> None:
    """In a real process: routes.yaml on standard output, what was left out on standard error; `--out` never overwrites."""
    old = tmp_path / "alertmanager.yml"
    old.write_text("route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs: [{channel: x}]\n")
    done = bomc(tmp_path, "alerts", "import", str(old))
    assert done.returncode == 0
    assert "alertmanager.yml:4: receiver a: the channel slack is not known here; left out" in done.stderr
    home = write(tmp_path / "home", routes=done.stdout)
    assert "is sound" in cli(home, "config", "check")[1]
    target = tmp_path / "routes.yaml"
    assert cli(home, "alerts", "import", str(old), "--out", str(target))[0] == 0
    assert target.read_text() == done.stdout
    status, said = cli(home, "alerts", "import", str(old), "--out", str(target))
    assert (status, "is there already; nothing was written" in said) == (2, True)
    write(home, routes="route: {receiver: a}\nreceivers:\n  - name: a\n  - name: b\n")
    assert (
        "note: routes.yaml:4: no route, fall-back or escalation goes to the receiver 'b'"
        in cli(home, "config", "check")[1]
    )


def test_an_alert_is_taken_and_put_aside_from_the_terminal(home: Path) -> None:
    """For a time or for good; and what cannot be is said."""
    store = open_store(f"sqlite:///{home / 'bomc.db'}")
    with_series(store)
    now = datetime.now(UTC)
    with writing(store) as connection:
        pipeline.handle(connection, [finding("warning", at=now)], load_estate(home / "config").routes, now)
    store.dispose()
    assert "Alert 1 is with terminal:" in cli(home, "alerts", "acknowledge", "1", "-c", "looking", "--for", "2h")[1]
    assert cli(home, "alerts", "shelve", "1", "-c", "spare part", "--for", "1d") == (0, "Alert 1 is shelved for 1d.\n")
    said = cli(home, "alerts", "explain", "1")[1]
    assert re.search(r"now: mail was not told so far; shelved by terminal:\S+ until \d{4}-\S+ \S+ UTC\+08:00", said), (
        said
    )
    assert cli(home, "alerts", "unshelve", "1") == (0, "Alert 1 is back.\n")
    for arguments, part in (
        (("unshelve", "1"), "is not shelved"),
        (("shelve", "1", "-c", "x", "--for", "8d"), "at most 7 days"),
        (("shelve", "1", "-c", "x", "--for", "long"), "--for: 'long' is not a length of time"),
        (("acknowledge", "7"), "There is no alert 7"),
    ):
        status, said = cli(home, "alerts", *arguments)
        assert (status, part in said) == (2, True), (arguments, said)
