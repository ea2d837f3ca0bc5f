"""A match control and a business day as the request that the match takes."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reconciliation.controls.entries import MatchControl, PartyEntry, Pass, version
from reconciliation.controls.file_totals import filled
from reconciliation.controls.match_faults import SOURCES
from reconciliation.passes import Batch, Fuzzy, Tolerance
from reconciliation.passes import Pass as MatchPass
from reconciliation.request import SHANGHAI, PartyFile, Request


def request_of(
    control: MatchControl,
    business_day: date,
    home: Path,
    out: Path,
    *,
    carried: Path | None = None,
    previous_hash: str | None = None,
    timezone: ZoneInfo = SHANGHAI,
) -> Request:
    """The request for one day; `timezone` is the operator's, for a control whose calendar has none of its own."""
    return Request(
        business_day=business_day,
        parties=tuple(_file(name, party, business_day, home) for name, party in control.parties.items()),
        out=out,
        rules=control.rules,
        timezone=ZoneInfo(control.calendar.timezone) if control.calendar.timezone else timezone,
        cutoff=control.calendar.cutoff,
        cutoff_window=control.calendar.cutoff_window,
        tolerance_minor=control.tolerance.amount_minor,
        fee_tolerance_minor=control.tolerance.fee_minor,
        time_tolerance=control.tolerance.time if control.rules == "general" else None,
        losers=control.losers,
        passes=tuple(_pass(entry) for entry in control.passes),
        control=control.name,
        control_version=version(control),
        previous_hash=previous_hash,
        carried=carried,
        dimensions=control.dimensions,
    )


def _file(name: str, party: PartyEntry, business_day: date, home: Path) -> PartyFile:
    path = Path(filled(party.path, business_day)).expanduser()
    return PartyFile(name, path if path.is_absolute() else home / path, party.source, settings_of(party))


def settings_of(party: PartyEntry) -> BaseModel | None:
    """The source's own settings as its Config; None for a source without settings."""
    module = SOURCES[party.source]
    if module is None:
        return None
    model: type[BaseModel] = importlib.import_module(module).Config
    return model.model_validate(party.settings)


def _pass(entry: Pass) -> MatchPass:
    if entry.tolerance is not None:
        return Tolerance(entry.tolerance.amount_minor, entry.tolerance.time, entry.tolerance.same, entry.between)
    if entry.batch is not None:
        return Batch(entry.batch.by, entry.batch.amount_minor, entry.between)
    if entry.fuzzy is not None:
        return Fuzzy(entry.fuzzy.amount_minor, entry.fuzzy.time, entry.fuzzy.likeness, entry.between)
    raise ValueError("a pass is one of tolerance, batch and fuzzy")
