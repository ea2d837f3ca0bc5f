"""`bomc reconcile`: records that should agree, compared from the command line, and the evidence of that checked.

`three-way`, `verify` and `library` need no home folder and no configuration; `run` runs a control of the configuration.

Exit status: 0 ran without a break, 1 ran and found breaks, 2 wrong use, 3 refused.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bomc.commands.common import HomeOption, engine_of, err, estate_of, fail, home_of, out

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from zoneinfo import ZoneInfo

    from reconciliation.outcome import Outcome
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
    from reconciliation.three_way import request as asked

    _check_engine(engine)
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


@reconcile_app.command("run")
def run_control(
    name: Annotated[str, typer.Argument(help="The control, as its file is called.")],
    day: Annotated[str, typer.Option("--day", help="The business day, e.g. 2026-11-01.")],
    engine: Annotated[str, typer.Option("--engine", help="The engine that does the work.")] = "duckdb",
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate.")] = False,
    home: HomeOption = None,
) -> None:
    """Run a control of the configuration for one day, now; the running pipeline tells what came of it."""
    from bomc.assurance.runs import Runs
    from bomc.service import clock
    from reconciliation.engines import MissingEngine

    _check_engine(engine)
    place = home_of(home)
    estate = estate_of(place)
    control = next((each for each in estate.controls if each.name == name), None)
    if control is None:
        known = ", ".join(each.name for each in estate.controls) or "none"
        fail(f"There is no control {name!r} in {place.config / 'controls'}; there are: {known}.")
    business_day = _day(day)
    operator = _zone(estate.settings.operator.timezone)
    runs = Runs(engine_of(place, estate), place.path.resolve(), operator, clock, estate.settings.operator.language)
    try:
        outcome, _ = runs.run_day(control, business_day, engine)
    except MissingEngine as error:
        fail(f"--engine: {error}.")
    except OSError as error:
        fail(f"The result cannot be written to {place.runs}: {error.strerror or error}.")
    _tell(outcome, runs.folder(name, business_day), as_json=as_json)


@reconcile_app.command("verify")
def verify_result(
    directory: Annotated[Path, typer.Argument(help="The folder of a result, or one that holds a folder a day.")],
    previous: Annotated[
        Path | None, typer.Option("--previous", help="The result of the day before the first.", show_default=False)
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="A folder with the delivered files.", show_default=False)
    ] = None,
) -> None:
    """Check evidence offline, with nothing but its folder. Exit status: 0 sound, 1 not, 2 wrong use."""
    from reconciliation.verify import verify

    verdict = verify(directory, previous=previous, inputs=inputs)
    for sentence in verdict.checked:
        out.print(f"checked: {sentence}", highlight=False, soft_wrap=True)
    for sentence in verdict.faults:
        err.print(f"fault: {sentence}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    out.print("sound" if verdict.sound else f"NOT SOUND: {_many(len(verdict.faults), 'fault')}", highlight=False)
    raise typer.Exit(0 if verdict.sound else 1)


@reconcile_app.command("library")
def library(
    name: Annotated[str | None, typer.Argument(help="Print this control's file.", show_default=False)] = None,
) -> None:
    """List the ready controls, or print one: `bomc reconcile library NAME > config/controls/NAME.yaml`."""
    from rich.table import Table

    from core.yaml_file import read_yaml
    from reconciliation.controls import library as ready

    if name is not None:
        try:
            typer.echo(ready.text(name), nl=False)
        except KeyError as error:
            fail(f"{error.args[0]}.")
        return
    table = Table("control", "what it watches", "kind")
    for each in ready.names():
        found = read_yaml(ready.FOLDER / f"{each}.yaml").value
        table.add_row(each, f"{found['title']['en']} · {found['title']['zh']}", found["kind"])
    out.print(table)


def _check_engine(engine: str) -> None:
    from reconciliation.engines import ENGINES

    if engine not in ENGINES:
        fail(f"--engine: there is no engine {engine!r} here; there are: {', '.join(sorted(ENGINES))}.")


def _report(request: Request, *, as_json: bool) -> None:
    from reconciliation.engines import MissingEngine
    from reconciliation.three_way import run

    try:
        if err.is_terminal:
            with err.status("arrival") as status:
                outcome = run(request, progress=lambda stage: status.update(stage))
        else:
            outcome = run(request)
    except MissingEngine as error:
        fail(f"--engine: {error}.")
    except OSError as error:
        fail(f"The result cannot be written to {request.out}: {error.strerror or error}.")
    _tell(outcome, request.out, as_json=as_json)


def _tell(outcome: Outcome, folder: Path, *, as_json: bool) -> NoReturn:
    """Show what came of a run, and end with its exit status."""
    from reconciliation.certificate import as_text

    for sentence in outcome.notes:
        err.print(f"note: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for sentence in outcome.refused:
        err.print(f"refused: {sentence}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    if as_json and outcome.certificate:
        typer.echo(as_text(outcome.certificate), nl=False)
    elif outcome.certificate:
        _show(outcome.certificate, folder)
    raise typer.Exit(outcome.exit_status)


def _show(certificate: Mapping[str, Any], folder: Path) -> None:
    from rich.table import Table

    from reconciliation.rejects import FILE as REJECTS

    if certificate.get("kind") == "equation":
        _show_equation(certificate, folder)
        return
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
    rejected = sum(party["rejected"] for party in certificate["parties"].values())
    aside = f", {_many(rejected, 'row')} set aside in {REJECTS}" if rejected else ""
    out.print(
        f"{_many(certificate['breaks'], 'break')}, {certificate['carried']:,} carried{aside}; {ties}. Result in {folder}",
        highlight=False,
        soft_wrap=True,
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _show_equation(certificate: Mapping[str, Any], folder: Path) -> None:
    from rich.table import Table

    table = Table("quantity", "value", "unit", title=f"{certificate['control']} {certificate['business_day']}")
    table.columns[1].justify = "right"
    for name, quantity in certificate["quantities"].items():
        table.add_row(name, quantity["value"], quantity["unit"])
        for sentence in quantity.get("notes", ()):
            err.print(f"note: {name}: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    out.print(table)
    verdict = "in balance" if certificate["balanced"] else f"OUT OF BALANCE by {certificate['excess']}"
    out.print(
        f"{certificate['formula']} = {certificate['result']} {certificate['unit']}: {verdict}. Result in {folder}",
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
