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
RoleOption = Annotated[str, typer.Option("--role", help="viewer, operator, auditor, manager or admin.")]


def who() -> str:
    """Under what name the audit trail knows a person at the terminal."""
    return f"terminal:{getpass.getuser()}"


def _do(home: Path | None, act: Callable[[Connection, datetime], Answer]) -> Answer:
    return carry_out(home, lambda connection, _estate, now: act(connection, now))


@user_app.command("add")
def add(
    name: str, role: RoleOption, home: HomeOption = None, language: Annotated[str, typer.Option()] = "zh_CN"
) -> None:
    """Make an account; the password is asked for, or read from standard input when that is no terminal."""
    from core.people import users

    password = _password()
    _do(
        home,
        lambda connection, now: users.add(
            connection, name=name, role=role, password=password, language=language, by=who(), now=now
        ),
    )
    out.print(f"{name} can log in as {role}.", highlight=False)


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

    table = Table("name", "role", "language", "since", "state")
    for user in _do(home, lambda connection, now: users.everybody(connection)):
        state = f"disabled {user.disabled_at:%Y-%m-%d}" if user.disabled_at else "active"
        table.add_row(user.name, user.role, user.language, f"{user.created_at:%Y-%m-%d}", state)
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
