"""routes.yaml is read strictly, and what is wrong with it is said at its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from alerts import config
from alerts.config import RoutesFile, default_routes
from alerts.muting import intervals
from alerts.routes.faults import faults, notes
from alerts.routes.matchers import parse_all
from alerts.routes.reachability import contradiction, implied
from alerts.tickets.kinds import KINDS

GOOD = """
route:
  receiver: duty
  group_by: [alertname, target]
  group_wait: 0s
  group_interval: 1m
  repeat_interval: 1h30m
  routes:
    - matchers: ['severity="critical"', team=~"db|web"]
      receiver: pager
      continue: true
      ticket: {kind: fault, priority: high, within: 2h}
    - matchers: [team=db]
      ticket: null
receivers:
  - name: duty
    email_configs:
      - to: duty@example.org, second@example.org
        from: bomc@example.org
        smarthost: mail.example.org:587
        auth_username: bomc
        auth_password: file:mail-password
  - name: pager
    webhook_configs:
      - url: https://pager.example.org/hook
        headers: {Authorization: env:PAGER_TOKEN}
        max_alerts: 50
"""

FAULTS: dict[str, tuple[dict[str, Any], list[tuple[tuple[str | int, ...], str]]]] = {
    "unknown receiver": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"], "receiver": "opps"}]}},
        [(("route", "routes", 0, "receiver"), "there is no receiver 'opps'; the receivers are ops")],
    ),
    "top route without receiver": ({"route": {}}, [(("route", "receiver"), "no receiver")]),
    "top route with matchers": (
        {"route": {"receiver": "ops", "matchers": ["a=1"]}},
        [(("route", "matchers"), "takes every alert")],
    ),
    "top route that continues": (
        {"route": {"receiver": "ops", "continue": True}},
        [(("route", "continue"), "means nothing there")],
    ),
    "bad matcher": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1", "b"]}]}},
        [(("route", "routes", 0, "matchers", 1), "one of = != =~ !~ is expected")],
    ),
    "bad regular expression": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a=~"("']}]}},
        [(("route", "routes", 0, "matchers", 0), "cannot be used")],
    ),
    "duplicate receiver": (
        {"route": {"receiver": "ops"}, "receivers": [{"name": "ops"}, {"name": "ops"}]},
        [(("receivers", 1, "name"), "there already, as number 1")],
    ),
    "route hidden by the same matchers": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"]}, {"matchers": ['a="1"']}]}},
        [(("route", "routes", 1), "route 1 before it takes all of them")],
    ),
    "route hidden by fewer matchers": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"]}, {"matchers": ["b=2", "a=1"]}]}},
        [(("route", "routes", 1), "route 1 before it")],
    ),
    "not hidden when the earlier one continues": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"], "continue": True}, {"matchers": ["a=1"]}]}},
        [],
    ),
    "not hidden by more matchers": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1", "b=2"]}, {"matchers": ["a=1"]}]}},
        [],
    ),
    "a value that contradicts the route above": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"], "routes": [{"matchers": ["a=2", "b=1"]}]}]}},
        [(("route", "routes", 0, "routes", 0), 'a route above it asks for a="1", and no such alert has a="2"')],
    ),
    "a contradiction in itself": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1", 'a!~"1|2"']}]}},
        [(("route", "routes", 0), 'it asks for a="1", and no such alert has a!~"1|2"')],
    ),
    "an expression and its opposite": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a=~"d.*"', 'a!~"d.*"']}]}},
        [(("route", "routes", 0), 'it asks for a=~"d.*", and no such alert has a!~"d.*"')],
    ),
    "an expression that excludes whatever there may be": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a!~".*"']}]}},
        [(("route", "routes", 0), 'no alert can come here: a!~".*" excludes every value, and having none')],
    ),
    "a list of values that the route above excludes": (
        {
            "route": {
                "receiver": "ops",
                "routes": [{"matchers": ["a!=1", "a!=2"], "routes": [{"matchers": ['a=~"1|2"']}]}],
            }
        },
        [(("route", "routes", 0, "routes", 0), "no alert can come here")],
    ),
    "what stands below a dead route is not told of again": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1", "a=2"], "routes": [{"matchers": ["a=3"]}]}]}},
        [(("route", "routes", 0), "no alert can come here")],
    ),
    "hidden by a wider list of values": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a=~"1|2|3"']}, {"matchers": ['a=~"3|1"', "b=1"]}]}},
        [(("route", "routes", 1), "route 1 before it takes all of them")],
    ),
    "hidden by one that matches whatever there is": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a=~".*"']}, {"matchers": ["b=1"]}]}},
        [(("route", "routes", 1), "route 1 before it takes all of them")],
    ),
    "hidden by one that asks for what the route above asks for": (
        {
            "route": {
                "receiver": "ops",
                "routes": [{"matchers": ["a=1"], "routes": [{"matchers": ['a=~"1|2"']}, {"matchers": ["b=1"]}]}],
            }
        },
        [(("route", "routes", 0, "routes", 1), "route 1 before it takes all of them")],
    ),
    "not hidden by a dead route": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1", "a=2"]}, {"matchers": ["a=1"]}]}},
        [(("route", "routes", 0), "no alert can come here")],
    ),
    "not hidden by a narrower list": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ['a=~"1|2"']}, {"matchers": ['a=~"1|3"']}]}},
        [],
    ),
    "an interval that is not there": (
        {"route": {"receiver": "ops", "routes": [{"matchers": ["a=1"], "mute_time_intervals": ["nights"]}]}},
        [
            (
                ("route", "routes", 0, "mute_time_intervals", 0),
                "there is no time interval 'nights'; under time_intervals",
            )
        ],
    ),
    "the top route with hours": (
        {
            "route": {"receiver": "ops", "active_time_intervals": ["day"]},
            "time_intervals": [{"name": "day", "time_intervals": [{"weekdays": ["monday"]}]}],
        },
        [(("route", "active_time_intervals"), "must always tell somebody")],
    ),
    "intervals twice and without times": (
        {
            "time_intervals": [
                {"name": "day", "time_intervals": [{"weekdays": ["monday"]}]},
                {"name": "day", "time_intervals": []},
            ]
        },
        [(("time_intervals", 1, "name"), "there already, as number 1"), (("time_intervals", 1), "never holds")],
    ),
    "an inhibit rule without matchers": (
        {"inhibit_rules": [{"equal": ["a", "a"]}]},
        [
            (("inhibit_rules", 0, "source_matchers"), "every open alert would keep others quiet"),
            (("inhibit_rules", 0, "target_matchers"), "every alert would be kept quiet"),
            (("inhibit_rules", 0, "equal"), "names 'a' 2 times"),
        ],
    ),
    "an inhibit rule with a bad matcher": (
        {"inhibit_rules": [{"source_matchers": ["a=1", "b"], "target_matchers": ["c=1"]}]},
        [(("inhibit_rules", 0, "source_matchers", 1), "is expected")],
    ),
    "dependencies on anything": (
        {"dependencies": {"matchers": ['severity=~".+"']}},
        [(("dependencies", "matchers"), "every alert would mean that its target is down")],
    ),
    "dependencies with a bad matcher": (
        {"dependencies": {"matchers": ["a"]}},
        [(("dependencies", "matchers", 0), "is expected")],
    ),
    "zero intervals": (
        {"route": {"receiver": "ops", "group_interval": "0s", "repeat_interval": "0s"}},
        [(("route", "group_interval"), "cannot be 0s"), (("route", "repeat_interval"), "cannot be 0s")],
    ),
    "group_by twice and with dots": (
        {"route": {"receiver": "ops", "group_by": ["a", "a", "..."]}},
        [(("route", "group_by"), "names 'a' 2 times"), (("route", "group_by"), "every label")],
    ),
    "several at once": (
        {"route": {"receiver": "x", "routes": [{"matchers": ["b"], "receiver": "y"}]}},
        [
            (("route", "receiver"), "'x'"),
            (("route", "routes", 0, "receiver"), "'y'"),
            (("route", "routes", 0, "matchers", 0), "expected"),
        ],
    ),
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"route": {"receiver": "ops", "recevier": "x"}}, "Extra inputs"),
    "duration without unit": ({"route": {"receiver": "ops", "group_wait": 30}}, "30s"),
    "kind of ticket": ({"route": {"receiver": "ops", "ticket": {"kind": "falt"}}}, "choose one of"),
    "no receivers": ({"route": {"receiver": "ops"}, "receivers": []}, "at least 1"),
    "address of a webhook": ({"receivers": [{"name": "x", "webhook_configs": [{"url": "ftp://x"}]}]}, "http://"),
    "password in an address": ({"receivers": [{"name": "x", "webhook_configs": [{"url": "http://u:p@h/"}]}]}, "env:"),
    "password in the open": (
        {
            "receivers": [
                {
                    "name": "x",
                    "email_configs": [
                        {
                            "to": "a@b",
                            "from": "a@b",
                            "smarthost": "h:25",
                            "auth_username": "u",
                            "auth_password": "geheim",
                        }
                    ],
                }
            ]
        },
        "pattern",
    ),
    "mail server without port": (
        {"receivers": [{"name": "x", "email_configs": [{"to": "a@b", "from": "a@b", "smarthost": "h"}]}]},
        "host:port",
    ),
    "mail address": (
        {"receivers": [{"name": "x", "email_configs": [{"to": ["a"], "from": "a@b", "smarthost": "h:25"}]}]},
        "no mail address",
    ),
    "user without password": (
        {
            "receivers": [
                {
                    "name": "x",
                    "email_configs": [{"to": "a@b", "from": "a@b", "smarthost": "h:25", "auth_username": "u"}],
                }
            ]
        },
        "go together",
    ),
}


NOTES: dict[str, tuple[dict[str, Any], list[tuple[tuple[str | int, ...], str]]]] = {
    "everything is used": ({}, []),
    "a receiver that nobody uses": (
        {"receivers": [{"name": "ops"}, {"name": "old"}]},
        [(("receivers", 1), "no route, fall-back or escalation goes to the receiver 'old'")],
    ),
    "an interval that nobody uses": (
        {"time_intervals": [{"name": "day", "time_intervals": [{"weekdays": ["monday"]}]}]},
        [(("time_intervals", 0), "no route uses the time interval 'day'")],
    ),
    "a rule that keeps nothing quiet": (
        {"inhibit_rules": [{"source_matchers": ["a=1", "b=2"], "target_matchers": ['b="2"', "a=1"]}]},
        [(("inhibit_rules", 0), "the rule keeps nothing quiet")],
    ),
}


def _file(parts: dict[str, Any]) -> RoutesFile:
    return RoutesFile.model_validate({"route": {"receiver": "ops"}, "receivers": [{"name": "ops"}], **parts})


def test_a_good_file_is_read_without_fault() -> None:
    """A file with everything in it gives the values that it says."""
    file = RoutesFile.model_validate(yaml.safe_load(GOOD))
    assert faults(file) == []
    assert file.route.repeat_interval == timedelta(hours=1, minutes=30)
    assert file.by_name["duty"].email_configs[0].to[0] == "duty@example.org"
    assert [(name, number) for name, number, _ in file.by_name["pager"].channels()] == [("webhook", 0)]
    assert file.tree.children[0].goes_on is True


@pytest.mark.parametrize(("parts", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_named_at_their_place(
    parts: dict[str, Any], expected: list[tuple[tuple[str | int, ...], str]]
) -> None:
    """Every fault of meaning is found at once, with its path and a sentence."""
    found = faults(_file(parts))
    assert [place for place, _ in found] == [place for place, _ in expected]
    for (_, sentence), (_, part) in zip(found, expected, strict=True):
        assert part in sentence


@pytest.mark.parametrize(("parts", "expected"), NOTES.values(), ids=NOTES.keys())
def test_what_has_no_effect_is_noted(parts: dict[str, Any], expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    """A note is no fault: the file can be used."""
    assert faults(_file(parts)) == []
    found = notes(_file(parts))
    assert [place for place, _ in found] == [place for place, _ in expected]
    assert all(part in sentence for (_, sentence), (_, part) in zip(found, expected, strict=True))


TEXTS = st.builds(
    lambda name, operator, value: f'{name}{operator}"{value}"',
    st.sampled_from("ab"),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["", "1", "2", "1|2", "(2|3)", ".*", ".+", "1.?"]),
)


@given(st.lists(TEXTS, max_size=4), TEXTS)
def test_no_route_is_called_dead_that_an_alert_can_reach(texts: list[str], other: str) -> None:
    """Tried on every alert of a small world: where some alert satisfies all, no contradiction is claimed; and what is
    said to follow from matchers holds for each alert that satisfies them."""
    world = [{"a": a, "b": b} for a in ("", "1", "2", "3", "12", "9") for b in ("", "1", "2", "3", "12", "9")]
    matchers, one = parse_all(texts), parse_all([other])[0]
    satisfying = [labels for labels in world if all(each.matches(labels) for each in matchers)]
    assert not satisfying or contradiction(matchers) is None
    if implied(one, matchers):
        assert all(one.matches(labels) for labels in satisfying)


@pytest.mark.parametrize(("parts", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_shape_is_refused(parts: dict[str, Any], part: str) -> None:
    """What the models do not know or cannot read is refused, and the sentence says what would be right."""
    with pytest.raises(ValidationError, match=part):
        _file(parts)


def test_without_a_file_alerts_show_in_the_console_only() -> None:
    """The default has no fault and one receiver without a channel."""
    file = default_routes()
    assert faults(file) == []
    assert file.by_name[file.tree.receiver].channels() == []


@pytest.mark.parametrize(
    "model",
    [
        config.RoutesFile,
        config.RouteConfig,
        config.ReceiverConfig,
        config.TicketPolicy,
        config.WebhookConfig,
        config.EmailConfig,
        config.NamedIntervals,
        config.InhibitRuleConfig,
        config.DependencyPolicy,
        config.FlappingPolicy,
        intervals.IntervalConfig,
        intervals.TimesConfig,
    ],
)
def test_every_setting_has_a_description(model: type[BaseModel]) -> None:
    """The configuration guide is made from the models, so every field says what it is."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_operator_has_twelve_kinds_of_ticket() -> None:
    """The twelve kinds of work order have different codes and a name in both languages."""
    assert (
        len({kind.code for kind in KINDS}) == len({kind.zh for kind in KINDS}) == len({kind.en for kind in KINDS}) == 12
    )
