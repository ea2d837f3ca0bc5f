"""routes.yaml in the words of alertmanager.yml, for clients that read the routing from `/api/v2/status`.

`amtool config routes test` walks this tree. Of the receivers only the names are shown: addresses and passwords are
nobody's business who may only look. What is ours alone - tickets, dependencies, the names of inhibit rules - is left out.
"""

from __future__ import annotations

from typing import Any

import yaml

from alerts.config import RouteConfig, RoutesFile
from alerts.routes.matchers import parse_all
from core.duration import show_duration

HOURS = ("mute_time_intervals", "active_time_intervals")
TIMERS = ("group_wait", "group_interval", "repeat_interval")


def original(file: RoutesFile) -> str:
    """The routing as YAML that Alertmanager itself reads."""
    shown: dict[str, Any] = {
        "global": {"resolve_timeout": show_duration(file.general.resolve_timeout)},
        "route": _route(file.route),
        "receivers": [{"name": one.name} for one in file.receivers],
    }
    if file.inhibit_rules:
        shown["inhibit_rules"] = [
            {
                "source_matchers": [str(matcher) for matcher in one.rule.source],
                "target_matchers": [str(matcher) for matcher in one.rule.target],
                "equal": list(one.equal),
            }
            for one in file.inhibit_rules
        ]
    if file.time_intervals:
        shown["time_intervals"] = [one.model_dump(mode="json", exclude_unset=True) for one in file.time_intervals]
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)


def _route(config: RouteConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if config.receiver:
        shown["receiver"] = config.receiver
    if config.group_by is not None:
        shown["group_by"] = list(config.group_by)
    if config.matchers:
        shown["matchers"] = [str(one) for one in parse_all(config.matchers)]
    for name in HOURS:
        if getattr(config, name):
            shown[name] = list(getattr(config, name))
    for name in TIMERS:
        length = getattr(config, name)
        if length is not None:
            shown[name] = show_duration(length)
    if config.goes_on:
        shown["continue"] = True
    if config.routes:
        shown["routes"] = [_route(child) for child in config.routes]
    return shown
