"""`bomc user` and `bomc token`: who may log in, and which machines may ask."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bomc.commands.common import HomeOption, carry_out, fail, out

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

user_app = typer.Typer(help="People's accounts.", no_args_is_help=True)
token_app = typer.Typer(help="Machines' tokens.", no_args_is_help=True)
Answer = TypeVar("Answer")
DepartmentOption = Annotated[
    str | None,
    typer.Option("--department", help="Code of the department, branch or integrator whose tickets are theirs."),
]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, operator, auditor, manager or admin.")]


def who() -> str:
    """Under what name the audit trail knows a person at the terminal."""
    return f"terminal:{getpass.getuser()}"


def _do(home: Path | None, act: Callable[[Connection, datetime], Answer]) -> Answer:
    return carry_out(home, lambda connection, _estate, now: act(connection, now))


@user_app.command("add")
def add(
    name: str,
    role: RoleOption,
    home: HomeOption = None,
    language: Annotated[str, typer.Option()] = "zh_CN",
    department: DepartmentOption = None,
) -> None:
    """Make an account; the password is asked for, or read from standard input when that is no terminal."""
    from core.people import users

    _require_party(home, department)
    password = _password()
    _do(
        home,
        lambda connection, now: users.add(
            connection,
            name=name,
            role=role,
            password=password,
            language=language,
            department=department or None,
            by=who(),
            now=now,
        ),
    )
    out.print(f"{name} can log in as {role}.", highlight=False)


@user_app.command("department")
def department(
    name: str,
    code: Annotated[str, typer.Argument(help="Its code; nothing to belong to none.")] = "",
    home: HomeOption = None,
) -> None:
    """Say to which department, branch or integrator somebody belongs: tickets that are passed on to it are theirs."""
    from core.people import users

    _require_party(home, code)
    _do(
        home,
        lambda connection, now: users.set_department(connection, name=name, department=code or None, by=who(), now=now),
    )
    out.print(f"{name} belongs to {code}." if code else f"{name} belongs to no department.", highlight=False)


@user_app.command("login")
def login(
    name: str,
    login: Annotated[str, typer.Argument(help="Their name at the terminal; nothing for the account's own.")] = "",
    home: HomeOption = None,
) -> None:
    """Say under which name of the operating system somebody works at the terminal, so that two pairs of eyes are two people."""
    from core.people import users

    _do(home, lambda connection, now: users.set_login(connection, name=name, login=login or None, by=who(), now=now))
    out.print(f"At the terminal {name} is {login or name}.", highlight=False)


def _require_party(home: Path | None, code: str | None) -> None:
    """Ends the program when there is no department, branch or integrator of that code."""
    if not code:
        return
    from bomc.commands.common import estate_of, home_of

    parties = estate_of(home_of(home)).tickets.parties
    if code not in parties:
        fail(f"There is no department, branch or integrator {code!r}; choose one of {', '.join(parties)}.")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        fail("The two passwords differ; nothing was changed.")
    return password


@user_app.command("disable")
def disable(name: str, home: HomeOption = None) -> None:
    """Close an account; its sessions end at once."""
    from core.people import users

    _do(home, lambda connection, now: users.disable(connection, name=name, by=who(), now=now))
    out.print(f"{name} can no longer log in.", highlight=False)


@user_app.command("list")
def list_users(home: HomeOption = None) -> None:
    """Show all accounts."""
    from rich.table import Table

    from core.people import users

    table = Table("name", "role", "department", "login", "language", "since", "state")
    for user in _do(home, lambda connection, now: users.everybody(connection)):
        state = f"disabled {user.disabled_at:%Y-%m-%d}" if user.disabled_at else "active"
        since = f"{user.created_at:%Y-%m-%d}"
        table.add_row(user.name, user.role, user.department or "", user.login or "", user.language, since, state)
    out.print(table)


@token_app.command("create")
def create_token(
    name: str,
    role: RoleOption,
    home: HomeOption = None,
    expires_in: Annotated[
        str | None, typer.Option(help="How long it is good for, e.g. 90d; for ever if not given.")
    ] = None,
) -> None:
    """Make a bearer token for a machine and print it, once."""
    from core.duration import parse_duration
    from core.people import tokens

    try:
        length = parse_duration(expires_in) if expires_in is not None else None
        if length is not None and not length:
            raise ValueError("a token that has expired already is of no use; leave it out for one that never does")
    except ValueError as error:
        fail(f"--expires-in: {error}.")
    secret = _do(
        home,
        lambda connection, now: tokens.create(
            connection, name=name, role=role, by=who(), now=now, expires_at=now + length if length else None
        ),
    )
    typer.echo(secret)


@token_app.command("revoke")
def revoke_token(name: str, home: HomeOption = None) -> None:
    """Make a token worthless."""
    from core.people import tokens

    _do(home, lambda connection, now: tokens.revoke(connection, name=name, by=who(), now=now))
    out.print(f"The token {name} is revoked.", highlight=False)


@token_app.command("list")
def list_tokens(home: HomeOption = None) -> None:
    """Show all tokens; never their secrets."""
    from rich.table import Table

    from core.people import tokens

    table = Table("name", "role", "made", "expires", "state")
    for token in _do(home, lambda connection, now: tokens.all_tokens(connection)):
        expires = f"{token.expires_at:%Y-%m-%d %H:%M}" if token.expires_at else "never"
        state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "in force"
        table.add_row(token.name, token.role, f"{token.created_at:%Y-%m-%d}", expires, state)
    out.print(table)
