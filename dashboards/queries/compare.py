"""How two runs of a day differ: files, classes, parameters, and which breaks are gone or new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, exists, func, select

from core.store.tables import control_break
from dashboards.queries.rows import Row, rows

CHANGED = 200
"""Breaks that are gone, and ones that are new, that a comparison lists at most; their numbers are of all."""
SAME_BREAK = ("fingerprint", "business_key", "kind", "class")
"""The identity of a break; the last three tell those apart that were kept before breaks had a fingerprint."""


def only_in(connection: Connection, run_id: int, other_id: int) -> tuple[int, list[Row]]:
    """How many breaks of a run the other one does not have, and the first of them, the most money first.

    Carried items are no breaks.
    """
    other = control_break.alias("other")
    same = exists().where(
        other.c.run_id == other_id,
        other.c.carried.is_(False),
        *(other.c[name] == control_break.c[name] for name in SAME_BREAK),
    )
    mine = (control_break.c.run_id == run_id) & control_break.c.carried.is_(False) & ~same
    n = int(connection.execute(select(func.count()).where(mine)).scalar_one())
    ordered = select(control_break).where(mine).order_by(control_break.c.at_risk_minor.desc(), control_break.c.id)
    return n, rows(connection.execute(ordered.limit(CHANGED)).mappings())


def files(before: Row, after: Row) -> list[Row]:
    """Each party's file in both runs: party, and of `before` and `after` what the certificate states; None where none."""
    old, new = (_of(run, "parties") for run in (before, after))
    names = [*new, *(name for name in old if name not in new)]
    return [{"party": name, "before": old.get(name), "after": new.get(name)} for name in names]


def quantities(before: Row, after: Row) -> list[Row]:
    """Each quantity of an equation in both runs: name, and `before` and `after` as the certificate states them."""
    old, new = (_of(run, "quantities") for run in (before, after))
    names = [*new, *(name for name in old if name not in new)]
    return [{"name": name, "before": old.get(name), "after": new.get(name)} for name in names]


def classes(before: Row, after: Row) -> list[Row]:
    """Each class and currency with number and money in both runs: class, currency, n and at_risk_minor of each.

    Those that differ come first, the most money first. A class without lines, such as what matched, has no currency.
    """
    old, new = _tally(before), _tally(after)
    found = []
    for name, currency in dict.fromkeys([*new, *old]):
        n_old, minor_old = old.get((name, currency), (0, 0))
        n_new, minor_new = new.get((name, currency), (0, 0))
        found.append(
            {
                "class": name,
                "currency": currency,
                "n_before": n_old,
                "n_after": n_new,
                "minor_before": minor_old,
                "minor_after": minor_new,
            }
        )

    def place(row: Row) -> tuple[bool, int, str, str]:
        differs = row["n_before"] != row["n_after"] or row["minor_before"] != row["minor_after"]
        return not differs, -max(row["minor_before"], row["minor_after"]), row["class"], row["currency"]

    return sorted((row for row in found if row["n_before"] or row["n_after"]), key=place)


def settings(before: Row, after: Row) -> list[Row]:
    """The parameters that differ: name, before, after."""
    old, new = _parameters(before), _parameters(after)
    return [
        {"name": name, "before": old.get(name), "after": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _of(run: Row, name: str) -> Mapping[str, Any]:
    found = (run["certificate"] or {}).get(name) or {}
    return {each: found[each] for each in sorted(found)}


def _parameters(run: Row) -> dict[str, Any]:
    certificate = run["certificate"] or {}
    leading = {"control_version": certificate.get("control_version"), "engine": run["engine"]}
    return leading | dict(certificate.get("settings") or {})


def _tally(run: Row) -> dict[tuple[str, str], tuple[int, int]]:
    certificate = run["certificate"] or {}
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for line in certificate.get("lines") or ():
        key = (line["class"], line["currency"])
        n, minor = found.get(key, (0, 0))
        found[key] = n + line["count"], minor + line["at_risk_minor"]
    with_lines = {name for name, _currency in found}
    for name, one in (certificate.get("classes") or {}).items():
        if name not in with_lines:
            currency = run["currency"] if one["at_risk_minor"] else ""
            found[name, currency] = one["count"], one["at_risk_minor"]
    return found
