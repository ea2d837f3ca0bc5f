"""The breaks of a run as the grid shows them: the break, its case if it has one, and each party's raw record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.values import money
from dashboards.components.words import LOSER, PARTY, RECORD_KIND, RECORD_STATUS, break_class, word
from dashboards.locale import Say
from dashboards.queries.rows import Row


def columns(parties: Sequence[str], _: Say) -> list[dict[str, Any]]:
    """The grid's columns: the break, then the raw record of each party."""
    return [
        {"field": "key", "headerName": _("Business key"), "width": 200, "pinned": "left", "cellRenderer": "LinkCell"},
        {"field": "class", "headerName": _("Class of break"), "width": 180, "tooltipField": "class"},
        {"field": "kind", "headerName": _("Kind"), "width": 100},
        {"field": "loser", "headerName": _("Who loses"), "width": 100},
        {
            "field": "risk",
            "headerName": _("At risk"),
            "width": 120,
            "cellClass": "grid-num",
            "headerClass": "grid-num",
            "sortable": False,
        },
        *(
            {
                "field": f"of_{party}",
                "headerName": word(PARTY, party, _),
                "cellRenderer": "RecordCell",
                "cellRendererParams": {"absent": _("no record")},
                "flex": 1,
                "minWidth": 230,
                "sortable": False,
            }
            for party in parties
        ),
    ]


def grid_rows(
    rows: list[Row], currency: str, parties: Sequence[str], known: Mapping[str, int], _: Say
) -> list[dict[str, Any]]:
    """Rows as the grid shows them; `known` are the cases by the identity of their break."""
    return [
        {
            "id": str(row["id"]),
            "key": _key(row, known),
            "class": break_class(row["class"], _) + (f" ({_('carried')})" if row["carried"] else ""),
            "kind": word(RECORD_KIND, row["kind"], _),
            "loser": word(LOSER, row["loser"], _),
            "risk": money(row["at_risk_minor"], currency, _),
            **{f"of_{party}": record(row["records"].get(party), currency, _) for party in parties},
        }
        for row in rows
    ]


def _key(row: Row, known: Mapping[str, int]) -> dict[str, str]:
    case = known.get(row["fingerprint"])
    return {"text": row["business_key"]} | ({"href": f"/breaks/{case}"} if case is not None else {})


def record(raw: Mapping[str, Any] | None, currency: str, _: Say) -> dict[str, str] | None:
    """A raw record in one line and where it stands; None when the party has none."""
    if not raw or raw.get("record_id") in (None, ""):
        return None
    amount = raw.get("amount_minor")
    shown = "–" if amount is None else money(int(amount), raw.get("currency") or currency, _)
    return {
        "text": f"{shown} · {word(RECORD_STATUS, str(raw.get('status', '')), _)} · {raw['record_id']}",
        "where": f"{raw.get('file', '')}:{raw.get('line', '')}",
    }


def chosen(filters: Mapping[str, str], n: int, path: str, _: Say) -> Any:
    """How many rows there are, and the class that is chosen, which a click takes away."""
    counted = html.Span(_.many("one row", "{n} rows", n), className="dim")
    wanted = filters.get("class", "")
    if not wanted:
        return [counted]
    back = address(path, filters, **{"class": ""})
    return [counted, dcc.Link([break_class(wanted, _), icon("close")], href=back, className="chip chip-on")]
