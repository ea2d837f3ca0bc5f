"""report.xlsx: Summary with live totals, Breaks and Rejects line by line, Certificate with the hashes.

Every total of the summary that the lines can give is a formula over them, with its value stored beside it for readers
that do not calculate; beside each stands what the certificate says, and their difference, which is 0. Sheet names and
column names of lines stay in English, since formulas and other programs name them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from reconciliation import breaks, rejects
from reconciliation.certificate import Certificate
from reconciliation.reports import cells
from reconciliation.reports.lines import Held, write_breaks, write_rejects
from reconciliation.reports.summary import BACK, write_summary
from reconciliation.reports.words import Say

LINES_HELD: Final = 1_000_000
"""Lines of a sheet; a sheet ends at 1,048,576 rows, and programs that open it grow slow long before."""


def write(
    path: Path, folder: Path, certificate: Certificate, say: Say, title: str, lines_held: int = LINES_HELD
) -> None:
    """Write the workbook of a result to `path`."""
    heading = title or f"{say('Reconciliation report')} · {certificate['control']}"
    book = cells.open_workbook(path, certificate, heading)
    styles = cells.Styles(book)
    summary = book.add_worksheet("Summary")
    found: Held | None = None
    refused: Held | None = None
    if (folder / breaks.FILE_PARQUET).is_file():
        sheet = book.add_worksheet("Breaks")
        found = write_breaks(sheet, folder, certificate, say, styles, lines_held, BACK)
    if (folder / rejects.FILE).is_file():
        refused = write_rejects(book.add_worksheet("Rejects"), folder, say, styles, lines_held, BACK)
    evidence = book.add_worksheet("Certificate")
    _write_certificate(evidence, certificate, say, styles)
    write_summary(summary, certificate, say, styles, heading, found, refused)
    summary.activate()
    book.close()


def _write_certificate(sheet: Any, certificate: Certificate, say: Say, styles: cells.Styles) -> None:
    """The chain of hashes, and the checksums of what went in and of what came out."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 70)
    sheet.write_url(0, 0, BACK, styles.link, say("Back to the summary"))
    rows: list[tuple[str, str, str]] = [
        (say(name), "", str(certificate[name]))
        for name in ("control", "control_version", "business_day", "engine")
        if name in certificate
    ]
    rows += [
        (say("Hash of this certificate"), "", certificate["hash"]),
        (
            say("Hash of the certificate before"),
            "",
            certificate.get("previous_hash") or say("none: the first of its chain"),
        ),
    ]
    rows += [(f"{say('Inputs')}: {say(name)}", file, digest) for name, file, digest in inputs(certificate)]
    rows += [(say("Outputs"), name, digest) for name, digest in certificate.get("outputs", {}).items()]
    for row, line in enumerate(rows, start=2):
        for column, value in enumerate(line):
            sheet.write_string(row, column, value, styles.plain)


def inputs(certificate: Certificate) -> list[tuple[str, str, str]]:
    """Name of the party or quantity, file, and SHA-256 of each input."""
    found = [(name, party["file"], party["sha256"]) for name, party in certificate.get("parties", {}).items()]
    found += [
        (name, str(quantity.get("source") or ""), str(quantity["sha256"]))
        for name, quantity in certificate.get("quantities", {}).items()
        if quantity.get("sha256")
    ]
    if certificate.get("adjusted"):
        found.append(("adjusted", "", str(certificate["adjusted"])))
    return found
