"""What every command shares: the home folder, the configuration, the store, and how a fault ends the program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from bomc.configuration.estate import Estate
    from bomc.home import Home

out = Console(markup=False)  # names and labels may hold brackets
err = Console(stderr=True, markup=False)
WRONG_USE = 2
DEFAULT_HOME = "~/.bomc"
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Of the instants that a person at the terminal can ask about; no zone leads out of the calendar there."""
Answer = TypeVar("Answer")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The home folder; BOMC_HOME if not given, else ~/.bomc.", show_default=False),
]


def fail(sentence: str, status: int = WRONG_USE) -> NoReturn:
    """Say why on standard error and end."""
    err.print(sentence, style="bold red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)


def in_known_years(at: datetime, said: str) -> None:
    """End unless the instant, which `said` calls as it was written, is in a year that is looked at."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        fail(f"{said} is in no year that is looked at; choose one from {FIRST_YEAR} to {LAST_YEAR}.")


def carry_out(home: Path | None, act: Callable[[Connection, Estate, datetime], Answer]) -> Answer:
    """One doing of a person at the terminal in one transaction; a refusal ends the program with its sentence."""
    from bomc.service import clock
    from core.refused import RefusedError
    from core.store.open import writing

    place = home_of(home)
    estate = estate_of(place)
    try:
        with writing(engine_of(place, estate)) as connection:
            return act(connection, estate, clock())
    except RefusedError as error:
        fail(by_clocks(estate)(str(error)))


def by_clocks(estate: Estate) -> Callable[[str], str]:
    """Says a sentence with the instants in it by the operator's clocks, with their zone."""
    from dashboards.sentences import by_zone

    return by_zone(estate.settings.operator.timezone)


def home_of(given: Path | None) -> Home:
    """The home folder that was asked for."""
    from bomc.home import Home

    return Home((given or Path(os.environ.get("BOMC_HOME") or DEFAULT_HOME)).expanduser())


def estate_of(home: Home) -> Estate:
    """The configuration of a home; every fault is shown and ends the program."""
    from bomc.configuration.estate import ConfigurationError, load_estate

    try:
        return load_estate(home.config)
    except ConfigurationError as error:
        for fault in error.faults:
            err.print(str(fault), markup=False, highlight=False, soft_wrap=True)
        many = "1 fault" if len(error.faults) == 1 else f"{len(error.faults)} faults"
        fail(f"The configuration in {home.config} has {many}; nothing was started.")


def engine_of(home: Home, estate: Estate, *, create: bool = False) -> Engine:
    """The store of a home, at the current schema. `create` makes it when it is empty; nothing else is changed."""
    from bomc.home import HomeError
    from core.store.open import StoreError, open_store, schema_fault, upgrade

    try:
        url = home.store_url(estate.settings)
        if url.startswith("sqlite:") and not create and not Path(url.removeprefix("sqlite:///")).exists():
            raise StoreError(f"There is no store in {home.path} yet; `bomc up` or `bomc db upgrade` makes one.")
        engine = open_store(url)
        fault = schema_fault(engine)
        if fault is not None and fault.empty and create:
            upgrade(engine)
        elif fault is not None:
            raise StoreError(fault.sentence)
        return engine
    except (StoreError, HomeError) as error:
        fail(str(error))
