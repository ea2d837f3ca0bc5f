"""`bomc reconcile`: records that should agree, compared from the command line. Needs no home folder and no configuration.

Exit status: 0 ran without a break, 1 ran and found breaks, 2 wrong use, 3 refused.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bomc.commands.common import err, fail, out

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from zoneinfo import ZoneInfo

    from reconciliation.request import Request

reconcile_app = typer.Typer(help="Compare records that should agree.", no_args_is_help=True)


@reconcile_app.callback()
def reconcile() -> None:
    """Compare records that should agree."""


@reconcile_app.command("three-way")
def three_way(
    day: Annotated[str, typer.Option("--day", help="The business day, e.g. 2026-11-01.")],
    billing: Annotated[
        Path, typer.Option("--billing", help="The billing system's file; FILE.manifest.json beside it.")
    ],
    platform: Annotated[Path, typer.Option("--platform", help="The service platform's file.")],
    payment: Annotated[Path, typer.Option("--payment", help="The payment channel's file.")],
    directory: Annotated[Path, typer.Option("--out", help="Folder for the result.")],
    engine: Annotated[str, typer.Option("--engine", help="The engine that does the work.")] = "duckdb",
    timezone: Annotated[str, typer.Option("--timezone", help="The business day's time zone.")] = "Asia/Shanghai",
    cutoff_minutes: Annotated[
        int,
        typer.Option("--cutoff-minutes", min=0, max=720, help="The cut-off window, in minutes."),
    ] = 30,
    tolerance_minor: Annotated[
        int, typer.Option("--tolerance", min=0, help="Difference that is none, minor units.")
    ] = 0,
    fee_tolerance_minor: Annotated[int, typer.Option("--fee-tolerance", min=0, help="The same for fees.")] = 0,
    carried: Annotated[Path | None, typer.Option("--carried", help="The day before's --out folder.")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Only the files for machines.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate.")] = False,
) -> None:
    """Match billing, platform and payment records of one business day and account for every row."""
    from reconciliation.engines import ENGINES
    from reconciliation.three_way import request as asked

    if engine not in ENGINES:
        fail(f"--engine: there is no engine {engine!r} here; there are: {', '.join(sorted(ENGINES))}.")
    request = asked(
        _day(day),
        billing,
        platform,
        payment,
        directory,
        timezone=_zone(timezone),
        cutoff_window=timedelta(minutes=cutoff_minutes),
        tolerance_minor=tolerance_minor,
        fee_tolerance_minor=fee_tolerance_minor,
        engine=engine,
        carried=carried,
        report=not no_report,
    )
    _report(request, as_json=as_json)


def _report(request: Request, *, as_json: bool) -> None:
    from reconciliation.certificate import as_text
    from reconciliation.three_way import run

    try:
        if err.is_terminal:
            with err.status("arrival") as status:
                outcome = run(request, progress=lambda stage: status.update(stage))
        else:
            outcome = run(request)
    except OSError as error:
        fail(f"The result cannot be written to {request.out}: {error.strerror or error}.")
    for sentence in outcome.notes:
        err.print(f"note: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for sentence in outcome.refused:
        err.print(f"refused: {sentence}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    if as_json and outcome.certificate:
        typer.echo(as_text(outcome.certificate), nl=False)
    elif outcome.certificate:
        _show(outcome.certificate, request.out)
    raise typer.Exit(outcome.exit_status)


def _show(certificate: Mapping[str, Any], folder: Path) -> None:
    from rich.table import Table

    table = Table(
        "class", "keys", "at risk (minor units)", title=f"{certificate['control']} {certificate['business_day']}"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, tally in sorted(certificate["classes"].items(), key=lambda item: -item[1]["count"]):
        if tally["count"]:
            table.add_row(name, f"{tally['count']:,}", f"{tally['at_risk_minor']:,}")
    out.print(table)
    ties = (
        "every row and every amount is accounted for"
        if certificate["rows_tie"] and certificate["amounts_tie"]
        else "NOT TIED"
    )
    out.print(
        f"{certificate['breaks']:,} breaks, {certificate['carried']:,} carried; {ties}. Result in {folder}",
        highlight=False,
        soft_wrap=True,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--day: {text!r} is no day; write it like 2026-11-01.")


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fail(f"--timezone: {name!r} is no time zone; write one like Asia/Shanghai.")
