"""The page to sign: preparer and reviewer, filled from the signatures given, with empty lines where there is none.

A signature counts for the certificate whose hash it names, and until the run is opened again; the others are history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from reconciliation.certificate import Certificate
from reconciliation.reports.tables import table, visible
from reconciliation.reports.words import Say

_BOXES: Final = (
    ("prepared", "Prepared by", "I have prepared this reconciliation from the files named in it."),
    ("reviewed", "Reviewed by", "I have reviewed it, and its totals tie."),
)


def signoff(certificate: Certificate, say: Say, signatures: Sequence[Mapping[str, Any]]) -> str:
    """The section as HTML, beginning a new page."""
    standing = standing_signatures(certificate, signatures)
    boxes = "".join(_box(say, label, statement, standing.get(act)) for act, label, statement in _BOXES)
    words = say("The signatures apply to the certificate whose hash is {hash}.").format(hash=certificate["hash"])
    return (
        f'<section class="signoff"><h2>{escape(say("Sign-off"))}</h2><p>{escape(words)}</p>{boxes}'
        f"{_history(certificate, say, signatures)}</section>"
    )


def standing_signatures(
    certificate: Certificate, signatures: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The signature that counts for each act; a re-opening ends all before it, another certificate's counts for none."""
    standing: dict[str, Mapping[str, Any]] = {}
    for signature in signatures:
        if signature["act"] == "reopened":
            standing.clear()
        elif _fits(certificate, signature):
            standing[signature["act"]] = signature
    return standing


def _fits(certificate: Certificate, signature: Mapping[str, Any]) -> bool:
    return bool(signature.get("certificate_hash", certificate["hash"]) == certificate["hash"])


def _box(say: Say, label: str, statement: str, signature: Mapping[str, Any] | None) -> str:
    values = ("", "", "")
    if signature is not None:
        values = (str(signature["who"]), _when(signature), say("signed electronically"))
    cells = "".join(
        f'<td><div class="line">{escape(visible(value))}</div><div class="under">{escape(say(name))}</div></td>'
        for name, value in zip(("Name", "Date", "Signature"), values, strict=True)
    )
    comment = str(signature.get("comment") or "") if signature else ""
    said = f"<p>{escape(say('Comment'))}: {escape(visible(comment))}</p>" if comment else ""
    return (
        f'<div class="signature"><h3>{escape(say(label))}</h3><p>{escape(say(statement))}</p>{said}'
        f"<table><tbody><tr>{cells}</tr></tbody></table></div>"
    )


def _history(certificate: Certificate, say: Say, signatures: Sequence[Mapping[str, Any]]) -> str:
    if not signatures:
        return ""
    rows = [
        [
            _when(signature),
            str(signature["who"]),
            say(signature["act"]),
            str(signature.get("comment") or "")
            + ("" if _fits(certificate, signature) else f" ({say('of another certificate')})"),
        ]
        for signature in signatures
    ]
    head = [say("When"), say("Who"), say("Act"), say("Comment")]
    return f"<h3>{escape(say('History'))}</h3>{table(head, rows)}"


def _when(signature: Mapping[str, Any]) -> str:
    at = signature["at"]
    return str(at) if isinstance(at, str) else f"{at:%Y-%m-%d %H:%M %Z}".strip()
