"""`bomc status` and `bomc collect`: how it stands, and what a probe would bring."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bomc.commands.common import HomeOption, engine_of, estate_of, fail, home_of, out

if TYPE_CHECKING:
    from core.model import Indicator, Outcome


def status(
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Show how collection, alerts, tickets and reconciliation stand."""
    from bomc.service import clock
    from core.store.open import reading
    from dashboards.queries.status import status as read_status

    place = home_of(home)
    engine = engine_of(place, estate_of(place))
    with reading(engine) as connection:
        found = read_status(connection, clock())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), "unknown" if value is None else str(value))
    out.print(table)


def collect(
    target: Annotated[str, typer.Argument(help="The target's name in targets.yaml.")],
    once: Annotated[
        bool, typer.Option("--once", help="Ask each probe once, show what it returns, store nothing.")
    ] = False,
    home: HomeOption = None,
    probe: Annotated[str | None, typer.Option(help="Only the probe of this name.")] = None,
) -> None:
    """Show what the probes of a target return, without storing anything."""
    if not once:
        fail("`bomc collect` only tries probes by hand: say --once. `bomc up` or `bomc run` collects for good.")
    place = home_of(home)
    estate = estate_of(place)
    chosen = [item for item in estate.probes if item.target == target and probe in (None, item.name)]
    if target not in estate.targets:
        fail(f"There is no target {target!r} in {place.config / 'targets.yaml'}.")
    if not chosen:
        fail(f"The target {target!r} has no such probe.")
    failed = False
    from bomc.pipeline.indicators import declared
    from bomc.pipeline.probing import Prober
    from bomc.service import clock

    prober = Prober(place.path.resolve(), clock)
    units = {indicator.name: indicator for indicator in declared()}
    for item in chosen:
        with out.status(f"Asking {item.key}"):
            outcome = prober.run(item)
        units.update({indicator.name: indicator for indicator in outcome.indicators})
        if outcome.error is not None:
            failed = True
            out.print(f"{item.key}: failed after {outcome.took_s:.2f} s: {outcome.error}", style="red", markup=False)
            continue
        _show(item.key, outcome, units)
    if failed:
        raise typer.Exit(1)


def _show(key: str, outcome: Outcome, units: dict[str, Indicator]) -> None:
    from rich.table import Table

    from core.quantity import show_quantity

    table = Table(
        "indicator", "labels", "value", title=f"{key}: {len(outcome.samples)} samples in {outcome.took_s:.2f} s"
    )
    for sample in outcome.samples:
        indicator = units.get(sample.indicator)
        unit, kind = (indicator.unit, indicator.kind.value) if indicator else ("", "gauge")
        shown = show_quantity(sample.value, unit, kind)
        table.add_row(sample.indicator, ", ".join(f"{name}={value}" for name, value in sample.labels), shown)
    out.print(table)
    for note in outcome.notes:
        out.print(f"note: {note}", style="yellow", markup=False)
