"""docs/configuration.md and the JSON Schemas, both made from the models, so that neither can drift from the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, TypeAdapter

from alerts.config import RoutesFile
from bomc.configuration.models import FILES
from checks.registry import PARAMS
from collectors.registry import COLLECTORS
from core.duration import show_duration
from reconciliation.controls.entries import KINDS

ISO_DURATION = re.compile(r"-?P(?=.)[0-9.YMWD]*(T[0-9.HMS]+)?")
INTRODUCTION = """# Configuration

Made from the models by `python -m bomc.configuration.reference > docs/configuration.md`; a test holds the two together.

All files lie in `config/` of the home folder (`BOMC_HOME`, else `~/.bomc`); `bomc init DIR` writes commented ones to start
from, `bomc config check` names every fault with its file and line, `bomc config schema` prints JSON Schemas for editors.
Lengths of time are written `30s`, `5m`, `1h30m`, `7d`. Secrets are references: `env:NAME` or `file:PATH`.
"""


def schemas() -> dict[str, Any]:
    """The JSON Schema of each file, of each collector's settings and of each judgement's."""
    found: dict[str, Any] = {name: model.model_json_schema(by_alias=True) for name, model in _files().items()}
    found |= {name: model.model_json_schema(by_alias=True) for name, model in _controls().items()}
    found["collectors"] = {name: item.Config.model_json_schema(by_alias=True) for name, item in COLLECTORS.items()}
    found["checks"] = {name: model.model_json_schema(by_alias=True) for name, model in PARAMS.items()}
    return found


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [INTRODUCTION]
    for name, model in (*_files().items(), *_controls().items()):
        parts += [f"## {name}\n", *_section(model.model_json_schema(by_alias=True))]
    parts.append("## Judgements (`with` of a check)\n")
    for name, params in PARAMS.items():
        parts += [f"### judge: {name}\n", *_section(params.model_json_schema(by_alias=True))]
    parts.append("## Collectors (`with` of a probe)\n")
    for name, collector in sorted(COLLECTORS.items()):
        parts += [f"### collect: {name}\n", *_section(collector.Config.model_json_schema(by_alias=True))]
        if collector.INDICATORS:
            parts.append("Brings: " + ", ".join(f"`{item.name}` ({item.unit})" for item in collector.INDICATORS) + "\n")
    return "\n".join(parts)


def _files() -> dict[str, type[BaseModel]]:
    names = ("bomc.yaml", "targets.yaml", "checks.yaml", "routes.yaml", "maintenance.yaml")
    return {name: FILES.get(name, RoutesFile) for name in names}


def _controls() -> dict[str, type[BaseModel]]:
    return {f"controls/NAME.yaml, kind: {kind}": model for kind, model in KINDS.items()}


def _section(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("description"):
        yield schema["description"].strip() + "\n"
    yield from _table(schema)
    for part in schema.get("$defs", {}).values():
        if "properties" in part:
            yield f"**{part['title']}.** {part.get('description', '').strip()}\n"
            yield from _table(part)


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties", {})
    if not properties:
        return
    yield "| setting | type | if not given | meaning |\n| --- | --- | --- | --- |"
    required = schema.get("required", ())
    for name, field in properties.items():
        default = "**needed**" if name in required else _default(field)
        yield f"| `{name}` | {_type(field)} | {default} | {_cell(field.get('description', ''))} |"
    yield ""


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    if isinstance(value, str) and ISO_DURATION.fullmatch(value):
        value = show_duration(TypeAdapter(timedelta).validate_python(value))
    return f"`{_cell(str(value))}`"


def _type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return " or ".join(f"`{choice}`" for choice in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"] if part.get("type") != "null")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("const", field.get("type", "any")))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    import sys

    sys.stdout.write(reference())
