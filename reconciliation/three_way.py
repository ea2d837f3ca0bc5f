"""The three-way control: billing, platform and payment records of one day. It needs no file that describes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

from reconciliation.match import Progress, run
from reconciliation.request import PartyFile, Request
from reconciliation.standard_record import PARTIES

__all__ = ["DIMENSIONS", "Progress", "request", "run"]

DIMENSIONS: Final = ("channel", "product", "region")
"""What causes are looked for in, where the files have it."""


def request(business_day: date, billing: Path, platform: Path, payment: Path, out: Path, **rest: Any) -> Request:
    """The request for three files of standard records; `rest` are further fields of Request."""
    files = zip(PARTIES, (billing, platform, payment), strict=True)
    return Request(
        business_day,
        tuple(PartyFile(party, path) for party, path in files),
        out,
        **{"rules": "three_way", "dimensions": DIMENSIONS, **rest},
    )
