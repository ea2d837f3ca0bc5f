"""Which rows of a delivered file can be used, as Ibis expressions: typed columns, and the first fault of each row.

`checked` gives every row the columns record_id, business_key, refund, occurred_at (an instant), amount, currency, status
and fee (null where they cannot be read), `fault` (0: none) and `offending` (the text of the faulty cell).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from core.money import EXPONENTS
from reconciliation.picking import ROW
from reconciliation.standard_record import DIMENSIONS, KINDS, STATUSES

if TYPE_CHECKING:
    import ibis.expr.types as ir

SUCCESS, FAILED, PENDING = 1, 2, 3
STATUS_CODES: Final = dict(zip(STATUSES, (SUCCESS, FAILED, PENDING), strict=True))

FAULTS: Final[tuple[tuple[str, str], ...]] = (
    ("record_id", "is empty or blank, or holds a line break"),
    ("business_key", "is empty or blank, or holds a line break"),
    ("kind", "is neither payment nor refund"),
    ("business_day", "is not the business day of this file"),
    ("occurred_at", "is not an ISO 8601 date and time with a time zone"),
    ("amount_minor", "is not an integer of 0 or more within 64 bits"),
    ("currency", "is not an ISO 4217 currency code"),
    ("status", "is not success, failed or pending"),
    ("fee_minor", "is not an integer within 62 bits"),
)
"""Column and reason of fault 1, 2, ...; a row has the first that fits."""
OTHER_DAY: Final = 1 + [column for column, _ in FAULTS].index("business_day")
TEXT_FAULTS: Final = tuple((column, "holds a line break or a NUL") for column in DIMENSIONS)
"""Those that follow on `FAULTS`: a source of texts that may hold such signs names the column as `BROKEN`."""
BROKEN: Final = "column with a line break"
"""The column of a source's text that names the column at fault, null where none is; no standard record has one so called."""
KEPT: Final = "kept_"
NOON: Final = time(12)
PLACEHOLDER: Final = -1  # no row at all: it keeps the place of a line that `mending` set aside

_JUDGED = tuple(column for column, _ in FAULTS)
_OWN = ("record_id", "business_day", "occurred_at")  # what each party says for itself
_USUAL_CURRENCY = "CNY"
_LARGEST_FEE = 2**62 - 1  # so that the difference of two fees fits 64 bits
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
    r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)$"
)
_FIRST_SIGN = "!"  # every text that begins with it, or with a later sign, says something
_ANY_SIGN = r"[^ \t\x0b\x0c]"
_AFTER_THE_LAST_HOUR = "T24"  # which some engines take for the midnight that follows, and others for nothing


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


def day_of(business_day: date, timezone: ZoneInfo, window: timedelta, cutoff: time = time(0)) -> Day:
    """The business day from cut-off to cut-off in its zone."""
    start, end = (day_end(business_day - timedelta(days=back), timezone, cutoff) for back in (1, 0))
    return Day(business_day, start, end, window)


def day_end(business_day: date, timezone: ZoneInfo, cutoff: time = time(0)) -> datetime:
    """The instant at which a business day ends: at a cut-off after noon on the day itself (a day that is cut at 23:00
    began at 23:00 of the day before), at any other on the day after."""
    return datetime.combine(business_day + timedelta(days=0 if cutoff > NOON else 1), cutoff, timezone)


def near(instant: ir.Value, boundary: datetime, window: timedelta) -> ir.BooleanValue:
    """Whether an instant lies within the window of a boundary, on either side, both ends included."""
    return (instant >= at(boundary - window)) & (instant <= at(boundary + window))


def micros(instant: ir.Value) -> ir.Value:
    """An instant as whole microseconds since the epoch, so that differences of instants are numbers on every engine."""
    return instant.epoch_seconds().cast("int64") * 1_000_000 + instant.microsecond().cast("int64")


def column(rows: ir.Table, name: str) -> ir.Value:
    """A column of the records by its standard name, kept beside the judged ones or among them."""
    return rows[name] if name in rows.columns else rows[KEPT + name]


def at(instant: datetime) -> ir.Value:
    """A constant instant, in UTC."""
    import ibis
    from ibis.expr import datatypes

    utc = instant.astimezone(ZoneInfo("UTC"))
    return ibis.literal(utc, type=datatypes.Timestamp(timezone="UTC", scale=6))


def checked(text: ir.Table, day: Day, *, mended: bool, keep: tuple[str, ...] = ()) -> ir.Table:
    """Type and judge the rows of a file given as text columns. In a mended file, a row of nulls is a placeholder.

    The columns named in `keep` go along as `kept_NAME`, null where the file has none of that name; the number of each
    row goes along as `row` where the text has it (`picking.ROW`).
    """
    import ibis

    typed = _typed(text, day, mended=mended, keep=keep)
    tests = _sound(typed, day)
    # The usual row passes one cheap conjunction; only what it lets fall is looked at closely.
    faults = [(ibis.and_(*_plain(typed, day).values()), _code(0))]
    if mended:
        faults.append((typed["nothing"], _code(PLACEHOLDER)))
    faults += [(~tests[column].fill_null(False), _code(code)) for code, (column, _) in enumerate(FAULTS, start=1)]
    if BROKEN in typed.columns:
        texts = enumerate(TEXT_FAULTS, start=len(FAULTS) + 1)
        faults += [((typed[BROKEN] == column).fill_null(False), _code(code)) for code, (column, _) in texts]
    judged = typed.mutate(fault=ibis.cases(*faults, else_=_code(0)))
    offending = [(judged["fault"] == 0, ibis.null("string"))]
    offending += [(judged["fault"] == code, judged[column]) for code, (column, _) in enumerate(FAULTS, start=1)]
    amount = (judged["plain_amount"], judged["amount"]), (_sound(judged, day)["amount_minor"], judged["amount"])
    status = ((judged["status"] == name, _code(code)) for name, code in STATUS_CODES.items())
    return judged.select(
        "record_id",
        "business_key",
        refund=judged["kind"] == "refund",
        occurred_at=judged["instant"],
        amount=ibis.cases(*amount, else_=ibis.null("int64")),
        currency=judged["currency"],
        status=ibis.cases(*status, else_=ibis.null("int8")),
        fee=judged["fee"],
        fault=judged["fault"],
        offending=ibis.cases(*offending, else_=ibis.null("string")),
        **{KEPT + name: judged[KEPT + name] for name in keep},
        **({"row": judged["row"]} if "row" in judged.columns else {}),
    )


def plain(text: ir.Table, day: Day, *, alike: bool) -> ir.Table:
    """The text with `amount` and `plain`: whether nothing of a row needs a closer look, since it says success and every
    cell has its plainest form. With `alike` only the cells are looked at that no other party has in common.
    """
    import ibis

    typed = _typed(text, day, mended=False, keep=(), zoned=False)
    tests = _plain(typed, day)
    tests["status"] = typed["status"] == STATUSES[SUCCESS - 1]
    if alike:
        tests = {name: tests[name] for name in (*_OWN, "status", *_unbroken(typed))}
    else:
        usual = typed["currency"] == _USUAL_CURRENCY
        tests["currency"] = ibis.cases((usual, True), else_=_is_currency(typed["currency"]))
    return typed.mutate(plain=ibis.and_(*tests.values()).fill_null(False))


def _plain(typed: ir.Table, day: Day) -> dict[str, ir.BooleanValue]:
    """A test of each judged column that is cheaper than `_sound` and that nothing unsound passes."""
    return {
        **_sound(typed, day),
        **_unbroken(typed),
        "business_day": typed["business_day"] == day.business_day.isoformat(),
        "occurred_at": typed["plain_instant"],
        "amount_minor": typed["plain_amount"],
        "currency": typed["currency"] == _USUAL_CURRENCY,
        "fee_minor": typed["plain_fee"],
    }


def _typed(text: ir.Table, day: Day, *, mended: bool, keep: tuple[str, ...], zoned: bool = True) -> ir.Table:
    """The cells, what they say as values (null: nothing), and whether they say it in the plainest form. Where the instants
    are not asked for, only whether they are some, `zoned` is false: a date and time alone are read in less time.

    The steps are tables of their own, so that every value is worked out once however often it is asked for.
    """
    import ibis
    from ibis.expr import datatypes

    cells = {name: text[name] for name in text.columns if name in _JUDGED}
    cells.setdefault("fee_minor", ibis.null("string"))
    values = text.select(
        **cells,
        instant=cells["occurred_at"].try_cast(datatypes.Timestamp(timezone="UTC" if zoned else None, scale=6)),
        amount=cells["amount_minor"].try_cast("int64"),
        fee=cells["fee_minor"].try_cast("int64"),
        **{KEPT + name: text[name] if name in text.columns else ibis.null("string") for name in keep},
        **({"nothing": ibis.and_(*(text[name].isnull() for name in text.columns if name != ROW))} if mended else {}),
        **({"row": text[ROW].cast("int64")} if ROW in text.columns else {}),
        **({BROKEN: text[BROKEN]} if BROKEN in text.columns else {}),
    )
    instant, amount, fee = values["instant"], values["amount"], values["fee"]
    return values.mutate(
        plain_instant=instant.notnull()
        & values["occurred_at"].like("____-__-__T__:__:__" + day.offset_text)
        & ~values["occurred_at"].contains(_AFTER_THE_LAST_HOUR),
        plain_amount=(amount >= 0) & (amount.cast("string") == values["amount_minor"]),
        plain_fee=values["fee_minor"].isnull()
        | (fee.between(-_LARGEST_FEE, _LARGEST_FEE) & (fee.cast("string") == values["fee_minor"])),
    )


def _sound(typed: ir.Table, day: Day) -> dict[str, ir.BooleanValue]:
    """The test of each judged column, by its name."""
    instant, amount, fee = typed["instant"], typed["amount"], typed["fee"]
    today, before = day.business_day.isoformat(), (day.business_day - timedelta(days=1)).isoformat()
    return {
        "record_id": _says_something(typed["record_id"]),
        "business_key": _says_something(typed["business_key"]),
        "kind": typed["kind"].isin(KINDS),
        "business_day": (typed["business_day"] == today)
        | ((typed["business_day"] == before) & near(instant, day.start, day.window)),
        "occurred_at": typed["plain_instant"] | (instant.notnull() & typed["occurred_at"].re_search(_INSTANT)),
        "amount_minor": typed["plain_amount"] | ((amount >= 0) & typed["amount_minor"].re_search("^[0-9]+$")),
        "currency": _is_currency(typed["currency"]),
        "status": typed["status"].isin(STATUSES),
        "fee_minor": typed["plain_fee"]
        | (fee.between(-_LARGEST_FEE, _LARGEST_FEE) & typed["fee_minor"].re_search("^-?[0-9]+$")),
    }


def _says_something(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text has more than blanks: two parties' blank cells are no key that they share."""
    return (text >= _FIRST_SIGN) | text.re_search(_ANY_SIGN)


def _unbroken(typed: ir.Table) -> dict[str, ir.BooleanValue]:
    """The test that no other text holds a line break, for the sources in which one may."""
    return {BROKEN: typed[BROKEN].isnull()} if BROKEN in typed.columns else {}


def _is_currency(code: ir.StringValue) -> ir.BooleanValue:
    """Whether the code is one of the list; a search in one text, since engines turn long lists into joins."""
    import ibis

    listed = ibis.literal(f" {' '.join(sorted(EXPONENTS))} ")
    return (code.length() == 3) & listed.contains(ibis.literal(" ") + code + ibis.literal(" "))


def _code(code: int) -> ir.Value:
    import ibis

    return ibis.literal(code, "int8")
