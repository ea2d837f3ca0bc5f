"""report.pdf: what was reconciled, how it ties out, what did not match, the checksums, and a page to sign.

An A4 document of the archival kind PDF/A-2u, tagged, set by WeasyPrint from report.html and report.css. Nothing is
fetched from anywhere: every address but a `data:` one is refused. Dates and identifiers come from the certificate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from reconciliation import causes
from reconciliation.certificate import Certificate
from reconciliation.reports import tally
from reconciliation.reports.cells import document_date
from reconciliation.reports.sections import sections
from reconciliation.reports.words import Say

_TAGS: Final = {"en": "en", "zh_CN": "zh-Hans-CN"}
_SHORT: Final = 12


class DocumentError(Exception):
    """This machine cannot set the document; the sentence says why and what to install."""


def write(
    path: Path,
    folder: Path,
    certificate: Certificate,
    say: Say,
    language: str,
    signatures: tuple[Mapping[str, Any], ...],
    title: str,
) -> None:
    """Write the document of a result to `path`. Raises DocumentError when WeasyPrint or its libraries are missing."""
    found = tally.of_lines(folder, tuple(certificate.get("parties", {})))
    html = page(certificate, found, causes.read(folder), say, language, signatures, title)
    try:
        from weasyprint import CSS, HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise DocumentError(
            "the system libraries that set type are missing (install Pango: libpango-1.0-0, libpangoft2-1.0-0, "
            f"libharfbuzz-subset0): {error}"
        ) from error
    fetcher = URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    style = CSS(string=stylesheet(say), url_fetcher=fetcher)
    HTML(string=html, url_fetcher=fetcher).write_pdf(
        path,
        stylesheets=[style],
        pdf_identifier=bytes.fromhex(str(certificate["hash"]))[:16],
        pdf_variant="pdf/a-2u",
        pdf_tags=True,
    )


def page(
    certificate: Certificate,
    found: tally.Tally,
    common: Sequence[Mapping[str, Any]],
    say: Say,
    language: str,
    signatures: tuple[Mapping[str, Any], ...],
    title: str,
) -> str:
    """The document as HTML."""
    tied = all(certificate.get(name, True) for name in ("rows_tie", "amounts_tie", "balanced"))
    if certificate.get("kind") == "equation":
        verdict = "The quantities balance." if tied else "The quantities do not balance."
    elif tied:
        verdict = "Every row and every amount of every file is accounted for."
    else:
        verdict = "Rows or amounts are not all accounted for; do not sign."
    control, day, digest = (str(certificate[name]) for name in ("control", "business_day", "hash"))
    heading = title or control
    values = {
        "lang": _TAGS[language],
        "title": heading,
        "control": control,
        "hash": digest,
        "date": document_date(certificate).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "running_left": " · ".join(dict.fromkeys((heading, control, day))),
        "running_right": digest[:_SHORT],
        "kind": f"{say('Reconciliation report')} · {say('business_day')} {day}",
        "verdict": say(verdict),
        "verdict_class": "tied" if tied else "untied",
    }
    escaped = {name: escape(value) for name, value in values.items()}
    return Template(_read("report.html")).substitute(
        escaped, sections=sections(certificate, found, common, say, language, signatures)
    )


def stylesheet(say: Say) -> str:
    """The style, with the words of the page number."""
    words = say("Page {page} of {pages}").replace("{page}", "\0page\0").replace("{pages}", "\0pages\0").split("\0")
    content = " ".join(
        f"counter({word})" if word in ("page", "pages") else json.dumps(word, ensure_ascii=False)
        for word in words
        if word
    )
    return _read("report.css").replace("$page_of", content)


def _read(name: str) -> str:
    return (resources.files("reconciliation.reports") / name).read_text(encoding="utf-8")
