"""Reports of a run for people and for the archive: a workbook, a document to sign, and the checksums of everything.

`write` adds report.xlsx, report.pdf and SHA256SUMS to a result. The same certificate, files, language, signatures and
title give the same bytes: the documents bear the business day and nothing of the clock or of the machine. They repeat
the certificate and add nothing to the evidence: a result without reports is as whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from reconciliation.certificate import load
from reconciliation.reports import checksums
from reconciliation.reports.words import speaker

WORKBOOK: Final = "report.xlsx"
DOCUMENT: Final = "report.pdf"
FILES: Final = (WORKBOOK, DOCUMENT, checksums.FILE)


class ReportError(Exception):
    """A report could not be written; the sentence says which, why, and what is there nevertheless."""


def write(
    folder: Path,
    certificate: Mapping[str, Any],
    *,
    language: str = "en",
    signatures: Sequence[Mapping[str, Any]] = (),
    title: str = "",
) -> tuple[str, ...]:
    """Write the reports of the result in `folder`, and return their names.

    `signatures` are rows with act (prepared, reviewed, reopened), who, at (aware), comment and certificate_hash, the
    oldest first. Each file appears whole, by a rename; SHA256SUMS is the last. Raises ReportError when the document
    cannot be rendered on this machine: the workbook and the checksums are there then. Raises ValueError for an unknown
    language.
    """
    from reconciliation.reports.document import DocumentError
    from reconciliation.reports.document import write as write_document
    from reconciliation.reports.workbook import write as write_workbook

    say = speaker(language)
    (folder / checksums.FILE).unlink(missing_ok=True)
    _put(folder, WORKBOOK, lambda path: write_workbook(path, folder, certificate, say, title))
    failed: DocumentError | None = None
    try:
        _put(
            folder,
            DOCUMENT,
            lambda path: write_document(path, folder, certificate, say, language, tuple(signatures), title),
        )
    except DocumentError as error:
        (folder / DOCUMENT).unlink(missing_ok=True)
        failed = error
    _put(folder, checksums.FILE, lambda path: _write_text(path, checksums.text(folder)))
    if failed is not None:
        raise ReportError(f"{DOCUMENT} was not written: {failed}. {WORKBOOK} is there") from failed
    return FILES


def attempted(
    folder: Path, certificate: Mapping[str, Any], *, language: str, title: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write the reports of a run; their names, and a sentence for what could not be written on this machine."""
    try:
        return write(folder, certificate, language=language, title=title), ()
    except ReportError as error:
        return tuple(name for name in FILES if (folder / name).exists()), (str(error),)


def signed(folder: Path, *, signatures: Sequence[Mapping[str, Any]], language: str = "en", title: str = "") -> bytes:
    """The document of the result in `folder` with its signatures, as PDF; the result itself stays as it is.

    Raises ReportError when it cannot be rendered on this machine, CertificateError when the result is damaged.
    """
    from reconciliation.reports import document

    certificate = load(folder)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / DOCUMENT
        try:
            document.write(path, folder, certificate, speaker(language), language, tuple(signatures), title)
        except document.DocumentError as error:
            raise ReportError(f"the report with its signatures was not made: {error}") from error
        return path.read_bytes()


def _put(folder: Path, name: str, write_to: Callable[[Path], None]) -> None:
    """Write a file under a temporary name, bring it to the disk, and rename it."""
    temporary = folder / f".{name}.part"
    try:
        write_to(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(folder / name)
    finally:
        temporary.unlink(missing_ok=True)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
