"""The estate of the story: a route, a receiver or a rule for each thing that a kill could make it forget or tell twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bomc.configuration.estate import Estate, load_estate

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""The instant 0 of the story, a Monday."""
PEOPLE = ("li.wei", "zhang.min")
PLAIN = (
    "grouped",
    "cause",
    "effect",
    "quieted",
    "maintained",
    "failing",
    "late",
    "worked",
    "taken",
    "shelved",
    "wobbly",
)
"""Indicators of the unit that are 0 or 1, each with a check of its name and a series for each value of its label n."""
OTHERS = ("lasting", "chatty", "paged", "risen", "jumping")
HOOKS = ("team", "flaky", "backup", "slow", "robot", "chief", *PEOPLE)
"""Everybody who can be told, each with a receiver of their own."""
HEARTBEAT, SHOP, GATE, UNIT, MUTE = "nightly", "shop", "gate", "unit", "mute"


def configure(home: Path, urls: Mapping[str, str]) -> Estate:
    """Write the configuration and read it back; `urls` says where each of HOOKS listens."""
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    files = {
        "targets.yaml": {"targets": _targets()},
        "checks.yaml": {"checks": _checks()},
        "routes.yaml": _routes(urls),
        "oncall.yaml": _oncall(urls),
        "maintenance.yaml": {"windows": [_window()]},
        "heartbeats.yaml": {"heartbeats": [{"name": HEARTBEAT, "every": "50s", "grace": "20s"}]},
        "tickets.yaml": {"kinds": {"fault": {"targets": {"normal": {"respond": "80s", "resolve": "120s"}}}}},
    }
    for name, content in files.items():
        (config / name).write_text(json.dumps(content))
    return load_estate(config)


def _targets() -> list[dict[str, Any]]:
    def target(name: str, **more: Any) -> dict[str, Any]:
        probe = {"collect": "prometheus_exporter", "name": "metrics", "every": "10s"}
        return {"name": name, "kind": "service", "probes": [probe | {"with": {"url": "http://127.0.0.1:9/"}}], **more}

    return [target(UNIT), target(GATE), target(SHOP, depends_on=[GATE]), target(MUTE)]


def _checks() -> list[dict[str, Any]]:
    def limit(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "judge": "limit", "indicator": name, "with": {"above": {"warning": 0.5}, **more}}

    return [
        *(limit(name) for name in (*PLAIN, "chatty", "sluggish")),
        limit("lasting", **{"raise": "2 of 3", "clear_margin": 0.5}),
        limit("paged", above={"critical": 0.5}),
        limit("down", above={"critical": 0.5}),
        limit("risen", above={"warning": 0.5, "critical": 1.5}),
        {"name": "jumping", "judge": "rate", "indicator": "jumping", "with": {"above": {"warning": 0.5}, "per": "1s"}},
        {"name": "silent", "judge": "absence", "indicator": "beat", "with": {"after": "25s"}},
    ]


def _routes(urls: Mapping[str, str]) -> dict[str, Any]:
    def of(alertname: str, **more: Any) -> dict[str, Any]:
        return {"matchers": [f'alertname="{alertname}"'], **more}

    def hook(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "webhook_configs": [{"url": urls[name], **more}]}

    timers = {"group_wait": "0s", "group_interval": "40s", "repeat_interval": "10m"}
    wait = {"group_wait": "20s"}
    return {
        "global": {"resolve_timeout": "60s"},
        "route": {
            "receiver": "team",
            "group_by": ["alertname"],
            **timers,
            "routes": [
                of("grouped", group_wait="30s", repeat_interval="2m"),
                of("taken", repeat_interval="1m"),
                of("effect", **wait),
                of("quieted", **wait),
                of("shelved", **wait),
                of("lasting", **wait),
                of("failing", receiver="flaky", group_by=["alertname", "n"], group_interval="20s"),
                of("late", receiver="slow", group_interval="20s"),
                of("chatty", receiver="robot", group_by=["alertname", "n"]),
                of("paged", receiver="team", group_by=["alertname", "n"], escalation="night"),
                of("worked", ticket={"kind": "fault", "priority": "normal"}),
                of("pushed", group_by=["alertname", "n"], group_wait="10s", group_interval="20s"),
            ],
        },
        "receivers": [
            hook("team"),
            {**hook("flaky"), "fallback": "backup", "fallback_after": "60s"},
            *(hook(name) for name in ("backup", "slow", "chief")),
            hook("robot", rate_limit="2/m"),
        ],
        "inhibit_rules": [
            {"source_matchers": ['alertname="cause"'], "target_matchers": ['alertname="effect"'], "equal": ["n"]}
        ],
        "dependencies": {"matchers": ['alertname="down"'], "settle": "30s"},
        "flapping": {"changes": 4, "within": "3m", "calm": "1m"},
    }


def _oncall(urls: Mapping[str, str]) -> dict[str, Any]:
    layer = {"name": "base", "rotation": "weekly", "handoff": "09:00", "start": "2026-01-05", "people": ["li.wei"]}
    steps = [{"schedule": "duty", "wait": "40s"}, {"person": "zhang.min", "wait": "40s"}]
    return {
        "people": [{"name": name, "webhook_configs": [{"url": urls[name]}]} for name in PEOPLE],
        "schedules": [{"name": "duty", "timezone": "Asia/Shanghai", "layers": [layer]}],
        "escalations": [{"name": "night", "steps": steps, "catch_all": "chief"}],
    }


def _window() -> dict[str, Any]:
    """Planned work on the maintained part, from 90 s to 180 s of the story."""
    matchers = ['alertname="maintained"']
    return {"name": "planned work", "matchers": matchers, "start": "2026-11-02 12:01:30", "duration": "90s"}
