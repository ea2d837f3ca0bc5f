"""Which rows of a delivered file can be used, as Ibis expressions: typed columns, and the first fault of each row.

`checked` gives every row the columns record_id, business_key, refund, occurred_at (an instant), amount, currency, status
and fee (null where they cannot be read), `fault` (0: none) and `offending` (the text of the faulty cell).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from core.money import EXPONENTS
from reconciliation.standard_record import COLUMNS, KINDS, STATUSES

if TYPE_CHECKING:
    import ibis.expr.types as ir

SUCCESS, FAILED, PENDING = 1, 2, 3
STATUS_CODES: Final = dict(zip(STATUSES, (SUCCESS, FAILED, PENDING), strict=True))

FAULTS: Final[tuple[tuple[str, str], ...]] = (
    ("record_id", "is empty or holds a line break"),
    ("business_key", "is empty or holds a line break"),
    ("kind", "is neither payment nor refund"),
    ("business_day", "is not the business day of this file"),
    ("occurred_at", "is not an ISO 8601 date and time with a time zone"),
    ("amount_minor", "is not an integer of 0 or more within 64 bits"),
    ("currency", "is not an ISO 4217 currency code"),
    ("status", "is not success, failed or pending"),
    ("fee_minor", "is not an integer within 62 bits"),
)
"""Column and reason of fault 1, 2, ...; a row has the first that fits."""
REPEATED: Final = len(FAULTS) + 1  # record_id is used already in this file
PLACEHOLDER: Final = -1  # no row at all: it keeps the place of a line that `mending` set aside

_USUAL_CURRENCY = "CNY"
_LARGEST_FEE = 2**62 - 1  # so that the difference of two fees fits 64 bits
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)$"
)


@dataclass(frozen=True, slots=True)
class Day:
    """A business day in a time zone: its two ends as instants, and the window around them that the cut-off explains."""

    business_day: date
    start: datetime
    end: datetime
    window: timedelta

    @property
    def offset(self) -> timedelta:
        """How far the zone is from UTC at the start of the day."""
        return self.start.utcoffset() or timedelta()

    @property
    def offset_text(self) -> str:
        """The same, as ISO 8601 writes it: `+08:00`."""
        return self.start.isoformat()[-6:]


def day_of(business_day: date, timezone: ZoneInfo, window: timedelta) -> Day:
    """The business day from midnight to midnight in its zone."""
    midnight = datetime.min.time()
    return Day(
        business_day,
        datetime.combine(business_day, midnight, timezone),
        datetime.combine(business_day + timedelta(days=1), midnight, timezone),
        window,
    )


def near(instant: ir.Value, boundary: datetime, window: timedelta) -> ir.BooleanValue:
    """Whether an instant lies within the window of a boundary, on either side, both ends included."""
    return (instant >= at(boundary - window)) & (instant <= at(boundary + window))


def at(instant: datetime) -> ir.Value:
    """A constant instant, in UTC."""
    import ibis
    from ibis.expr import datatypes

    utc = instant.astimezone(ZoneInfo("UTC"))
    return ibis.literal(utc, type=datatypes.Timestamp(timezone="UTC", scale=6))


def checked(text: ir.Table, day: Day, *, mended: bool) -> ir.Table:
    """Type and judge the rows of a file given as text columns. In a mended file, a row of nulls is a placeholder."""
    import ibis
    from ibis.expr import datatypes

    cells = {name: text[name] for name in text.columns if name in COLUMNS}
    cells.setdefault("fee_minor", ibis.null("string"))
    instant = cells["occurred_at"].try_cast(datatypes.Timestamp(timezone="UTC", scale=6))
    amount, fee = cells["amount_minor"].try_cast("int64"), cells["fee_minor"].try_cast("int64")
    plain_amount = (amount >= 0) & (amount.cast("string") == cells["amount_minor"])
    plain_fee = cells["fee_minor"].isnull() | (
        fee.between(-_LARGEST_FEE, _LARGEST_FEE) & (fee.cast("string") == cells["fee_minor"])
    )
    plain_instant = instant.notnull() & cells["occurred_at"].like("____-__-__T__:__:__" + day.offset_text)
    today, before = day.business_day.isoformat(), (day.business_day - timedelta(days=1)).isoformat()
    sound = {
        "record_id": cells["record_id"].notnull(),
        "business_key": cells["business_key"].notnull(),
        "kind": cells["kind"].isin(KINDS),
        "business_day": (cells["business_day"] == today)
        | ((cells["business_day"] == before) & near(instant, day.start, day.window)),
        "occurred_at": plain_instant | (instant.notnull() & cells["occurred_at"].re_search(_INSTANT)),
        "amount_minor": plain_amount | ((amount >= 0) & cells["amount_minor"].re_search("^[0-9]+$")),
        "currency": _is_currency(cells["currency"]),
        "status": cells["status"].isin(STATUSES),
        "fee_minor": plain_fee
        | (fee.between(-_LARGEST_FEE, _LARGEST_FEE) & cells["fee_minor"].re_search("^-?[0-9]+$")),
    }
    plain = {
        "business_day": cells["business_day"] == today,
        "occurred_at": plain_instant,
        "amount_minor": plain_amount,
        "currency": cells["currency"] == _USUAL_CURRENCY,
        "fee_minor": plain_fee,
    }
    # The usual row passes one cheap conjunction; only what it lets fall is looked at closely.
    faults = [(ibis.and_(*(plain.get(column, test) for column, test in sound.items())), _code(0))]
    if mended:
        faults.append((ibis.and_(*(text[name].isnull() for name in text.columns)), _code(PLACEHOLDER)))
    faults += [(~sound[column].fill_null(False), _code(code)) for code, (column, _) in enumerate(FAULTS, start=1)]
    fault = ibis.cases(*faults, else_=_code(0))
    offending = [(fault == 0, ibis.null("string"))]
    offending += [(fault == code, cells[column]) for code, (column, _) in enumerate(FAULTS, start=1)]
    return text.select(
        record_id=cells["record_id"],
        business_key=cells["business_key"],
        refund=cells["kind"] == "refund",
        occurred_at=instant,
        amount=ibis.cases((plain_amount, amount), (sound["amount_minor"], amount), else_=ibis.null("int64")),
        currency=cells["currency"],
        status=ibis.cases(
            *((cells["status"] == name, _code(code)) for name, code in STATUS_CODES.items()), else_=ibis.null("int8")
        ),
        fee=fee,
        fault=fault,
        offending=ibis.cases(*offending, else_=ibis.null("string")),
    )


def _is_currency(code: ir.StringValue) -> ir.BooleanValue:
    """Whether the code is one of the list; a search in one text, since engines turn long lists into joins."""
    import ibis

    listed = ibis.literal(f" {' '.join(sorted(EXPONENTS))} ")
    return (code.length() == 3) & listed.contains(ibis.literal(" ") + code + ibis.literal(" "))


def _code(code: int) -> ir.Value:
    import ibis

    return ibis.literal(code, "int8")
