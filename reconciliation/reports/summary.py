"""The sheet Summary: parameters, parties, breaks by class with live totals, and the lines that show 0 when all ties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from reconciliation.certificate import Certificate
from reconciliation.reports import cells
from reconciliation.reports.lines import Group, Held
from reconciliation.reports.words import Say, as_text

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

BACK: Final = "internal:'Summary'!A1"
_COUNTED: Final = ("rows", "rejected", "duplicates", "standing")
_VALUED: Final = ("amount_minor", "rejected_amount_minor", "duplicates_amount_minor", "standing_amount_minor")


class _Summary:
    """A place in the sheet that moves down, and the cells whose sum is 0 when everything ties."""

    def __init__(self, sheet: Worksheet, say: Say, styles: cells.Styles) -> None:
        self.sheet, self.say, self.styles = sheet, say, styles
        self.row = 0
        self.differences: list[str] = []

    def heading(self, words: str, note: str = "") -> None:
        self.row += 1
        self.sheet.write_string(self.row, 0, self.say(words), self.styles.heading)
        if note:
            self.sheet.write_string(self.row, 3, self.say(note), self.styles.note)
        self.row += 1

    def head(self, names: Sequence[str]) -> None:
        for column, name in enumerate(names):
            self.sheet.write_string(self.row, column, self.say(name), self.styles.head)
        self.row += 1

    def line(self, *values: object) -> None:
        """A row of values: text as text, integers as numbers, functions as cells that write themselves."""
        for column, value in enumerate(values):
            if callable(value):
                value(column)
            elif isinstance(value, int):
                cells.integer(self.sheet, self.row, column, value, self.styles.number)
            elif value is not None:
                cells.text(self.sheet, self.row, column, str(value), self.styles.plain)
        self.row += 1

    def formula(self, shape: str, value: int, *, tie: bool = False) -> Callable[[int], None]:
        """A cell with a formula and its value; `{A}` to `{N}` name cells of the same row."""

        def write(column: int) -> None:
            row = self.row + 1
            written = shape
            for letter in "ABCDEFGHIJKLMN":
                written = written.replace("{" + letter + "}", f"${letter}{row}")
            self.sheet.write_formula(self.row, column, written, self.styles.tie if tie else self.styles.number, value)
            if tie:
                self.differences.append(f"{'ABCDEFGHIJKLMN'[column]}{row}")

        return write

    def link(self, target: str, words: str) -> Callable[[int], None]:
        def write(column: int) -> None:
            self.sheet.write_url(self.row, column, target, self.styles.link, words)

        return write


def write_summary(
    sheet: Worksheet,
    certificate: Certificate,
    say: Say,
    styles: cells.Styles,
    heading: str,
    found: Held | None,
    refused: Held | None,
) -> None:
    """Write the sheet, after the sheets of lines whose totals it names."""
    page = _Summary(sheet, say, styles)
    for column, width in enumerate((30, 24, 13, 11, 11, 14, 14, 14, 14, 20, 20, 20, 14, 22)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, heading, styles.title)
    page.row = 1
    _parameters(page, certificate)
    if certificate.get("parties"):
        _parties(page, certificate, refused)
    if certificate.get("quantities"):
        _quantities(page, certificate)
    if found is not None:
        _classes(page, certificate, found)
    page.heading("Tie-out")
    if page.differences:
        total = "+".join(f"ABS({cell})" for cell in page.differences)
        page.line(say("Everything ties when this is 0"), page.formula(f"={total}", 0, tie=True))
    for name, label in (("rows_tie", "Rows tie"), ("amounts_tie", "Amounts tie"), ("balanced", "Balanced")):
        if name in certificate:
            page.line(say(label), say("yes") if certificate[name] else say("no"))
    cut = (found.cut if found else 0) + (refused.cut if refused else 0)
    if cut:
        note = "The text of {count} cells was longer than a spreadsheet holds and is cut; breaks.parquet has it whole."
        page.line(say(note).format(count=cut))
    page.line(say("A number of more than 15 digits is written as text, since a spreadsheet would round it."))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _parameters(page: _Summary, certificate: Certificate) -> None:
    page.heading("Parameters")
    for name in ("control", "control_version", "business_day", "engine"):
        if name in certificate:
            page.line(page.say(name), str(certificate[name]))
    for name, value in certificate.get("settings", {}).items():
        page.line(page.say(name), value if isinstance(value, int) else as_text(value))
    page.line(
        page.say("Hash of this certificate"), page.link("internal:'Certificate'!A1", str(certificate["hash"])[:16])
    )


def _parties(page: _Summary, certificate: Certificate, refused: Held | None) -> None:
    page.heading("Rows of each party")
    page.head(
        (
            "Party",
            "File",
            "Rows",
            "Rejected",
            "Duplicates",
            "Standing",
            "Difference",
            "Rejected, in this workbook",
            "Rejected, only in rejects.csv",
            "Difference",
            "Code",
        )
    )
    for name, party in certificate["parties"].items():
        rows, rejected, duplicates, standing = (party[column] for column in _COUNTED)
        line: list[object] = [
            page.link(f"internal:'Rejects'!A{refused.first[name] + 1}", page.say(name))
            if refused and name in refused.first
            else page.say(name),
            party["file"],
            rows,
            rejected,
            duplicates,
            standing,
            page.formula("={C}-{D}-{E}-{F}", rows - rejected - duplicates - standing, tie=True),
        ]
        if refused is not None:
            here, beyond = refused.count[name], refused.beyond[name]
            line += [
                page.formula(f"=COUNTIFS({refused.column('party', 'Rejects')},{{K}})", here),
                beyond,
                page.formula("={H}+{I}-{D}", here + beyond - rejected, tie=True),
                name,
            ]
        page.line(*line)
    page.heading(
        "Amounts of each party", "Control totals in minor units, as the file states them over all its currencies"
    )
    page.head(("Party", "File", "Amount", "Rejected", "Duplicates", "Standing", "Difference"))
    for name, party in certificate["parties"].items():
        amount, *places = (party[column] for column in _VALUED)
        exact = all(abs(value) <= cells.LARGEST_EXACT for value in (amount, *places))
        difference = amount - sum(places)
        page.line(
            page.say(name),
            party["file"],
            amount,
            *places,
            page.formula("={C}-{D}-{E}-{F}", difference, tie=True) if exact else difference,
        )


def _quantities(page: _Summary, certificate: Certificate) -> None:
    page.heading("Quantities")
    page.head(("Quantity", "Source", "Value", "Unit"))
    for name, quantity in certificate["quantities"].items():
        page.line(name, quantity.get("source") or "", _figure(quantity.get("value")), quantity.get("unit") or "")
    page.line(page.say("Formula"), str(certificate.get("formula", "")))
    page.line(page.say("Result"), _figure(certificate.get("result")), str(certificate.get("unit", "")))
    page.line(page.say("Tolerance"), _figure(certificate.get("tolerance")))


def _figure(value: object) -> object:
    """A figure as an integer where it is one, else as its text, which is exact."""
    return value if isinstance(value, int) and not isinstance(value, bool) else str("" if value is None else value)


def _classes(page: _Summary, certificate: Certificate, found: Held) -> None:
    page.heading("Breaks by class")
    page.head(
        (
            "Class",
            "Code",
            "Loser",
            "Currency",
            "Carried",
            "Lines, in this workbook",
            "Lines, only in breaks.parquet",
            "Lines, certified",
            "Difference",
            "At risk, in this workbook",
            "At risk, only in breaks.parquet",
            "At risk, certified",
            "Difference",
            "At risk, in units of the currency",
        )
    )
    certified = {_group(line): line for line in certificate.get("lines", [])}
    groups = sorted({*certified, *found.count, *found.beyond}, key=lambda group: (group[3], *group[:3]))
    first = page.row
    where = ",".join(
        f"{found.column(name, 'Breaks')},{{{letter}}}"
        for name, letter in (("class", "B"), ("loser", "C"), ("currency", "D"), ("carried", "E"))
    )
    for group in groups:
        _class_line(page, group, certified.get(group, {}), found, where)
    last = page.row
    if not groups:
        page.line(page.say("There is no break."))
    _totals(page, certificate, found, groups, (first + 1, last))
    page.heading("Keys at rest")
    page.head(("Class", "Code", "Keys"))
    published = {line["class"] for line in certificate.get("lines", [])}
    for name, total in certificate.get("classes", {}).items():
        if name not in published:
            page.line(page.say(name), name, total["count"])


def _class_line(page: _Summary, group: Group, certified: Any, found: Held, where: str) -> None:
    name, loser, currency, carried = group
    here, beyond = found.count[group], found.beyond[group]
    minor, minor_beyond = found.minor[group], found.minor_beyond[group]
    count, at_risk = certified.get("count", 0), certified.get("at_risk_minor", 0)
    exact = max(minor, minor_beyond, at_risk) <= cells.LARGEST_EXACT
    money = page.styles.units(currency)
    page.line(
        page.link(f"internal:'Breaks'!A{found.first[group] + 1}", page.say(name))
        if group in found.first
        else page.say(name),
        name,
        loser,
        currency,
        lambda column: page.sheet.write_boolean(page.row, column, carried),
        page.formula(f"=COUNTIFS({where})", here),
        beyond,
        count,
        page.formula("={F}+{G}-{H}", here + beyond - count, tie=True),
        page.formula(f"=SUMIFS({found.column('at_risk_minor', 'Breaks')},{where})", minor) if exact else minor,
        minor_beyond,
        at_risk,
        page.formula("={J}+{K}-{L}", minor + minor_beyond - at_risk, tie=True)
        if exact
        else minor + minor_beyond - at_risk,
        (
            lambda column: page.sheet.write_formula(
                page.row,
                column,
                f"=($J{page.row + 1}+$K{page.row + 1})/{10 ** cells.digits(currency)}",
                money,
                cells.in_units(minor + minor_beyond, currency),
            )
        )
        if exact
        else f"{cells.in_units(minor + minor_beyond, currency):f}",
    )


def _totals(
    page: _Summary, certificate: Certificate, found: Held, groups: Sequence[Group], rows: tuple[int, int]
) -> None:
    """Lines and money of breaks and of carried items, a row for each currency: two currencies are never added."""
    if not groups:
        return
    page.heading("Totals by currency")

    def span(letter: str) -> str:
        return f"${letter}${rows[0]}:${letter}${rows[1]}"

    for carried, label, stated in (
        (False, "Breaks, carried items apart", "breaks"),
        (True, "Carried items", "carried"),
    ):
        counts = {group: found.count[group] + found.beyond[group] for group in groups if group[3] == carried}
        total, truth = sum(counts.values()), "TRUE" if carried else "FALSE"
        both = "+".join(f"SUMIFS({span(letter)},{span('E')},{truth})" for letter in "FG")
        page.line(
            page.say(label),
            None,
            None,
            None,
            None,
            page.formula(f"={both}", total),
            None,
            certificate.get(stated, total),
            page.formula("={F}-{H}", total - int(certificate.get(stated, total)), tie=True),
        )
        for currency in sorted({group[2] for group in counts}):
            money = sum(found.minor[group] + found.minor_beyond[group] for group in counts if group[2] == currency)
            here = "+".join(f"SUMIFS({span(letter)},{span('D')},{{D}},{span('E')},{truth})" for letter in "JK")
            page.line(
                page.say("Money at risk"),
                None,
                None,
                currency,
                None,
                None,
                None,
                None,
                None,
                page.formula(f"={here}", money) if money <= cells.LARGEST_EXACT else money,
            )


def _group(line: Any) -> Group:
    return (line["class"], line["loser"], line["currency"], bool(line["carried"]))
