"""What people read of an alert, in their language: title, impact, since when, value against limit, owner, runbook, link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from alerts.delivery.messages import Message
from alerts.delivery.sending import Enclosed
from alerts.delivery.texts import en, zh_CN

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": en.WORDS, "zh_CN": zh_CN.WORDS}
PHONE_MINUTES = 15
"""How long a link to the phone page is good for."""
SUBJECT_LABELS = ("alertname", "target")
FIRST = ("reason", "impact", "runbook")
"""The annotations that a reader needs first, in this order."""
PLACE_LABELS = ("target", "system", "site")


def say(key: str, language: str, **values: object) -> str:
    """The text of that key; English where the language is not one of ours. Raises KeyError when there is no such text."""
    text = CATALOGUES.get(language, en.WORDS)[key]
    return text.format(**values) if values else text


def name_of(key: str, language: str) -> str:
    """What a label or an annotation is called; itself when it has no name of its own."""
    return CATALOGUES.get(language, en.WORDS).get(key, key)


def message_title(message: Message, language: str) -> str:
    """`[FIRING:2] disk-full host-1`: state, number of firing alerts, and what they have in common."""
    body = message.body
    if body.get("test"):
        return f"[{say('test_mark', language)}] {body['externalURL']}"
    head = f"[{say(body['status'], language)}" + (f":{len(message.firing)}]" if message.firing else "]")
    named = {**body["groupLabels"], **body["commonLabels"]}
    parts = [named[name] for name in SUBJECT_LABELS if name in named] or list(body["groupLabels"].values())
    words = " ".join(" ".join([head, *parts]).split())
    return f"[{say('demo_mark', language)}] {words}" if message.demo else words


def message_text(message: Message, language: str, enclosed: Enclosed | None = None, *, whole: bool = False) -> str:
    """The message as plain text; `whole` adds every other annotation and every label, as a mail has room for."""
    enclosed = enclosed or Enclosed(language)
    lines = list(head_lines(message, language, enclosed))
    for one in message.body["alerts"]:
        state = say("test_mark" if message.body.get("test") else one["status"], language)
        lines.append(f"[{state}] {title_of(one)}")
        facts = facts_of(one, language, enclosed.zone, whole=whole)
        lines += [f"  {name_of(name, language)}: {value}" for name, value in facts]
        lines.append("")
    return "\n".join([*lines, *tail_lines(message, language)]).rstrip() + "\n"


def head_lines(message: Message, language: str, enclosed: Enclosed) -> Iterator[str]:
    """What stands above the alerts: demo data, why the fall-back is told, who has it, the link."""
    if message.demo:
        yield from (say("demo", language), "")
    if message.body.get("notice"):
        yield from (say("notice", language, why=message.body["notice"]), "")
    if message.firing and (enclosed.owner or enclosed.ticket or enclosed.link):
        who = enclosed.owner or say("nobody", language)
        ticket = f" · {say('ticket', language, n=enclosed.ticket)}" if enclosed.ticket else ""
        yield f"{say('owner', language)}: {who}{ticket}"
    if enclosed.link:
        yield f"{say('phone', language, minutes=PHONE_MINUTES)}: {enclosed.link}"
    yield from (f"{message.body['externalURL']}", "")


def tail_lines(message: Message, language: str) -> list[str]:
    """How many alerts had no room."""
    left = message.body["truncatedAlerts"]
    return [say("cut", language, n=left)] if left else []


def title_of(one: Mapping[str, Any]) -> str:
    """An alert in one line: its summary, or its name."""
    return str(one["annotations"].get("summary") or one["labels"].get("alertname", "alert"))


def impact_of(labels: Mapping[str, str], annotations: Mapping[str, str], language: str) -> str:
    """What the check says of the impact, else how bad it is and where."""
    if annotations.get("impact"):
        return annotations["impact"]
    severity = labels.get("severity", "")
    places = [labels[name] for name in PLACE_LABELS if labels.get(name)]
    return " · ".join([name_of(severity, language), *places] if severity else places)


def instant_of(text: str, zone: tzinfo) -> str:
    """An instant of a message's body by the clocks of a zone, which it names: `2026-03-02 20:00:00 UTC+08:00`."""
    at = datetime.fromisoformat(text).astimezone(zone)
    offset = at.isoformat(timespec="seconds")[19:] if at.utcoffset() else ""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC{offset}"


def facts_of(one: Mapping[str, Any], language: str, zone: tzinfo, *, whole: bool) -> list[tuple[str, str]]:
    """Names and values of what an alert says, the most needed first, instants by the clocks of `zone`; names are keys of the
    catalogue where they have one."""
    annotations = {**one["annotations"], "impact": impact_of(one["labels"], one["annotations"], language)}
    facts = [("since", instant_of(one["startsAt"], zone))]
    if one["status"] == "resolved":
        facts.append(("until", instant_of(one["endsAt"], zone)))
    facts += [(name, annotations[name]) for name in FIRST if annotations.get(name)]
    if whole:
        rest = sorted(annotations.items())
        facts += [(name, value) for name, value in rest if name not in (*FIRST, "summary", "fallback")]
        facts += sorted(one["labels"].items())
    return [*facts, ("link", one["generatorURL"])]
