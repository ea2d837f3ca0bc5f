"""The description that is served is true: what is answered fits it, and what it forbids is refused."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from tests.dashboards.alertmanager.conftest import Desk

DESCRIPTION = "/api/v2/openapi.json"
SILENCE = {
    "matchers": [{"name": "instance", "value": "db-1", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-03-02T12:00:00Z",
    "endsAt": "2026-03-02T13:00:00Z",
    "createdBy": "li.wei",
    "comment": "planned",
}
PATHS = {
    "/api/v2/alerts": {"get", "post"},
    "/api/v2/alerts/groups": {"get"},
    "/api/v2/receivers": {"get"},
    "/api/v2/silence/{silence_id}": {"get", "delete"},
    "/api/v2/silences": {"get", "post"},
    "/api/v2/status": {"get"},
}
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}


def faults(value: Any, schema: dict[str, Any], whole: dict[str, Any], place: str = "it") -> list[str]:
    """How a value breaks a JSON Schema: of the words that the description uses, and any other word is an error."""
    if "$ref" in schema:
        return faults(value, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole, place)
    unknown = schema.keys() - WORDS
    assert not unknown, f"the test does not know {unknown}"
    if "anyOf" in schema:
        tried = [faults(value, one, whole, place) for one in schema["anyOf"]]
        return [] if [] in tried else [f"{place} is none of the choices: {tried}"]
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (kind == "integer" and isinstance(value, bool))):
        return [f"{place} is {value!r}, no {kind}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place} is {value!r}, none of {schema['enum']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{place} is {value!r}, not of the pattern {schema['pattern']}")
    if schema.get("format") == "date-time" and not isinstance(datetime.fromisoformat(value), datetime):
        found.append(f"{place} is no instant")
    if isinstance(value, list):
        found += [f"{place} is too short"] if len(value) < schema.get("minItems", 0) else []
        for number, one in enumerate(value):
            found += faults(one, schema.get("items", {}), whole, f"{place}[{number}]")
    if isinstance(value, dict):
        found += [f"{place} lacks {name}" for name in schema.get("required", ()) if name not in value]
        found += [f"{place} is too small"] if len(value) < schema.get("minProperties", 0) else []
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, one in value.items():
            if name in known:
                found += faults(one, known[name], whole, f"{place}.{name}")
            elif more is False:
                found.append(f"{place} has {name}, which is not described")
            elif isinstance(more, dict):
                found += faults(one, more, whole, f"{place}.{name}")
    return found


WORDS = {"type", "enum", "pattern", "format", "items", "minItems", "required", "minProperties", "properties"} | {
    "additionalProperties",
    "anyOf",
    "title",
    "description",
    "default",
}


def described(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.client.get(DESCRIPTION).json()
    return found


def schema_of(whole: dict[str, Any], method: str, path: str, status: str = "200") -> dict[str, Any]:
    found: dict[str, Any] = whole["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return found


def test_every_route_is_described_and_no_other(desk: Desk) -> None:
    """With its own description for those who are in; the console's own API has another."""
    whole = described(desk)
    assert {path: set(methods) for path, methods in whole["paths"].items()} == PATHS
    assert not any(path.startswith("/api/v2") for path in desk.client.get("/api/v1/openapi.json").json()["paths"])
    for path, methods in whole["paths"].items():
        for method, route in methods.items():
            assert route["description"], (method, path)
            assert "200" in route["responses"], (method, path)


def test_every_reference_leads_somewhere(desk: Desk) -> None:
    whole = described(desk)
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', desk.client.get(DESCRIPTION).text))
    assert wanted <= whole["components"]["schemas"].keys()
    assert {"PostableAlert", "PostableSilence", "GettableAlert", "GettableSilence"} <= wanted


def test_every_answer_fits_its_description(desk: Desk) -> None:
    """Of each route, with something in it: alerts of both kinds, a silence in each state."""
    whole = described(desk)
    desk.push({"labels": {"alertname": "A", "instance": "db-1", "severity": "critical"}}, {"labels": {"x": "告警"}})
    made = desk.client.post("/api/v2/silences", json=SILENCE)
    assert faults(made.json(), schema_of(whole, "post", "/api/v2/silences"), whole) == []
    ended = desk.client.post("/api/v2/silences", json=SILENCE).json()["silenceID"]
    assert desk.client.delete(f"/api/v2/silence/{ended}").status_code == 200
    desk.client.post("/api/v2/silences", json={**SILENCE, "startsAt": "2026-03-02T12:30:00Z"})
    for path in PATHS:
        if "get" in PATHS[path]:
            answer = desk.client.get(path.format(silence_id=ended))
            assert answer.status_code == 200, path
            assert answer.json(), path
            assert faults(answer.json(), schema_of(whole, "get", path), whole) == [], path
    states = [one["status"]["state"] for one in desk.client.get("/api/v2/silences").json()]
    assert states == ["active", "pending", "expired"]
    for method, path, body in (
        ("post", "/api/v2/alerts", {}),
        ("post", "/api/v2/silences", []),
        ("get", "/api/v2/alerts", 0),
    ):
        answer = desk.client.request(method, path + ("?filter=!" if method == "get" else ""), json=body)
        assert answer.status_code == 400
        assert faults(answer.json(), schema_of(whole, method, path, "400"), whole) == []


@pytest.mark.parametrize("what", ["alerts", "silences"])
def test_a_body_that_the_description_forbids_is_refused(desk: Desk, what: str) -> None:
    """And one that it allows is taken: field by field, one thing wrong at a time."""
    whole = described(desk)
    schema = whole["paths"][f"/api/v2/{what}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    good: dict[str, Any] = SILENCE if what == "silences" else {"labels": {"a": "b"}, "startsAt": "2026-03-02T12:00:00Z"}

    def sent(one: Any) -> tuple[int, list[str]]:
        body = one if what == "silences" else [one]
        return desk.client.post(f"/api/v2/{what}", json=body).status_code, faults(body, schema, whole)

    assert sent(good) == (200, [])
    for name in {**good, "labels": 0, "comment": 0, "endsAt": 0}:
        for wrong in (7, [], True) if name != "matchers" else (7, [], [{}], [{"name": "a"}]):
            status, broken = sent({**good, name: wrong})
            assert (status == 400) == bool(broken) or name not in schema_names(whole, what), (
                name,
                wrong,
                status,
                broken,
            )
    for name in good.keys() - {"startsAt"} | ({"startsAt"} if what == "silences" else set()):
        without = {key: value for key, value in good.items() if key != name}
        status, broken = sent(without)
        assert status == 400, name
        assert broken, name


def schema_names(whole: dict[str, Any], what: str) -> set[str]:
    name = "PostableAlert" if what == "alerts" else "PostableSilence"
    return set(whole["components"]["schemas"][name]["properties"])
