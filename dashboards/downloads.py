"""What people take away: the files of a run as they were written, and what a page shows as CSV.

A run's files are those that `dashboards/files.py` finds. The CSV has a byte order mark, so that spreadsheets read
Chinese; cells that one would evaluate begin with an apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.store.open import reading
from dashboards import files
from dashboards.answers import refusal
from dashboards.api import needs
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say
from dashboards.pages import arrivals, breaks, leakage, reconciliation
from dashboards.queries import reconciliation as runs
from dashboards.queries.rows import Row
from reconciliation.desk.signatures import of_run as signatures_of

_EVALUATED = re.compile(r"[ \t\n\x0b\f\r]*[=+\-@＝＋－＠|%]|['\t\r\n]")  # what spreadsheets take for a formula
Rows = Iterable[Iterable[str]]
Export = Callable[[Console, Mapping[str, str], Say], Rows]
EXPORTS: Final[Mapping[str, Export]] = MappingProxyType(
    {
        "reconciliation": reconciliation.exported,
        "breaks": breaks.exported,
        "arrivals": arrivals.exported,
        "leakage": leakage.exported,
    }
)


def register(app: FastAPI, console: Console) -> None:
    """Add the routes, each with the right that its page needs."""

    @app.get("/reconciliation/{run}/files/{name}", dependencies=needs("see.reconciliation"), include_in_schema=False)
    def file_of_run(run: str, name: str) -> Response:
        """One file of a run, to be saved."""
        number = whole(run)
        with reading(console.engine) as connection:
            row = None if number is None else runs.run(connection, number)
            signatures = (
                signatures_of(connection, number) if row is not None and number and name == files.SIGNED else ()
            )
        if row is not None and signatures:
            return _signed(console, row, [dict(each._mapping) for each in signatures])
        place = None if row is None else files.find(console.home, row, name)
        if place is None:
            return refusal(404, f"Run {run[:16]} has no file of that name that can be taken away.")
        return FileResponse(place, media_type=files.FILES[name], filename=f"run-{number}-{name}")

    @app.get("/exports/{what}.csv", dependencies=needs("see.reconciliation"), include_in_schema=False)
    def export(what: str, request: Request) -> Response:
        """What that page shows with these filters, as CSV."""
        wanted = EXPORTS.get(what)
        if wanted is None:
            return refusal(404, f"There is no export {what[:32]}; there are {', '.join(EXPORTS)}.")
        text = as_csv(wanted(console, parse(request.url.query), speaking(console)))
        named = {"content-disposition": f'attachment; filename="{what}.csv"'}
        return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=named)


def _signed(console: Console, row: Row, signatures: Sequence[Mapping[str, Any]]) -> Response:
    """The run's report with its signatures, in the viewer's language."""
    from reconciliation import reports
    from reconciliation.certificate import CertificateError

    place = files.find(console.home, row, "report.pdf")
    if place is None:
        return refusal(404, f"Run {row['id']} has no report.")
    language = current_viewer().language
    card = next((each for each in console.controls if each.name == row["control"]), None)
    title = card.called(language) if card is not None else ""
    try:
        content = reports.signed(place.parent, signatures=signatures, language=language, title=title)
    except (reports.ReportError, CertificateError) as error:
        return refusal(503, f"{error}.")
    named = {"content-disposition": f'attachment; filename="run-{row["id"]}-{files.SIGNED}"'}
    return Response(content, media_type="application/pdf", headers=named)


def added_file(name: str, content: bytes, media_type: str) -> Response:
    """A file that somebody added, to be saved under its own name, never shown; the gate adds nosniff as to every answer."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=media_type, headers={"content-disposition": named})


def as_csv(rows: Rows) -> str:
    """Rows as CSV (RFC 4180) in which no cell is evaluated by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([("'" + cell) if _EVALUATED.match(cell) else cell for cell in row])
    return text.getvalue()
