"""From an alertmanager.yml to a routes.yaml: what both know is taken, and each thing that is not is named with its line.

Secrets are never written: a password that stands in the file becomes `env:NAME`, and a note says what to put there.
Source of the format: https://prometheus.io/docs/alerting/latest/configuration/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from alerts.config import EmailConfig, GlobalConfig, NamedIntervals, RoutesFile, WebhookConfig
from alerts.routes.faults import faults, notes
from alerts.routes.matchers import MatcherError, matcher, parse_matchers
from core.yaml_file import Document, Fault, Place
from core.yaml_texts import TextsError, read_texts

TRUE = ("true", "yes", "on")
SMTP = {
    "smtp_from": "from",
    "smtp_smarthost": "smarthost",
    "smtp_hello": "hello",
    "smtp_auth_username": "auth_username",
    "smtp_auth_password": "auth_password",
    "smtp_auth_password_file": "auth_password_file",
    "smtp_require_tls": "require_tls",
}
CHANNELS: Mapping[str, type[BaseModel]] = {"webhook_configs": WebhookConfig, "email_configs": EmailConfig}
ROUTE_PLAIN = ("receiver", "group_wait", "group_interval", "repeat_interval")
ROUTE_LISTS = ("group_by", "mute_time_intervals", "active_time_intervals")
INTERVAL_LISTS = ("weekdays", "days_of_month", "months", "years")


class ImportFileError(Exception):
    """Nothing of the file can be taken; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The routes.yaml as text, and everything that could not be taken as it was, by line."""

    text: str
    notes: tuple[Fault, ...]


@dataclass(slots=True)
class _Import:
    """One file on its way; the only mutable thing here."""

    document: Document
    smtp: dict[str, Any] = field(default_factory=dict)
    intervals: set[str] = field(default_factory=set)  # those that were taken

    def note(self, place: Place, sentence: str) -> None:
        self.document.fault(place, sentence)

    def leave(self, value: Mapping[str, Any], place: Place, known: tuple[str, ...], what: str) -> None:
        """Name what of a mapping is not known."""
        for name in value:
            if name not in known:
                self.note((*place, name), f"{name} of {what} is not known here and was left out")


def import_alertmanager(text: str, file: str) -> Imported:
    """The file as a routes.yaml. Raises ImportFileError when it is no YAML or has no route."""
    try:
        document = read_texts(text, file)
    except TextsError as error:
        raise ImportFileError(f"{error} Nothing was taken.") from None
    whole = document.value
    if not isinstance(whole, dict) or not isinstance(whole.get("route"), dict):
        raise ImportFileError(f"{file} has no `route`, so it is no configuration of Alertmanager; nothing was taken.")
    work = _Import(document)
    intervals = _intervals(work, whole)
    made: dict[str, Any] = {
        **_global(work, _mapping(work, whole, "global", ())),
        "route": _route(work, whole["route"], ("route",), is_root=True),
        "receivers": _receivers(work, whole),
        "time_intervals": intervals,
        "inhibit_rules": list(_rules(work, whole)),
    }
    for name in whole:
        if name == "templates":
            work.note((name,), "templates were left out: messages here have a form of their own")
        elif name not in ("global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals"):
            work.note((name,), f"{name} is not known here and was left out")
    made = {name: value for name, value in made.items() if value or name in ("route", "receivers")}
    _judge(work, made)
    shown = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=120)
    head = f"# Made from {file} by `bomc alerts import`; look through it, then `bomc config check`.\n"
    return Imported(head + shown, tuple(sorted(set(document.faults))))


def _global(work: _Import, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of `global` is a setting of routes.yaml; smtp_* is kept for the mail channels."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name in SMTP:
            work.smtp[SMTP[name]] = value
        elif name in GlobalConfig.model_fields:
            made[name] = value
        else:
            work.note(("global", name), f"{name} was left out: what it is for is not known here")
    return {"global": made} if made else {}


def _route(work: _Import, given: Mapping[str, Any], place: Place, *, is_root: bool) -> dict[str, Any]:
    made: dict[str, Any] = {name: given[name] for name in ROUTE_PLAIN if given.get(name)}
    made |= {name: _texts(given[name]) for name in ROUTE_LISTS if given.get(name)}
    for name in ROUTE_LISTS[1:]:
        kept = [one for one in made.get(name, ()) if one in work.intervals]
        for one in made.pop(name, ()):
            if one not in kept:
                work.note((*place, name), f"the time interval {one!r} is not there or was left out, and so was its use")
        if kept:
            made[name] = kept
    matchers = _matchers(work, given, place, ("match", "match_re", "matchers"))
    if matchers:
        made["matchers"] = matchers
    if not is_root and str(given.get("continue", "")).lower() in TRUE:
        made["continue"] = True
    below = []
    for number, child in enumerate(given.get("routes") or ()):
        at = (*place, "routes", number)
        if not isinstance(child, dict):
            work.note(at, "this is no route and was left out")
        elif _readable(work, child, at, ("match", "match_re", "matchers")):
            below.append(_route(work, child, at, is_root=False))
    if below:
        made["routes"] = below
    known = (*ROUTE_PLAIN, *ROUTE_LISTS, "match", "match_re", "matchers", "continue", "routes")
    work.leave(given, place, known, "a route")
    return made


def _receivers(work: _Import, whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for number, given in enumerate(whole.get("receivers") or ()):
        place: Place = ("receivers", number)
        if not isinstance(given, dict) or not given.get("name"):
            work.note(place, "this receiver has no name and was left out")
            continue
        made: dict[str, Any] = {"name": given["name"]}
        for name, value in given.items():
            if name == "name":
                continue
            if name not in CHANNELS:
                channel = name.removesuffix("_configs")
                work.note(
                    (*place, name), f"receiver {given['name']}: the channel {channel} is not known here; left out"
                )
                continue
            for order, one in enumerate(value or ()):
                at = (*place, name, order)
                config = _channel(work, name, one if isinstance(one, dict) else {}, at, given["name"])
                if config is not None:
                    made.setdefault(name, []).append(config)
        if len(made) == 1 and len(given) > 1:
            work.note(place, f"receiver {given['name']} has no channel left: its alerts show in the console only")
        found.append(made)
    return found


def _channel(work: _Import, name: str, given: Mapping[str, Any], place: Place, receiver: str) -> dict[str, Any] | None:
    model = CHANNELS[name]
    values = {**(work.smtp if name == "email_configs" else {}), **given}
    known = {field.alias or plain for plain, field in model.model_fields.items()}
    made: dict[str, Any] = {}
    for key, value in values.items():
        at = (*place, key)
        if key == "auth_password":
            reference = f"env:{'_'.join(['SMTP_PASSWORD', *_words(receiver)]).upper()}"
            made[key] = reference
            work.note(at, f"the password was not copied: put it into the environment variable {reference[4:]}")
        elif key in ("auth_password_file", "url_file"):
            made[key.removesuffix("_file")] = f"file:{value}"
        elif key in known and isinstance(value, str | list):
            made[key] = _plain(value)
        else:
            work.note(at, f"{key} of {name} is not known here and was left out")
    try:
        model.model_validate(made)
    except ValidationError as error:
        for item in error.errors():
            part = ".".join(str(one) for one in item["loc"])
            why = item["msg"].removeprefix("Value error, ")
            work.note(place, f"receiver {receiver}: this {name.removesuffix('s')} was left out: {part} {why}".strip())
        return None
    return made


def _intervals(work: _Import, whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name in ("time_intervals", "mute_time_intervals"):
        for number, given in enumerate(whole.get(name) or ()):
            made = _interval(given)
            try:
                NamedIntervals.model_validate(made)
            except ValidationError as error:
                shown = given.get("name", "") if isinstance(given, dict) else ""
                why = error.errors()[0]["msg"].removeprefix("Value error, ")
                work.note((name, number), f"the time interval {shown!r} was left out: {why}")
                continue
            work.intervals.add(made["name"])
            found.append(made)
    return found


def _interval(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    parts = [
        {key: _texts(value) if key in INTERVAL_LISTS else value for key, value in one.items() if value}
        if isinstance(one, dict)
        else one
        for one in given.get("time_intervals") or ()
    ]
    return {**given, "time_intervals": parts}


def _rules(work: _Import, whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, given in enumerate(whole.get("inhibit_rules") or ()):
        place: Place = ("inhibit_rules", number)
        sides = {side: (f"{side}_match", f"{side}_match_re", f"{side}_matchers") for side in ("source", "target")}
        if not isinstance(given, dict) or not all(_readable(work, given, place, keys) for keys in sides.values()):
            continue
        made: dict[str, Any] = {"name": given["name"]} if given.get("name") else {}
        for side, keys in sides.items():
            made[f"{side}_matchers"] = _matchers(work, given, place, keys)
        if given.get("equal"):
            made["equal"] = _texts(given["equal"])
        work.leave(given, place, ("name", "equal", *sides["source"], *sides["target"]), "an inhibit rule")
        if all(made[f"{side}_matchers"] for side in sides):
            yield made
        else:
            work.note(place, "this rule has no matchers on one side, would mute everything or by everything; left out")


def _matchers(work: _Import, given: Mapping[str, Any], place: Place, keys: tuple[str, str, str]) -> list[str]:
    """All matchers in today's notation; `_readable` has looked at them before."""
    plain, expressions, texts = keys
    found = [str(matcher(name, "=", str(value))) for name, value in (given.get(plain) or {}).items()]
    found += [str(matcher(name, "=~", str(value))) for name, value in (given.get(expressions) or {}).items()]
    found += [str(one) for text in _texts(given.get(texts) or []) for one in parse_matchers(text)]
    return found


def _readable(work: _Import, given: Mapping[str, Any], place: Place, keys: tuple[str, str, str]) -> bool:
    """Whether all matchers can be read; without one of them the whole would match more than was meant."""
    try:
        _matchers(work, given, place, keys)
    except MatcherError as error:
        work.note(place, f"this was left out, with all below it, since it would match more than was meant: {error}")
        return False
    except AttributeError:
        work.note(place, f"this was left out, with all below it: {keys[0]} and {keys[1]} hold labels with values")
        return False
    return True


def _judge(work: _Import, made: dict[str, Any]) -> None:
    """Say what `bomc config check` will say of the outcome."""
    try:
        file = RoutesFile.model_validate(made)
    except ValidationError as error:
        for item in error.errors():
            where = ".".join(str(one) for one in item["loc"])
            work.note((), f"the outcome needs work at {where}: {item['msg'].removeprefix('Value error, ')}")
        return
    wrong = faults(file)
    for place, sentence in wrong or notes(file):
        where = ".".join(str(one) for one in place)
        work.note((), f"the outcome, at {where}: {sentence}")


def _mapping(work: _Import, whole: Mapping[str, Any], name: str, place: Place) -> Mapping[str, Any]:
    value = whole.get(name) or {}
    if isinstance(value, dict):
        return value
    work.note((*place, name), f"{name} holds no names with values and was left out")
    return {}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _plain(value: str | list[Any]) -> Any:
    if isinstance(value, str) and value.lower() in (*TRUE, "false", "no", "off"):
        return value.lower() in TRUE
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value


def _words(text: str) -> list[str]:
    return ["".join(one if one.isascii() and one.isalnum() else "_" for one in text)]
