"""What ISO 20022 messages are made of: XML that is not trusted, texts, amounts, directions, dates and times.

No entity is resolved, nothing is fetched, and a document with a DOCTYPE is refused. Source: ISO 20022 external code sets
and data types ActiveCurrencyAndAmount, CreditDebitCode, DateAndDateTimeChoice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.money import parse_minor
from reconciliation.sources import SourceError

_LARGEST_BYTES = 128 << 20
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)


def root_of(path: Path) -> Any:
    """The root of the document. Raises SourceError when it cannot be read or is no mere document."""
    from lxml import etree

    if path.stat().st_size > _LARGEST_BYTES:
        raise SourceError(f"it is larger than {_LARGEST_BYTES >> 20} MiB; ask the bank for several files")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        fault = str(getattr(error, "msg", error)).replace("\n,", ",")
        raise SourceError(f"it is not well-formed XML, or it is cut short ({fault}); ask for the file again") from error
    if root.getroottree().docinfo.doctype:
        raise SourceError("it has a DOCTYPE, which a bank statement never has; the file is not used")
    return root


def texts_of(node: Any, paths: tuple[str, ...]) -> Iterator[str]:
    """All texts at these paths; none of no node."""
    for path in paths if node is not None else ():
        for found in node.findall(path):
            yield (found.text or "").strip()


def text_of(node: Any, path: str) -> str:
    """The first text at that path without blanks around it; empty where there is none."""
    return str(node.findtext(path) or "").strip()


def amount_of(node: Any, where: str) -> tuple[int, str]:
    """Minor units and currency of an Amt. Raises SourceError when it cannot be read exactly."""
    if node is None or len(node):
        raise SourceError(f"{where} has no amount that can be read")
    currency = str(node.get("Ccy") or "")
    return minor_of((node.text or "").strip(), currency, where), currency


def minor_of(text: str, currency: str, where: str) -> int:
    """Minor units of an amount as text. Raises SourceError when it cannot be read exactly."""
    try:
        minor = parse_minor(text.removeprefix("+"), currency)
    except ValueError as error:
        raise SourceError(f"{where}: {error}") from error
    if minor < 0:
        raise SourceError(f"{where}: {text!r} is below 0; the direction stands in CdtDbtInd")
    return minor


def is_credit(node: Any, where: str) -> bool:
    """Whether CdtDbtInd says credit. Raises SourceError when it says neither."""
    direction = text_of(node, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise SourceError(f"{where} has the direction {direction!r}; CRDT or DBIT is expected")
    return direction == "CRDT"


def date_text(node: Any, name: str) -> str:
    """A date or a date and time as it stands there; empty where there is none."""
    return text_of(node, f"{name}/DtTm") or text_of(node, f"{name}/Dt")


def moment_of(node: Any, name: str, timezone: ZoneInfo) -> tuple[datetime | None, bool]:
    """The local time of a date or date and time, and whether it is a mere date; None where there is none to be read."""
    try:
        if stamp := text_of(node, f"{name}/DtTm"):
            moment = datetime.fromisoformat(stamp)
            return (moment.astimezone(timezone) if moment.tzinfo else moment).replace(tzinfo=None), False
        found = _DATE.fullmatch(text_of(node, f"{name}/Dt"))
        return (datetime.fromisoformat(found[1]), True) if found else (None, True)
    except (ValueError, OverflowError):
        return None, True
