"""`bomc alerts`: where an alert would go and why, why somebody was or was not told, silences, Alertmanager's files."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from bomc.commands import attention, two_people
from bomc.commands.common import (
    HomeOption,
    by_clocks,
    carry_out,
    engine_of,
    err,
    estate_of,
    fail,
    home_of,
    in_known_years,
    out,
)
from bomc.commands.people import who

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from alerts.explaining import Destination
    from alerts.muting.muting import Mutes
    from alerts.routes.matchers import Matcher
    from bomc.configuration.estate import Estate

alerts_app = typer.Typer(help="Alerts: who is told of what, who is not, and why.", no_args_is_help=True)
silence_app = typer.Typer(help="Silences: alerts that nobody is told of for a time.", no_args_is_help=True)
alerts_app.add_typer(silence_app, name="silence")
alerts_app.command()(attention.acknowledge)
alerts_app.command()(attention.shelve)
alerts_app.command()(attention.unshelve)
silence_app.command()(two_people.propose)
silence_app.command()(two_people.approve)
silence_app.command()(two_people.reject)
silence_app.command("proposals")(two_people.listed)
Answer = TypeVar("Answer")
AtOption = Annotated[
    str | None,
    typer.Option("--at", help="An instant, like 2026-11-01T22:30, by the operator's clocks; now if not given."),
]


@alerts_app.command("route")
def route_labels(
    labels: Annotated[list[str], typer.Argument(help='Labels of the alert: severity=critical target="db 1".')],
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for machines.")] = False,
    home: HomeOption = None,
) -> None:
    """Show where an alert with these labels would go, when, and what would mute it. Nothing is stored or sent."""
    from alerts.explaining import destinations
    from bomc.service import clock

    place = home_of(home)
    estate = estate_of(place)
    pairs = _labels(labels)
    now = _instant(at, estate, "--at") if at is not None else clock()
    mutes, note = _mutes(place.path, estate, now, home)
    found = destinations(estate.routes, pairs, mutes)
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in found], ensure_ascii=False))
        return
    for number, one in enumerate(found):
        if number:
            out.print("")
        _show(one, by_clocks(estate))
    if note:
        err.print(note, highlight=False, soft_wrap=True)


@alerts_app.command("explain")
def explain_alert(
    fingerprint: Annotated[str, typer.Argument(help="The alert's fingerprint, or its number on the alerts page.")],
    home: HomeOption = None,
) -> None:
    """Replay why somebody was or was not told of an alert, from what the store kept, and say how it stands."""
    from sqlalchemy import select

    from alerts.explaining import explain
    from bomc.service import clock
    from core.store.open import reading
    from core.store.tables import alert

    place = home_of(home)
    estate = estate_of(place)
    with reading(engine_of(place, estate)) as connection:
        name = fingerprint
        if fingerprint.isascii() and fingerprint.isdigit() and len(fingerprint) < 16:
            name = connection.scalar(select(alert.c.fingerprint).where(alert.c.id == int(fingerprint))) or fingerprint
        found = explain(connection, estate.routes, name, clock())
    if not found:
        fail(f"There is no alert {fingerprint}; the alerts page and `amtool alert query` show fingerprints.")
    zone, said = ZoneInfo(estate.settings.operator.timezone), by_clocks(estate)
    for one in found:
        row = one.row
        shown = " ".join(f'{label}="{value}"' for label, value in sorted(row.labels.items()))
        out.print(f"alert {row.id}, {row.fingerprint}: {row.state}, {row.severity}", highlight=False, soft_wrap=True)
        out.print(f"  {shown}", highlight=False, soft_wrap=True)
        for at, kind, doer, detail in one.history:
            by = "" if doer in ("alerts", "outbox") else f" by {doer}"
            when = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            out.print(f"  {when}  {kind.replace('_', ' ')}{by}: {said(detail)}", highlight=False, soft_wrap=True)
        for each in one.standing:
            out.print(f"  now: {said(each.sentence)}", highlight=False, soft_wrap=True)


@alerts_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="An alertmanager.yml.")],
    target: Annotated[
        Path | None, typer.Option("--out", help="Write routes.yaml here; not over a file that is there.")
    ] = None,
) -> None:
    """Turn an alertmanager.yml into a routes.yaml, on standard output, and say of each thing left out why and where."""
    from alerts.routes.importing import ImportFileError, import_alertmanager

    try:
        found = import_alertmanager(file.read_text(encoding="utf-8"), file.name)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.")
    except ImportFileError as error:
        fail(str(error))
    for note in found.notes:
        err.print(str(note), highlight=False, soft_wrap=True)
    if target is None:
        typer.echo(found.text, nl=False)
        return
    try:
        with target.open("x", encoding="utf-8") as written:
            written.write(found.text)
    except FileExistsError:
        fail(f"{target} is there already; nothing was written. Choose another name, or move it away.")
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}.")
    err.print(f"wrote {target}; look through it, then `bomc config check`.", highlight=False, soft_wrap=True)


@silence_app.command("add")
def add_silence(
    matchers: Annotated[
        list[str], typer.Argument(help='Conditions that all hold: target=db-1 severity=~"warning|unknown".')
    ],
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why nobody is to be told.")],
    duration: Annotated[str, typer.Option("--duration", "-d", help="How long, e.g. 2h.")] = "1h",
    start: Annotated[str | None, typer.Option(help="From when on; now if not given.")] = None,
    end: Annotated[str | None, typer.Option(help="Until when; overrides the duration.")] = None,
    home: HomeOption = None,
) -> None:
    """Tell nobody of alerts that match, for a time; prints the id of the silence."""
    from alerts.muting import silences
    from core.duration import parse_duration

    parsed = _matchers(matchers)
    try:
        length = parse_duration(duration)
    except ValueError as error:
        fail(f"--duration: {error}.")

    def act(connection: Connection, estate: Estate, now: datetime) -> str:
        starts_at = _instant(start, estate, "--start") if start is not None else now
        ends_at = _instant(end, estate, "--end") if end is not None else _plus(starts_at, length)
        return silences.create(connection, silences.Spec(parsed, starts_at, ends_at, comment), who(), now)

    typer.echo(carry_out(home, act))


@silence_app.command("list")
def list_silences(
    expired: Annotated[bool, typer.Option("--expired", help="Those that ended lately as well.")] = False,
    home: HomeOption = None,
) -> None:
    """Show the silences that hold or will."""
    from alerts.muting import silences

    def act(connection: Connection, estate: Estate, now: datetime) -> list[str]:
        zone = ZoneInfo(estate.settings.operator.timezone)
        states = [state for state in silences.State if expired or state is not silences.State.EXPIRED]
        lines = []
        for one in silences.listed(connection, now, states):
            start, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (one.starts_at, one.ends_at))
            lines.append(f"{one.id}  {one.state(now)}  {start} to {end}  {one.created_by}")
            lines.append(f"    {' '.join(str(each) for each in one.matchers)}: {one.comment}")
        return lines

    for line in carry_out(home, act) or ["There is no silence."]:
        out.print(line, highlight=False, soft_wrap=True)


@silence_app.command("expire")
def expire_silences(
    ids: Annotated[list[str], typer.Argument(help="Ids as `bomc alerts silence list` shows them.")],
    home: HomeOption = None,
) -> None:
    """End silences now."""
    from alerts.muting import silences

    def act(connection: Connection, estate: Estate, now: datetime) -> None:
        for id in ids:
            silences.expire(connection, id, who(), now)

    carry_out(home, act)
    out.print(f"Ended: {', '.join(ids)}.", highlight=False, soft_wrap=True)


def _mutes(folder: Path, estate: Estate, now: datetime, home: Path | None) -> tuple[Mutes, str]:
    """What mutes at that instant; without a store only the hours of routes, and a sentence that says so."""
    from alerts.muting import muting
    from alerts.muting.intervals import Intervals
    from bomc.home import HomeError
    from core.store.open import reading

    place = home_of(home)
    try:
        url = place.store_url(estate.settings)
    except HomeError as error:
        fail(str(error))
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists():
        hours = muting.Mutes(now, intervals=Intervals.of(estate.routes.time_intervals))
        return hours, f"There is no store in {folder} yet, so no silences, open causes and parents were asked for."
    with reading(engine_of(place, estate)) as connection:
        return muting.load(connection, estate.routes, now), ""


def _show(one: Destination, said: Callable[[str], str]) -> None:
    from core.duration import show_duration

    decision = one.decision
    channels = ", ".join(one.channels) or "no channel: the console only"
    waits = f"{show_duration(decision.group_wait)} for company, then every {show_duration(decision.group_interval)}"
    lines = {
        "receiver": f"{decision.receiver} ({channels})",
        "why": decision.reason,
        "group": decision.key,
        "told after": f"{waits}; unchanged after {show_duration(decision.repeat_interval)}",
    }
    if decision.ticket is not None:
        lines["ticket"] = f"{decision.ticket.kind}, {decision.ticket.priority}"
    lines["muted"] = "; ".join(said(each.reason) for each in one.mutes) or "no"
    for name, text in lines.items():
        out.print(f"{name + ':':<12}{text}", highlight=False, soft_wrap=True)


def _as_json(one: Destination) -> dict[str, object]:
    decision = one.decision
    return {
        "receiver": decision.receiver,
        "channels": list(one.channels),
        "reason": decision.reason,
        "group_key": decision.key,
        "group_labels": dict(decision.group_labels),
        "group_wait_s": decision.group_wait.total_seconds(),
        "group_interval_s": decision.group_interval.total_seconds(),
        "repeat_interval_s": decision.repeat_interval.total_seconds(),
        "muted_by": [{"kind": each.kind, "by": each.by, "reason": each.reason} for each in one.mutes],
    }


def _labels(texts: list[str]) -> dict[str, str]:
    """Labels from LABEL=VALUE; the value may hold anything, in quotes or not."""
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip() or value.startswith("~") or name.endswith("!"):
            fail(f"{text!r} is no label; write LABEL=VALUE, such as severity=critical.")
        quoted = len(value) >= 2 and value.startswith('"') and value.endswith('"')
        found[name.strip()] = value[1:-1] if quoted else value
    return found


def _matchers(texts: list[str]) -> tuple[Matcher, ...]:
    from alerts.routes.matchers import MatcherError, parse_all

    try:
        return parse_all(texts)
    except MatcherError as error:
        fail(f"{error}.")


def _instant(text: str, estate: Estate, option: str) -> datetime:
    """An aware instant; one without a zone is of the operator's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option}: {text!r} is no instant; write one like 2026-11-01T22:30.")
    in_known_years(found, f"{option}: {text!r}")
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(estate.settings.operator.timezone))


def _plus(at: datetime, length: timedelta) -> datetime:
    try:
        return at + length
    except OverflowError:
        fail("--duration: that is longer than any clock here can count.")
