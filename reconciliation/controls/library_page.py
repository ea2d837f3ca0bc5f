"""docs/controls.md: how a control is written, and the ready ones, made from the models and the files of the library.

`python -m reconciliation.controls.library_page > docs/controls.md` writes it anew; a test holds the two together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.duration import show_duration
from reconciliation.controls import library
from reconciliation.controls.definition import (
    Balance,
    BatchPass,
    Calendar,
    CdrHeaders,
    Condition,
    EquationControl,
    FileTotal,
    FuzzyPass,
    Limits,
    MatchControl,
    PartyEntry,
    Pass,
    QuantityEntry,
    RunField,
    Schedule,
    SqlNumber,
    Tolerance,
    TolerancePass,
    read_controls,
)
from reconciliation.controls.equation import condition
from reconciliation.controls.match_faults import FETCHES, SOURCES
from reconciliation.controls.quantities import source_of

INTRODUCTION = """# Controls

Made from the models and the library by `python -m reconciliation.controls.library_page > docs/controls.md`; a test holds them
together.

A *control* is one YAML file, `config/controls/NAME.yaml` in the home folder, that says what is reconciled for each business
day. There are two kinds: a **match** compares the records of two or more parties key by key (docs/reconciliation.md), an
**equation** takes quantities that must add up, or a ratio that must hold. Everything wrong in all files is said at once, with
file and line.

A business day is run on the next calendar day, at `schedule.at`; a run that has not happened by `deadline` is a fault of its own.
Times are local, of `calendar.timezone` or else the operator's, and stand in quotes. Lengths of time are written `30m`, `7d`.
"""
FORMULAS = """## Formulas and units

A formula has the names of quantities, plain numbers, `+ - * /`, parentheses, `abs(a)`, `min(a, b)` and `max(a, b)`. Sums,
differences and products are exact; a quotient has 28 significant digits. It is at most 1,000 characters long.

Every quantity has a unit: `"1"` for plain counts, `fen`, `s`, `min`, `MB`, `fen/min`. What is added, subtracted or compared must
have one unit, `*` and `/` combine and cancel units, a number in a formula has none (0 goes with all), and the result must have
the control's `unit`; a definition in which units do not add up is *unbalanced* and refused.

A quantity that cannot be had - a missing file, a cell that is no number, an amount beyond 64 bits, a query that fails - is
unknown, never 0, and so is a quotient by 0. A run with an unknown result is refused with every reason: it is neither in balance
nor out of it. A file with a manifest beside it must tie to it. Several files are taken together where the path has `*` or `?`.

Out of balance is one break, of the class `out_of_balance`. The money at risk is `at_risk`, a formula in fen; without it, the
result itself where that is in fen and should be 0, what lies beyond the bound where it has one, and 0 where it is no money.
"""
MODELS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("Both kinds", "", MatchControl),
    ("schedule", "", Schedule),
    ("calendar", "", Calendar),
    ("limits", "Each limit has `warning`, `critical` or both.", Limits),
    ("A match", "", MatchControl),
    ("parties.NAME", f"Sources: {', '.join(SOURCES)}. Fetches: {', '.join(FETCHES)}.", PartyEntry),
    ("tolerance", "", Tolerance),
    (
        "passes",
        "Each is one of tolerance, batch and fuzzy, such as `{between: [platform, bank], tolerance: {time: 2h}}`. What they do\n"
        "with three to five parties is in docs/reconciliation.md.",
        Pass,
    ),
    ("passes: tolerance", "", TolerancePass),
    ("passes: batch", "", BatchPass),
    ("passes: fuzzy", "", FuzzyPass),
    ("An equation", "", EquationControl),
    ("balanced", "", Balance),
    ("quantities.NAME", "", QuantityEntry),
    ("quantities.NAME.file", "", FileTotal),
    ("quantities.NAME.file.where.COLUMN", "A bare value means equals, a list means any_of.", Condition),
    ("quantities.NAME.sql", "The session cannot write, and the query is one SELECT.", SqlNumber),
    ("quantities.NAME.cdr_headers", "", CdrHeaders),
    ("quantities.NAME.run", "", RunField),
)
EXAMPLE = "05-mediation-balance"
EXAMPLE_DAY = date(2026, 11, 1)


def page() -> str:
    """The whole page, as Markdown."""
    example = f"An equation, as it stands in the library:\n\n```yaml\n{library.text(EXAMPLE)}```\n"
    return "\n".join([INTRODUCTION, example, *_fields(), FORMULAS, *_library()]).rstrip() + "\n"


def _fields() -> Iterator[str]:
    common = [name for name in MatchControl.model_fields if name in EquationControl.model_fields]
    for title, words, model in MODELS:
        own = model in (MatchControl, EquationControl) and title != "Both kinds"
        names = (
            common if title == "Both kinds" else [name for name in model.model_fields if not own or name not in common]
        )
        yield f"### {title}\n"
        if words:
            yield f"{words}\n"
        yield "| field | default | |\n| --- | --- | --- |"
        yield from (_field(name, model.model_fields[name]) for name in names)
        yield ""


def _field(name: str, field: FieldInfo) -> str:
    default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
    return f"| `{field.alias or name}` | {default} | {field.description or ''} |"


def _default(value: Any) -> str:
    if value is None or value == "" or value == () or value == {} or isinstance(value, BaseModel):
        return ""
    if isinstance(value, timedelta):
        return f"`{show_duration(value)}`"
    if isinstance(value, time):
        return f'`"{value:%H:%M}"`'
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _library() -> Iterator[str]:
    controls, faults = read_controls(library.FOLDER)
    if faults:
        raise ValueError("\n".join(str(fault) for fault in faults))
    yield "## The library\n"
    yield (
        f"{len(controls)} ready controls, numbered as in the list of controls that a mobile operator runs. Copy one to\n"
        "`controls/` and put your own paths, databases and limits in; any `file:` may become `sql:`.\n"
    )
    for control in controls:
        yield f"### {control.number}. {control.title.en}\n"
        yield f"{control.title.zh} · `{control.name}` · {control.owner} · {_schedule(control.schedule)}\n"
        yield from _equation(control) if isinstance(control, EquationControl) else _match(control)
        yield f"{control.runbook}\n"


def _schedule(schedule: Schedule) -> str:
    if schedule.cycles is not None:
        return f"days {', '.join(map(str, schedule.cycles))} of the month"
    return f"day {schedule.month_day} of the month" if schedule.month_day is not None else str(schedule.days or "daily")


def _match(control: MatchControl) -> Iterator[str]:
    parties = ", ".join(f"{name} (`{party.path}`, {party.source})" for name, party in control.parties.items())
    ratio = control.limits.match_ratio
    yield f"Match by the {control.rules} rules of {parties}; unit: keys and fen."
    limit = f" A warning below {ratio.warning}, critical below {ratio.critical} of all keys matched." if ratio else ""
    yield f"{limit.strip()}\n"


def _equation(control: EquationControl) -> Iterator[str]:
    bounds = ", ".join(
        f"{name.replace('_', ' ')} {_bound(value)}" for name, value in condition(control.balanced).items()
    )
    yield f"`{control.formula}` in `{control.unit}`: {bounds}."
    if control.at_risk is not None:
        yield f"At risk: `{control.at_risk}` in `fen`."
    yield "\n| quantity | unit | from |\n| --- | --- | --- |"
    for name, entry in control.quantities.items():
        yield f"| `{name}` | {entry.unit or ''} | {_from(entry)} |"
    yield ""


def _bound(value: Any) -> str:
    return " and ".join(value) if isinstance(value, list) else str(value)


def _from(entry: QuantityEntry) -> str:
    if isinstance(entry.value, Decimal):
        return f"the constant {entry.value}"
    words = f"`{entry.derived}`" if entry.derived is not None else source_of(entry, EXAMPLE_DAY)
    return words.replace("|", "\\|").replace(EXAMPLE_DAY.isoformat(), "DAY")


if __name__ == "__main__":
    sys.stdout.write(page())
