"""Enumerates everything that the console answers, so that what is added tomorrow is tested tomorrow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, WebSocketRoute

from dashboards.api import right_of
from dashboards.callbacks import RIGHT
from dashboards.gate import is_public

UPDATE = "/_dash-update-component"


@dataclass(frozen=True)
class Door:
    """One method of one path, with the right it needs: None for what every logged-in person may have."""

    method: str
    path: str
    right: str | None
    public: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors(app: FastAPI) -> list[Door]:
    """Every route of the application with its open segments filled in."""
    found = []
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            continue
        if isinstance(route, Mount):
            found.append(Door("GET", f"{route.path}/live.js", None, False))
            continue
        assert isinstance(route, APIRoute), f"the matrix does not know how to open {route!r}"
        path = re.sub(r"{[^}]*}", "1", route.path)
        path = path if path.startswith("/") else f"/{path}"
        for method in sorted(route.methods or ()):
            found.append(Door(method, path, right_of(route), is_public(method, path)))
    return found


def callbacks(app: FastAPI) -> Iterator[tuple[str, str | None]]:
    """Every callback's id with its right; None for those that only run in the browser."""
    for name, entry in app.state.dash.callback_map.items():
        yield name, entry.get(RIGHT) if "callback" in entry else None


def forged(app: FastAPI, name: str, value: Any = None) -> dict[str, Any]:
    """A request for a callback as nobody's page sent it: the right shape, with that value in every input and state."""
    entry = app.state.dash.callback_map[name]
    parts = name[2:-2].split("...") if name.startswith("..") and name.endswith("..") else [name]
    outputs = [_output(part) for part in parts if part and not entry.get("no_output")]
    inputs = [_given(spec, value) for spec in entry["inputs"]]
    state = [_given(spec, value) for spec in entry["state"]]
    changed = [_prop(one) for one in inputs if not isinstance(one, list)][:1]
    whole = outputs if name.startswith("..") else outputs[0] if outputs else []
    return {"output": name, "outputs": whole, "inputs": inputs, "state": state, "changedPropIds": changed}


def _output(part: str) -> Any:
    component, _, prop = part.partition("@")[0].rpartition(".")
    known = _identity(component)
    return [] if known is None else {"id": known, "property": prop}


def _given(spec: dict[str, str], value: Any) -> Any:
    known = _identity(spec["id"])
    return [] if known is None else {"id": known, "property": spec["property"], "value": value}


def _identity(component: str) -> Any:
    """A concrete id for a plain id or a MATCH pattern; None for an ALL pattern, which matches nothing here."""
    if not component.startswith("{"):
        return component
    pattern = json.loads(component)
    if ["ALL"] in pattern.values() or ["ALLSMALLER"] in pattern.values():
        return None
    return {key: 1 if part == ["MATCH"] else part for key, part in pattern.items()}


def _prop(one: dict[str, Any]) -> str:
    name = one["id"]
    return f"{name if isinstance(name, str) else json.dumps(name, sort_keys=True)}.{one['property']}"
