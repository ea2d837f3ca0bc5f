"""The sections of the document, each a function of the certificate and the lines that gives HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from core.money import format_minor
from reconciliation.certificate import Certificate
from reconciliation.reports.signoff import signoff
from reconciliation.reports.tables import Figure, Hash, Key, named, table, visible
from reconciliation.reports.tally import Tally
from reconciliation.reports.waterfall import steps, svg
from reconciliation.reports.words import Say, as_text
from reconciliation.reports.workbook import inputs

_CAUSES: Final = 10  # the greatest of them; causes.json has all


def sections(
    certificate: Certificate,
    found: Tally,
    causes: Sequence[Mapping[str, Any]],
    say: Say,
    language: str,
    signatures: Sequence[Mapping[str, Any]],
) -> str:
    """All sections in the order in which they are read."""
    parts = [_parameters(certificate, say)]
    if certificate.get("parties"):
        parts += [_key_figures(certificate, say, language), _parties(certificate, say), _way(certificate, found, say)]
    if certificate.get("quantities"):
        parts.append(_quantities(certificate, say))
    if "lines" in certificate:
        parts += [
            _classes(certificate, say, language),
            _causes(causes, say, language),
            _greatest(certificate, found, say, language),
        ]
    parts += [_checksums(certificate, say), signoff(certificate, say, signatures)]
    return "\n".join(parts)


def amount(minor: int, currency: str, language: str) -> str:
    """An amount for a reader; of a currency that ISO 4217 does not list, its minor units and its code."""
    try:
        return format_minor(minor, currency, language)
    except ValueError:
        return f"{minor:,} {currency}"


def _parameters(certificate: Certificate, say: Say) -> str:
    rows = [(name, str(certificate[name])) for name in ("control", "control_version", "engine") if name in certificate]
    if "rules" in certificate:
        rows.append(("rules", say(certificate["rules"])))
    rows += [(name, as_text(value)) for name, value in certificate.get("settings", {}).items()]
    rows += [("passes", as_text(each)) for each in certificate.get("passes") or ()]
    return _titled(say("Parameters"), named([(say(name), value) for name, value in rows]))


def _key_figures(certificate: Certificate, say: Say, language: str) -> str:
    at_risk: dict[str, int] = {}
    for line in certificate.get("lines", []):
        if not line["carried"]:
            at_risk[line["currency"]] = at_risk.get(line["currency"], 0) + line["at_risk_minor"]
    matched = certificate.get("classes", {}).get("matched", {}).get("count", 0)
    rows = [
        (say("Matched keys"), f"{matched:,}"),
        (say("Breaks, carried items apart"), f"{certificate.get('breaks', 0):,}"),
        (say("Carried items"), f"{certificate.get('carried', 0):,}"),
        (say("Cleared by the cut-off"), f"{certificate.get('cleared_by_cutoff', 0):,}"),
        (say("Rejected rows"), f"{sum(party['rejected'] for party in certificate['parties'].values()):,}"),
    ]
    money = [amount(minor, currency, language) for currency, minor in sorted(at_risk.items())]
    rows.append((say("Money at risk"), "; ".join(money) or say("No currency has money at risk.")))
    return _titled(say("Key figures"), named(rows))


def _parties(certificate: Certificate, say: Say) -> str:
    """The tie-out: what the file holds less its places is 0, in rows and in money."""
    places = ("rejected", "duplicates", "standing")
    head = [say("Party"), *(Figure(say(word)) for word in ("Rows", "Rejected", "Duplicates", "Standing", "Difference"))]
    money = [
        say("Party"),
        *(Figure(say(word)) for word in ("Amount", "Rejected", "Duplicates", "Standing", "Difference")),
    ]
    rows: list[list[str]] = []
    amounts: list[list[str]] = []
    for name, party in certificate["parties"].items():
        counts = [party["rows"], *(party[place] for place in places)]
        minors = [party["amount_minor"], *(party[f"{place}_amount_minor"] for place in places)]
        for target, values in ((rows, counts), (amounts, minors)):
            figures = (*values, values[0] - sum(values[1:]))
            target.append([say(name), *(Figure(f"{value:,}") for value in figures)])
    note = say("Control totals in minor units, as the file states them over all its currencies")
    ties = [
        (say(label), say("tied") if certificate[name] else say("does not tie"))
        for name, label in (("rows_tie", "Rows tie"), ("amounts_tie", "Amounts tie"))
        if name in certificate
    ]
    return _titled(
        say("Tie-out"),
        f"<h3>{escape(say('Rows of each party'))}</h3>{table(head, rows)}"
        f"<h3>{escape(say('Amounts of each party'))}</h3>{table(money, amounts)}"
        f'<p class="note">{escape(note)}</p>{named(ties)}',
    )


def _way(certificate: Certificate, found: Tally, say: Say) -> str:
    walked = steps(certificate, found, say)
    if not walked:
        return ""
    head = [say("Step"), Figure(say("Change")), Figure(say("Level"))]
    rows = [
        [step.label, Figure("" if step.change is None else f"{step.change:+,}"), Figure(f"{step.level:,}")]
        for step in walked
    ]
    first, *_, last = certificate["parties"]
    title = say("Rows from {first} to {last}").format(first=say(first), last=say(last))
    return _titled(title, svg(walked, say) + table(head, rows))


def _quantities(certificate: Certificate, say: Say) -> str:
    rows = [
        [
            name,
            str(quantity.get("source") or ""),
            Figure(_plain(quantity.get("value"))),
            str(quantity.get("unit") or ""),
        ]
        for name, quantity in certificate["quantities"].items()
    ]
    head = [say("Quantity"), say("Source"), Figure(say("Value")), say("Unit")]
    result = [
        (say("Formula"), str(certificate.get("formula", ""))),
        (say("Result"), f"{_plain(certificate.get('result'))} {certificate.get('unit') or ''}".strip()),
        (say("Tolerance"), _plain(certificate.get("tolerance"))),
        (say("Balanced"), say("yes") if certificate.get("balanced") else say("no")),
    ]
    return _titled(say("Quantities"), table(head, rows) + named(result))


def _plain(value: object) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str("" if value is None else value)
    )


def _classes(certificate: Certificate, say: Say, language: str) -> str:
    lines = certificate["lines"]
    quiet = [
        [say(name), say("none"), "", Figure(f"{total['count']:,}"), ""]
        for name, total in certificate.get("classes", {}).items()
        if name not in {line["class"] for line in lines}
    ]
    rows = [
        [
            say(line["class"]),
            say(line["loser"]),
            say("yes") if line["carried"] else "",
            Figure(f"{line['count']:,}"),
            Figure(amount(line["at_risk_minor"], line["currency"], language)),
        ]
        for line in lines
    ]
    head = [say("Class"), say("Who loses"), say("Carried"), Figure(say("Lines")), Figure(say("At risk"))]
    return _titled(say("Breaks by class"), table(head, rows + quiet))


def _causes(causes: Sequence[Mapping[str, Any]], say: Say, language: str) -> str:
    """What breaks have in common, a sentence each; no section when nothing stands out."""
    if not causes:
        return ""
    sentences = "".join(f"<li>{escape(visible(str(cause['sentence'][language])))}</li>" for cause in causes[:_CAUSES])
    return _titled(say("Causes"), f"<ul>{sentences}</ul>")


def _greatest(certificate: Certificate, found: Tally, say: Say, language: str) -> str:
    if not found.greatest:
        return _titled(say("The greatest breaks"), f"<p>{escape(say('There is no break.'))}</p>")
    parts = []
    parties = tuple(certificate.get("parties", {}))
    head = [say("Business key"), say("Class"), say("Who loses"), Figure(say("At risk")), say("Where")]
    for currency, lines in found.greatest.items():
        caption = say("The {count} greatest of {total} breaks in {currency}").format(
            count=f"{len(lines):,}", total=f"{found.breaks[currency]:,}", currency=currency
        )
        rows = [
            [
                Key(line["business_key"]),
                f"{say(line['class'])} · {say(line['kind'])}" if line["kind"] == "refund" else say(line["class"]),
                say(line["loser"]),
                Figure(amount(line["at_risk_minor"], currency, language)),
                "; ".join(_place(line, party, say, language) for party in parties if line[f"{party}_line"] is not None),
            ]
            for line in lines
        ]
        parts.append(f"<h3>{escape(caption)}</h3>{table(head, rows, 'where')}")
    return _titled(say("The greatest breaks"), "".join(parts))


def _place(line: Mapping[str, Any], party: str, say: Say, language: str) -> str:
    """The party's amount, and the line of its file."""
    where = say("line {line}").format(line=line[f"{party}_line"])
    minor, currency = line[f"{party}_amount_minor"], line[f"{party}_currency"]
    sum_ = "" if minor is None or currency is None else f" {amount(minor, currency, language)}"
    return f"{say(party)}{sum_} ({where})"


def _checksums(certificate: Certificate, say: Say) -> str:
    head = ["", say("File"), say("SHA-256")]
    rows: list[Iterable[str]] = [[say(name), file, Hash(digest)] for name, file, digest in inputs(certificate)]
    rows += [[say("Outputs"), name, Hash(digest)] for name, digest in certificate.get("outputs", {}).items()]
    before = certificate.get("previous_hash")
    chain = named(
        [
            (say("Hash of this certificate"), Hash(certificate["hash"])),
            (
                say("Hash of the certificate before"),
                Hash(before) if before else say("none: the first of its chain"),
            ),
        ]
    )
    return _titled(say("Checksums"), table(head, rows) + chain)


def _titled(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"
