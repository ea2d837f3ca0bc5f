"""Running an equation for a business day: quantities, formula, verdict, and a certificate chained to the run before.

A result that is not known (a file missing, a divisor of 0) is a refusal with every reason: it is neither in balance nor out
of it. Out of balance is one break of the class `out_of_balance`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from reconciliation import certificate, reports
from reconciliation.breaks import FILE_CSV, FILE_PARQUET, LEADING
from reconciliation.controls.entries import OUT_OF_BALANCE, Balance, EquationControl, version
from reconciliation.controls.fields import LARGEST
from reconciliation.controls.file_totals import Day
from reconciliation.controls.formula import EXACT, Value, parse
from reconciliation.controls.quantities import Place, Quantity, measure, values_of
from reconciliation.controls.units import MONEY
from reconciliation.mending import SET_ASIDE_COLUMNS
from reconciliation.outcome import BREAKS, DONE, REFUSED, Outcome
from reconciliation.publishing import publish, workplace
from reconciliation.rejects import FILE as REJECTS
from reconciliation.request import SHANGHAI
from reconciliation.scanning import checksum

REJECT_COLUMNS: Final = ("party", "file", *SET_ASIDE_COLUMNS)
KIND: Final = "equation"
"""The kind of an equation's break, where records have payment and refund."""


def run(
    control: EquationControl,
    business_day: date,
    home: Path,
    out: Path,
    *,
    previous_hash: str | None = None,
    timezone: ZoneInfo = SHANGHAI,
    report: bool = False,
    language: str = "en",
    title: str = "",
) -> Outcome:
    """The outcome for one day; the result appears in `out`. A refused run has sentences and changes nothing there.

    `timezone` is the operator's, for a control whose calendar has none of its own; `report` asks for workbook and document
    in that language and under that title.
    """
    zone = ZoneInfo(control.calendar.timezone) if control.calendar.timezone else timezone
    quantities = measure(control, Place(home, Day(business_day, zone, control.calendar.cutoff)))
    reasons = [
        f"{found.name}: {found.reason}" for found in quantities.values() if _of_its_own(control, found, quantities)
    ]
    result = parse(control.formula).evaluate(values_of(quantities))
    if result.number is None and not reasons:
        reasons = [f"the result is not known: {result.reason}"]
    at_risk = _at_risk(control, result, quantities)
    if at_risk.number is None and not reasons:
        reasons = [f"the money at risk is not known: {at_risk.reason}"]
    if reasons or result.number is None or at_risk.number is None:
        return Outcome(control.name, business_day.isoformat(), REFUSED, refused=tuple(reasons))
    minor = int(at_risk.number.to_integral_value(ROUND_HALF_UP))
    if minor > LARGEST:
        sentence = f"the money at risk, {minor} minor units, is beyond 64 bits; look at the quantities"
        return Outcome(control.name, business_day.isoformat(), REFUSED, refused=(sentence,))
    balanced = excess(control.balanced, result.number) == 0
    lines = () if balanced else (_line(control, business_day, minor),)
    with workplace(out) as folder:
        if folder is None:
            sentence = f"{out}: another run is writing its result here; wait for its end"
            return Outcome(control.name, business_day.isoformat(), REFUSED, refused=(sentence,))
        outputs = _write(lines, folder)
        content = _content(control, business_day, zone, quantities, result.number, lines, outputs)
        sealed = certificate.seal(content, previous_hash)
        (folder / certificate.FILE).write_text(certificate.as_text(sealed), encoding="utf-8")
        reported, notes = reports.attempted(folder, sealed, language=language, title=title) if report else ((), ())
        for name in reports.FILES:
            if name not in reported:  # a run before this one had a report
                (out / name).unlink(missing_ok=True)
        paths = publish(folder, out, (*outputs, *reported))
    return Outcome(
        control.name,
        business_day.isoformat(),
        DONE if balanced else BREAKS,
        certificate=sealed,
        breaks=len(lines),
        paths=paths,
        notes=notes,
    )


def excess(balance: Balance, result: Decimal) -> Decimal:
    """How far the result is from what is in balance: 0 inside, positive above, negative below."""
    lowest, highest = balance.bounds
    if lowest is not None and result < lowest:
        return EXACT.subtract(result, lowest)
    if highest is not None and result > highest:
        return EXACT.subtract(result, highest)
    return Decimal(0)


def _of_its_own(control: EquationControl, found: Quantity, quantities: Mapping[str, Quantity]) -> bool:
    """Whether a quantity is not known for a reason of its own, and not for that of one it is derived from."""
    derived = control.quantities[found.name].derived
    names = parse(derived).names if derived is not None else ()
    return found.value is None and all(quantities[name].value is not None for name in names)


def _at_risk(control: EquationControl, result: Value, quantities: Mapping[str, Quantity]) -> Value:
    """The money at risk in minor units: the control's own formula, else the difference where it is money, else 0."""
    if result.number is None or excess(control.balanced, result.number) == 0:
        return Value(Decimal(0))
    if control.at_risk is not None:
        own = parse(control.at_risk).evaluate(values_of(quantities))
        return own if own.number is None else Value(EXACT.abs(own.number))
    if control.unit not in MONEY:
        return Value(Decimal(0))
    difference = result.number if control.balanced.tolerance is not None else excess(control.balanced, result.number)
    return Value(EXACT.abs(difference))


def _line(control: EquationControl, business_day: date, at_risk_minor: int) -> dict[str, Any]:
    currency = MONEY.get(control.unit) or next(iter(MONEY.values()))
    return {
        "business_key": business_day.isoformat(),
        "kind": KIND,
        "class": OUT_OF_BALANCE,
        "loser": control.loser,
        "at_risk_minor": at_risk_minor,
        "currency": currency,
        "carried": False,
    }


def _write(lines: tuple[dict[str, Any], ...], folder: Path) -> dict[str, str]:
    """The break as CSV and Parquet, an empty list of rejects (a bad row refuses a whole figure), and their SHA-256."""
    import pyarrow
    from pyarrow import parquet

    with (folder / FILE_CSV).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LEADING)
        writer.writerows([_cell(line[name]) for name in LEADING] for line in lines)
    (folder / REJECTS).write_text(f"{','.join(REJECT_COLUMNS)}\n", encoding="utf-8")
    types = {"at_risk_minor": pyarrow.int64(), "carried": pyarrow.bool_()}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in LEADING])
    parquet.write_table(pyarrow.Table.from_pylist(list(lines), schema=schema), folder / FILE_PARQUET)
    return {name: checksum(folder / name) for name in (FILE_CSV, FILE_PARQUET, REJECTS)}


def _cell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _content(
    control: EquationControl,
    business_day: date,
    zone: ZoneInfo,
    quantities: Mapping[str, Quantity],
    result: Decimal,
    lines: tuple[dict[str, Any], ...],
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """The certificate without its hash."""
    published = [
        {"carried": False, "class": line["class"], "loser": line["loser"], "currency": line["currency"], "count": 1}
        | {"at_risk_minor": line["at_risk_minor"]}
        for line in lines
    ]
    return {
        "control": control.name,
        "control_version": version(control),
        "kind": KIND,
        "business_day": business_day.isoformat(),
        "engine": "",
        "settings": {"timezone": zone.key, "cutoff": control.calendar.cutoff.isoformat("minutes")},
        "parties": {},
        "quantities": {
            name: {
                "value": shown(found.value),
                "unit": found.unit,
                "source": found.source,
                "sha256": found.sha256,
                **({"notes": list(found.notes)} if found.notes else {}),
            }
            for name, found in quantities.items()
        },
        "formula": control.formula,
        "result": shown(result),
        "unit": control.unit,
        "tolerance": shown(control.balanced.tolerance),
        "condition": condition(control.balanced),
        "excess": shown(excess(control.balanced, result)),
        "balanced": not lines,
        "classes": {line["class"]: {"count": 1, "at_risk_minor": line["at_risk_minor"]} for line in lines},
        "lines": published,
        "currencies": sorted({line["currency"] for line in lines}),
        "breaks": len(lines),
        "carried": 0,
        "cleared_by_cutoff": 0,
        "rows_tie": True,
        "amounts_tie": True,
        "outputs": dict(outputs),
    }


def condition(balance: Balance) -> dict[str, Any]:
    """What must hold, as the control says it: `{"at_least": "0.999"}`."""
    given = {
        name: getattr(balance, name)
        for name in ("tolerance", "at_least", "at_most")
        if getattr(balance, name) is not None
    }
    if balance.between is not None:
        return {"between": [shown(bound) for bound in balance.between]}
    return {name: shown(value) for name, value in given.items()}


def shown(number: Decimal | None) -> str | None:
    """A number as plain text without an exponent and without zeros that say nothing; None stays None."""
    if number is None:
        return None
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
