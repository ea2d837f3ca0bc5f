"""routes.yaml is read strictly, and what is wrong with it is said at its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from alerts import config
from alerts.config import RoutesFile, default_routes, faults
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
        [(("route", "routes", 0, "matchers", 0), "cannot be read")],
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
