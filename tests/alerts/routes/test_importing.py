"""An alertmanager.yml becomes a routes.yaml that sends alerts where it sent them, and what is left out is said."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from alerts.config import RoutesFile
from alerts.routes.faults import faults
from alerts.routes.importing import ImportFileError, import_alertmanager
from alerts.routes.routing import route
from core.yaml_file import parse_yaml
from tests.servers.process import program

CANARY = "s3cret-canary"
FILE = """\
global:
  resolve_timeout: 5m
  smtp_smarthost: mail.example.org:587
  smtp_from: alertmanager@example.org
  smtp_auth_username: alertmanager
  smtp_auth_password: "s3cret-canary"
  slack_api_url: https://hooks.slack.example.org/s3cret-canary
templates:
  - /etc/alertmanager/*.tmpl
route:
  receiver: team-X-mails
  group_by: [alertname, cluster]
  group_wait: 30s
  routes:
    - match:
        owner: team-Y
      match_re:
        service: ^(foo1|foo2|baz)$
      receiver: team-Y
      continue: true
      routes:
        - matchers: [severity="critical", env!~"dev|test"]
          receiver: pager
          mute_time_intervals: [nights, local]
    - matchers:
        - 'x=~"(?U)a+?"'
      receiver: team-Y
    - matchers: ["{job=db,team=\\"b\\"}"]
      active_time_intervals: [nights]
      group_by: ['...']
      repeat_interval: 12h
receivers:
  - name: team-X-mails
    email_configs:
      - to: team-X@example.org
        headers: {Subject: hello}
        send_resolved: true
  - name: team-Y
    slack_configs:
      - channel: '#y'
  - name: pager
    webhook_configs:
      - url: http://127.0.0.1:9/hook
        max_alerts: 10
        send_resolved: false
        http_config: {follow_redirects: false}
      - url: http://user:s3cret-canary@127.0.0.1/hook
    pagerduty_configs:
      - service_key: s3cret-canary
mute_time_intervals:
  - name: nights
    time_intervals:
      - times: [{start_time: 22:00, end_time: 24:00}, {start_time: 00:00, end_time: 06:00}]
        weekdays: ['monday:friday']
        location: Asia/Shanghai
time_intervals:
  - name: local
    time_intervals: [{location: Local}]
inhibit_rules:
  - source_match: {severity: critical}
    target_match_re: {severity: warning|info}
    equal: [alertname]
  - target_matchers: [a=b]
"""

LEFT_OUT = {
    7: "slack_api_url was left out",
    8: "templates were left out: messages here have a form of their own",
    24: "the time interval 'local' is not there or was left out",
    35: "put it into the environment variable SMTP_PASSWORD_TEAM_X_MAILS",
    36: "headers of email_configs is not known here",
    38: "receiver team-Y has no channel left: its alerts show in the console only",
    39: "the channel slack is not known here",
    46: "http_config of webhook_configs is not known here",
    47: "it carries a user or password",
    48: "the channel pagerduty is not known here",
    57: "the time interval 'local' was left out",
    63: "this rule has no matchers on one side",
}


def _imported() -> RoutesFile:
    """The outcome, read as `bomc config check` reads it."""
    document = parse_yaml(import_alertmanager(FILE, "alertmanager.yml").text, "routes.yaml")
    found = document.validate(RoutesFile)
    assert document.faults == []
    assert found is not None
    return found


def test_each_thing_that_is_left_out_is_named_with_its_line() -> None:
    """And nothing else is, but the time-out of pushed alerts where this version has no such setting."""
    noted = {one.line: one.sentence for one in import_alertmanager(FILE, "alertmanager.yml").notes}
    noted.pop(2, None)
    assert {line: LEFT_OUT[line] in sentence for line, sentence in noted.items()} == dict.fromkeys(LEFT_OUT, True)


def test_no_secret_is_copied_nor_said() -> None:
    """Passwords, tokens and addresses that carry them stay in the old file."""
    found = import_alertmanager(FILE, "alertmanager.yml")
    assert CANARY in FILE
    assert CANARY not in found.text
    assert all(CANARY not in str(note) for note in found.notes)


def test_the_outcome_is_a_routes_file_without_fault() -> None:
    """Old matchers in today's notation, global mail settings in each mail channel, times that YAML reads as texts."""
    file = _imported()
    assert faults(file) == []
    first, ungreedy, second = file.route.routes
    assert ungreedy.matchers == ['x=~"(?U)a+?"']
    assert first.matchers == ['owner="team-Y"', 'service=~"^(foo1|foo2|baz)$"']
    assert (first.goes_on, first.routes[0].mute_time_intervals) == (True, ["nights"])
    assert (second.matchers, second.active_time_intervals) == (['job="db"', 'team="b"'], ["nights"])
    (mail,) = file.by_name["team-X-mails"].email_configs
    assert (mail.smarthost, mail.sender, mail.auth_password) == (
        "mail.example.org:587",
        "alertmanager@example.org",
        "env:SMTP_PASSWORD_TEAM_X_MAILS",
    )
    assert [hook.max_alerts for hook in file.by_name["pager"].webhook_configs] == [10]
    assert file.time_intervals[0].time_intervals[0].times[0].start_time == "22:00"
    assert file.inhibit_rules[0].source_matchers == ['severity="critical"']
    assert file.inhibit_rules[0].target_matchers == ['severity=~"warning|info"']


def test_a_route_whose_expression_cannot_be_used_is_left_out_whole() -> None:
    """Without it the route would take more than was meant."""
    text = "route:\n  receiver: a\n  routes:\n    - matchers: ['x=~\"(?=a)b\"', y=z]\nreceivers: [{name: a}]\n"
    found = import_alertmanager(text, "alertmanager.yml")
    assert "(?=a)" not in found.text
    assert ["it would match more than was meant: the regular expression" in one.sentence for one in found.notes][
        :1
    ] == [True]


LABELS = (
    {"owner": "team-Y", "service": "foo1"},
    {"owner": "team-Y", "service": "foo1", "severity": "critical"},
    {"owner": "team-Y", "service": "foo1", "severity": "critical", "env": "dev"},
    {"owner": "team-Y", "service": "foo12"},
    {"job": "db", "team": "b"},
    {"job": "db"},
    {"x": "aa"},
    {"x": "b"},
    {},
)


def test_alerts_go_where_amtool_says_that_they_went(tmp_path: Path) -> None:
    """The old file in the real amtool, the new one here: the same receivers."""
    amtool = program(["amtool"], "prometheus-alertmanager")
    path = tmp_path / "alertmanager.yml"
    path.write_text(FILE)
    assert subprocess.run([amtool, "check-config", str(path)], capture_output=True).returncode == 0
    tree = _imported().tree
    for labels in LABELS:
        pairs = [f"{name}={value}" for name, value in labels.items()]
        command = [amtool, "config", "routes", "test", f"--config.file={path}", *pairs]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert [one.receiver for one in route(tree, labels)] == said.strip().split(","), labels


BAD = {
    "no YAML": ("route: [", "is not YAML"),
    "no route": ("receivers: []", "has no `route`"),
    "a list": ("- a", "has no `route`"),
    "nothing": ("", "has no `route`"),
    "a bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
        "more than 100000 values",
    ),
}


@pytest.mark.parametrize(("text", "part"), BAD.values(), ids=BAD.keys())
def test_what_is_no_configuration_is_refused(text: str, part: str) -> None:
    """With a sentence, and nothing is taken."""
    with pytest.raises(ImportFileError, match=re.escape(part)):
        import_alertmanager(text, "x.yml")


ODD = {
    "routes that are none": {"route": {"receiver": "a", "routes": ["x", {"match": "y"}]}, "receivers": [{"name": "a"}]},
    "receivers without name": {"route": {"receiver": "a"}, "receivers": [{}, "x"]},
    "no receivers": {"route": {"receiver": "a"}},
    "channels that are none": {"route": {"receiver": "a"}, "receivers": [{"name": "a", "webhook_configs": ["x", {}]}]},
    "intervals that are none": {"route": {"receiver": "a"}, "receivers": [{"name": "a"}], "time_intervals": ["x", {}]},
    "rules that are none": {"route": {"receiver": "a"}, "receivers": [{"name": "a"}], "inhibit_rules": ["x", {}]},
    "a global that is none": {"global": "x", "route": {"receiver": "a"}, "receivers": [{"name": "a"}]},
    "a receiver that is not there": {"route": {"receiver": "b"}, "receivers": [{"name": "a"}]},
}


@pytest.mark.parametrize("file", ODD.values(), ids=ODD.keys())
def test_parts_that_are_none_are_named(file: dict[str, object]) -> None:
    """Whatever stands where a part is expected, it is said and nothing crashes."""
    found = import_alertmanager(yaml.safe_dump(file), "x.yml")
    assert found.notes
    assert found.text.endswith("\n")


def test_the_time_after_which_a_silent_senders_alert_is_resolved_is_taken() -> None:
    """`resolve_timeout` is the one setting of `global` that means the same here."""
    text = "global: {resolve_timeout: 7m}\nroute: {receiver: a}\nreceivers: [{name: a}]\n"
    found = import_alertmanager(text, "alertmanager.yml")
    assert found.notes == ()
    assert RoutesFile.model_validate(yaml.safe_load(found.text)).general.resolve_timeout == timedelta(minutes=7)
