"""Items that the previous day's run could not settle, brought into this one as rows.

They are the lines marked `carried` in that run's `breaks.parquet`; its certificate tells that file's SHA-256, so that
nothing edited between the two days slips in. A carried row has a negative `row`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from reconciliation.certificate import Certificate, CertificateError, load
from reconciliation.matching import RECORD
from reconciliation.scanning import checksum
from reconciliation.validation import STATUS_CODES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine


def inspect(folder: Path, business_day: date) -> tuple[Certificate | None, tuple[str, ...]]:
    """The previous run's certificate, and a sentence for each reason why its carried items cannot be trusted."""
    try:
        certificate = load(folder)
        digest = checksum(folder / "breaks.parquet")
    except (CertificateError, OSError) as error:
        return None, (f"{folder}: the previous result cannot be carried forward ({error}); run that day again",)
    faults = []
    if digest != certificate["outputs"]["breaks.parquet"]:
        faults.append(f"{folder}: breaks.parquet differs from what its certificate states; run that day again")
    if certificate["business_day"] >= business_day.isoformat():
        faults.append(
            f"{folder}: the previous result is of {certificate['business_day']}, which is not before {business_day}"
        )
    return certificate, tuple(faults)


def read(engine: Engine, folder: Path | None, adjusted: Path | None, parties: Iterable[str]) -> dict[str, ir.Table]:
    """The rows of each party that are brought in, with the columns that `matching.arrange` joins to today's: what the
    previous day's result `folder` marked as carried, and all of `adjusted`."""
    import ibis

    brought = []
    if folder is not None:
        breaks = engine.read_parquet(folder / "breaks.parquet")
        brought.append(breaks.filter(breaks["carried"]))
    if adjusted is not None:
        lines = engine.read_parquet(adjusted)
        brought.append(lines.select(brought[0].columns).cast(brought[0].schema()) if brought else lines)
    if not brought:
        return {}
    items = engine.number("carried_items", brought[0] if len(brought) == 1 else brought[0].union(brought[1]))
    found = {}
    for party in parties:
        rows = items.filter(items[f"{party}_record_id"].notnull())
        records = rows.select(
            row=-1 - rows["row"],
            record_id=rows[f"{party}_record_id"],
            business_key=rows["business_key"],
            refund=rows["kind"] == "refund",
            occurred_at=rows[f"{party}_occurred_at"],
            amount=rows[f"{party}_amount_minor"],
            currency=rows[f"{party}_currency"],
            status=ibis.cases(
                *((rows[f"{party}_status"] == name, ibis.literal(code, "int8")) for name, code in STATUS_CODES.items()),
                else_=ibis.null("int8"),
            ),
            fee=rows[f"{party}_fee_minor"],
            file=rows[f"{party}_file"],
            line=rows[f"{party}_line"],
        )
        found[party] = records.select("row", *RECORD, "file", "line")
    return found
