"""The breaks of a run: one line for each key that is not at rest and for each surplus row, and how to read them again.

Lines are in the order of business_key, kind, class and record ids, so that the order of the rows delivered changes
nothing but the line numbers. `breaks.parquet` holds typed values as delivered (instants in UTC, nulls); `breaks.csv`
holds the same for people: instants in the offset that the day's zone has at the day's start, cells neutralised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.matching import Party
from reconciliation.rules import QUIET, Rules
from reconciliation.spreadsheet import neutral
from reconciliation.validation import KEPT, STATUS_CODES, Day

if TYPE_CHECKING:
    import ibis.expr.types as ir

FILE_CSV: Final = "breaks.csv"
FILE_PARQUET: Final = "breaks.parquet"
LEADING: Final = ("business_key", "kind", "class", "loser", "at_risk_minor", "currency", "carried")
OF_PARTY: Final = ("record_id", "amount_minor", "currency", "status", "fee_minor", "occurred_at", "file", "line")
_DELIVERED: Final = ("business_key", "record_id", "file")  # text of the sender's choosing; the rest is ours


def columns(parties: Iterable[str]) -> tuple[str, ...]:
    """The columns of a break, of the parties in their order."""
    return (*LEADING, *(f"{party}_{name}" for party in parties for name in OF_PARTY))


def found(classified: ir.Table, parties: Mapping[str, Party], rules: Rules) -> ir.Table:
    """Every break and carried item with its records, typed, and what else was kept of the records, as `kept_channel`."""
    table = _of_keys(classified, parties, rules)
    for name, party in parties.items():
        if party.surplus is not None:
            table = table.union(_surplus(name, party.surplus, rules))
    return table


def ordered(breaks: ir.Table, parties: Mapping[str, Party]) -> ir.Table:
    """The breaks in the order in which they are published.

    Record ids decide only between surplus rows of one key, so that those of a party without any are not compared.
    """
    ids = (f"{name}_record_id" for name, party in parties.items() if party.surplus is not None)
    return breaks.order_by(["business_key", "kind", "class", *(breaks[name].asc(nulls_first=True) for name in ids)])


def for_people(breaks: ir.Table, day: Day, parties: Iterable[str]) -> ir.Table:
    """The same lines as text for CSV."""
    return in_words(breaks.select(columns(parties)), day)


def in_words(table: ir.Table, day: Day) -> ir.Table:
    """A table as text for CSV: instants in the day's offset, cells of the sender's choosing neutralised."""
    import ibis

    shown: dict[str, ir.Value] = {}
    for name in table.columns:
        value = table[name]
        if value.type().is_timestamp():
            local = value.cast("timestamp") + ibis.interval(seconds=int(day.offset.total_seconds()))
            micros = local.microsecond()
            part = ibis.literal(".") + micros.cast("string").lpad(6, "0")
            text = local.strftime("%Y-%m-%dT%H:%M:%S") + ibis.ifelse(micros == 0, "", part)
            value = text + ibis.literal(day.offset_text)
        elif name.endswith(_DELIVERED):
            value = neutral(value)
        shown[name] = value
    return table.select(**shown)


def read_breaks(folder: Path, offset: int = 0, limit: int = 100, classes: Collection[str] = ()) -> list[dict[str, Any]]:
    """One page of a run's breaks in their published order, of the classes named or of all.

    Raises FileNotFoundError when the folder has no result.
    """
    from pyarrow import compute, dataset

    lines = dataset.dataset(folder / FILE_PARQUET, format="parquet")
    wanted = compute.field("class").isin(list(classes)) if classes else None
    page: list[dict[str, Any]] = []
    skip = offset
    for batch in lines.to_batches(filter=wanted):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        page += batch.slice(skip, limit - len(page)).to_pylist()
        skip = 0
        if len(page) >= limit:
            break
    return page


def _of_keys(classified: ir.Table, parties: Mapping[str, Party], rules: Rules) -> ir.Table:
    import ibis

    quiet = [rules.codes[name] for name in QUIET if name in rules.codes]
    broken = classified.filter(classified["class_code"].notin(quiet))
    picked = broken
    for name, party in parties.items():
        wanted = broken.select(row=broken[f"{name}_row"])
        side = _side(name, party.entered.semi_join(wanted, "row"))
        picked = picked.left_join(side, picked[f"{name}_row"] == side[f"{name}_at_row"])
    keys = ibis.coalesce(*(picked[f"{name}_key"] for name in parties))
    currency = _currency(picked, rules)
    return picked.select(
        **{
            "business_key": keys,
            "kind": _kind(picked["refund"]),
            "class": _class_name(picked["class_code"], rules),
            "loser": rules.loser(picked["class_code"], picked["refund"]),
            "at_risk_minor": picked["at_risk"].cast("int64"),
            "currency": currency,
            "carried": picked["carried"],
        },
        **{f"{party}_{column}": picked[f"{party}_{column}"] for party in parties for column in OF_PARTY},
        **{name: ibis.coalesce(*(picked[f"{party}_{name}"] for party in rules.speakers)) for name in kept(parties)},
    )


def _currency(picked: ir.Table, rules: Rules) -> ir.Value:
    """That of the first who speaks; where currencies differ, that of the record whose amount is at risk."""
    import ibis

    told = [picked[f"{name}_currency"] for name in rules.speakers]
    at_risk = [
        ibis.ifelse(
            picked[f"{name}_amount_minor"] == picked["at_risk"], picked[f"{name}_currency"], ibis.null("string")
        )
        for name in rules.speakers
    ]
    differ = picked["class_code"] == rules.codes["currency_mismatch"]
    return ibis.ifelse(differ, ibis.coalesce(*at_risk, *told), ibis.coalesce(*told))


def kept(parties: Mapping[str, Party]) -> tuple[str, ...]:
    """The names of the columns that were kept of the records besides the judged ones."""
    return tuple(name for name in next(iter(parties.values())).entered.columns if name.startswith(KEPT))


def _surplus(name: str, rows: ir.Table, rules: Rules) -> ir.Table:
    import ibis

    side = _side(name, rows)
    further = [column for column in rows.columns if column.startswith(KEPT)]
    code = ibis.literal(rules.codes[rules.duplicates[name]], "int8")
    lines = side.select(
        **{
            "business_key": side[f"{name}_key"],
            "kind": _kind(side[f"{name}_refund"]),
            "class": ibis.literal(rules.duplicates[name]),
            "loser": rules.loser(code, side[f"{name}_refund"]),
            "at_risk_minor": side[f"{name}_amount_minor"],
            "currency": side[f"{name}_currency"],
            "carried": ibis.literal(False),
        },
        **{f"{name}_{column}": side[f"{name}_{column}"] for column in OF_PARTY},
        **{column: side[f"{name}_{column}"] for column in further},
    )
    types = side.schema()
    others = {
        f"{party}_{column}": ibis.null(types[f"{name}_{column}"])
        for party in rules.parties
        if party != name
        for column in OF_PARTY
    }
    lines = lines.mutate(**others)
    return lines.select(*columns(rules.parties), *further)


def _side(name: str, rows: ir.Table) -> ir.Table:
    """One party's rows under the names that they have in a break."""
    import ibis

    values = {
        "at_row": rows["row"],
        "key": rows["business_key"],
        "refund": rows["refund"],
        "record_id": rows["record_id"],
        "amount_minor": rows["amount"],
        "currency": rows["currency"],
        "status": ibis.cases(
            *((rows["status"] == code, status) for status, code in STATUS_CODES.items()), else_=ibis.null("string")
        ),
        "fee_minor": rows["fee"],
        "occurred_at": rows["occurred_at"],
        "file": rows["file"],
        "line": rows["line"],
        **{column: rows[column] for column in rows.columns if column.startswith(KEPT)},
    }
    return rows.select(**{f"{name}_{column}": value for column, value in values.items()})


def _kind(refund: ir.Value) -> ir.Value:
    import ibis

    return ibis.ifelse(refund, "refund", "payment")


def _class_name(code: ir.Value, rules: Rules) -> ir.Value:
    import ibis

    return ibis.cases(*((code == number, name) for name, number in rules.codes.items()), else_=ibis.null("string"))
