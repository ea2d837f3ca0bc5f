"""`bomc alerts silence propose`, `approve`, `reject`, `proposals`: silences that would mute everything take two people.

Each of them says who they are with their console password: a terminal knows accounts of the machine, not people.
"""

from __future__ import annotations

import getpass
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bomc.commands.common import HomeOption, carry_out, engine_of, estate_of, fail, home_of, out

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from bomc.configuration.estate import Estate

UserOption = Annotated[
    str, typer.Option("--user", "-u", help="Your account in the console; its password is asked for.")
]
NumberArgument = Annotated[int, typer.Argument(help="The number, as `bomc alerts silence proposals` shows it.", min=1)]
HERE = "terminal"
"""The address against which wrong passwords typed here count."""


def propose(
    matchers: Annotated[list[str], typer.Argument(help='Conditions that all hold: alertname=~".+".')],
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why nobody is to be told of anything.")],
    user: UserOption,
    duration: Annotated[
        str, typer.Option("--duration", "-d", help="How long from its approval on, at most 24h.")
    ] = "1h",
    home: HomeOption = None,
) -> None:
    """Propose a silence that mutes everything; another person approves it within 30 minutes. Prints its number."""
    from alerts.muting import proposals
    from alerts.routes.matchers import MatcherError, parse_all
    from core.duration import parse_duration

    try:
        parsed, length = parse_all(matchers), parse_duration(duration)
    except MatcherError as error:
        fail(f"{error}.")
    except ValueError as error:
        fail(f"--duration: {error}.")
    who = _person(home, user, "alerts.silence")

    def act(connection: Connection, _estate: Estate, now: datetime) -> int:
        return proposals.propose(connection, parsed, length, comment, who, now)

    typer.echo(carry_out(home, act))


def approve(number: NumberArgument, user: UserOption, home: HomeOption = None) -> None:
    """Approve what another person proposed: the silence holds from now on. Prints its id."""
    from alerts.muting import proposals

    who = _person(home, user, "alerts.approve")
    typer.echo(carry_out(home, lambda connection, _estate, now: proposals.approve(connection, number, who, now)))


def reject(
    number: NumberArgument,
    user: UserOption,
    reason: Annotated[str, typer.Option("--comment", "-c", help="Why it should not be.")] = "",
    home: HomeOption = None,
) -> None:
    """Reject a proposal with a reason, or withdraw one's own."""
    from alerts.muting import proposals
    from core.people.rights import allowed
    from core.people.users import require

    who = _person(home, user, "alerts.silence")

    def act(connection: Connection, _estate: Estate, now: datetime) -> None:
        may = allowed(require(connection, who).role, "alerts.approve")
        proposals.reject(connection, number, who, reason, now, approves=may)

    carry_out(home, act)
    out.print(f"Proposal {number} is taken off.", highlight=False)


def listed(home: HomeOption = None) -> None:
    """Show the proposals of the last seven days, and what became of them."""
    from alerts.muting import proposals

    def act(connection: Connection, estate: Estate, now: datetime) -> list[str]:
        zone = ZoneInfo(estate.settings.operator.timezone)
        lines = []
        for one in proposals.listed(connection, now - timedelta(days=7)):
            if one.waits(now):
                stands = f"waits until {one.lapses_at.astimezone(zone):%H:%M} for a second person"
            elif one.decision is None:
                stands = "lapsed"
            else:
                stands = f"{one.decision} by {one.decided_by}" + (f": {one.note}" if one.note else "")
            lines.append(f"{one.id}  {one.proposed_at.astimezone(zone):%Y-%m-%d %H:%M}  {one.proposed_by}  {stands}")
            lines.append(f"    {' '.join(str(each) for each in one.matchers)}: {one.reason}")
        return lines

    for line in carry_out(home, act) or ["There is no proposal."]:
        out.print(line, highlight=False, soft_wrap=True)


def _person(home: Path | None, name: str, right: str) -> str:
    """The account whose password was just given, with that right; else the program ends with a sentence."""
    from bomc.service import clock
    from core.people import passwords, throttle, users
    from core.people.rights import allowed
    from core.store.open import reading, writing

    place = home_of(home)
    engine, now = engine_of(place, estate_of(place)), clock()
    password = sys.stdin.readline().rstrip("\n") if not sys.stdin.isatty() else getpass.getpass("Password: ")
    with reading(engine) as connection:
        wait = throttle.wait(connection, name=users.canonical(name), address=HERE, now=now)
        account, stored = users.password_hash(connection, name)
    if wait:
        fail(f"Too many wrong passwords; try again in {int(wait.total_seconds()) + 1} s. Nothing was changed.")
    if not passwords.matches(stored, password) or account is None:
        with writing(engine) as connection:
            throttle.failed(connection, name=users.canonical(name), exists=account is not None, address=HERE, now=now)
        fail("The name or the password is wrong; nothing was changed.")
    if not allowed(account.role, right):
        fail(f"The role {account.role} of {account.name} does not include the right {right}; nothing was changed.")
    return account.name
