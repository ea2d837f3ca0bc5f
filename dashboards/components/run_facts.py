"""Parameters and evidence of a run, and what its breaks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from dashboards.components.panels import facts
from dashboards.components.words import LOSER, break_class, word
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

SETTINGS = {
    "timezone": mark("time zone"),
    "cutoff": mark("the business day ends at"),
    "cutoff_window_s": mark("cut-off window, seconds"),
    "tolerance_minor": mark("tolerance, minor units"),
    "fee_tolerance_minor": mark("tolerance of fees, minor units"),
    "time_tolerance_s": mark("tolerance of time, seconds"),
    "losers": mark("who loses"),
}


def about(row: Row, certificate: Mapping[str, Any], before: Row | None, _: Say) -> html.Dl:
    """Parameters, and the chain of certificates by hash."""
    took_s = (row["finished_at"] - row["started_at"]).total_seconds()
    named = str(certificate.get("previous_hash") or "")
    previous: Any = html.Code(named[:16], title=named) if named else _("none: the first of its chain")
    if before is not None:
        previous = dcc.Link(
            [html.Code(named[:16]), f" ({before['business_day']})"], href=f"/reconciliation/{before['id']}", title=named
        )
    return facts(
        [
            (_("Engine"), row["engine"]),
            (_("Took"), _("{n} s", n=_.number(took_s, 1))),
            (_("Started"), _.instant(row["started_at"])),
            (_("Control version"), str(certificate.get("control_version", ""))),
            *(
                (setting_name(name, _), setting(name, value, _))
                for name, value in certificate.get("settings", {}).items()
                if value not in (None, "", [], {})
            ),
            (_("Certificate"), html.Code(str(certificate.get("hash", ""))[:16] or "–", title=certificate.get("hash"))),
            (_("Follows certificate"), previous if certificate else None),
            (_("Evidence"), row["folder"]),
        ]
    )


def setting_name(name: str, _: Say) -> str:
    """The name of a parameter; one that nobody gave words is shown as it is written."""
    return _(SETTINGS[name]) if name in SETTINGS else name.replace("_", " ")


def setting(name: str, value: Any, _: Say) -> str:
    """The value of a parameter."""
    if name == "losers" and isinstance(value, Mapping):
        return _(", ").join(f"{break_class(code, _)}: {word(LOSER, str(who), _)}" for code, who in value.items())
    return str(value)


def causes(row: Row, _: Say) -> html.Ul | None:
    """What the breaks have in common, as sentences; None where nobody looked or nothing was found."""
    language = _.language[:2]
    said = [cause["sentence"] for cause in row["causes"] or () if isinstance(cause, Mapping) and cause.get("sentence")]
    lines = [one.get(_.language) or one.get(language) or next(iter(one.values())) for one in said]
    return html.Ul([html.Li(line) for line in lines], className="reasons causes") if lines else None
