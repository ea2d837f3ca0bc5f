"""The command line `bomc`: one table of commands, each in a file of `bomc/commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from bomc import __version__
from bomc.commands import (
    alerts,
    change,
    deliveries,
    demo,
    heartbeats,
    look,
    oncall,
    people,
    reconcile,
    serve,
    setup,
    tickets,
)

app = typer.Typer(
    name="bomc",
    help="Operations monitoring and revenue assurance for a telecom operator, in one pipeline.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"bomc {__version__}")
        raise typer.Exit


@app.callback()
def bomc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Operations monitoring and revenue assurance for a telecom operator, in one pipeline."""


app.command()(setup.init)
app.add_typer(setup.config_app, name="config")
app.add_typer(setup.db_app, name="db")
app.command()(serve.up)
app.command()(serve.serve)
app.command()(serve.run)
app.command()(demo.demo)
app.add_typer(people.user_app, name="user")
app.add_typer(people.token_app, name="token")
deliveries.register(alerts.alerts_app)
app.add_typer(alerts.alerts_app, name="alerts")
app.command()(look.status)
app.command()(look.collect)
app.add_typer(change.change_app, name="change")
app.add_typer(reconcile.reconcile_app, name="reconcile")
app.add_typer(heartbeats.heartbeat_app, name="heartbeat")
app.add_typer(oncall.oncall_app, name="oncall")
app.add_typer(tickets.ticket_app, name="ticket")


def main() -> None:
    """Run the command line."""
    app()
