"""The evidence of a run: what went in, where every row ended, and a hash that chains it to the run before.

`hash` is the SHA-256 of the canonical JSON (keys sorted, no blanks, UTF-8) of the certificate without `hash`. It covers
nothing of the clock, of the machine or of folders, so that the same inputs give the same bytes on every run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

FILE: Final = "certificate.json"

Certificate = Mapping[str, Any]


class CertificateError(Exception):
    """A folder has no certificate, or one that is damaged; the sentence says which."""


def seal(content: Mapping[str, Any], previous_hash: str | None) -> dict[str, Any]:
    """The content with `previous_hash` and its own `hash`."""
    linked = {**content, "previous_hash": previous_hash}
    return {**linked, "hash": digest(linked)}


def digest(certificate: Mapping[str, Any]) -> str:
    """The hash that a certificate should have."""
    content = {name: value for name, value in certificate.items() if name != "hash"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def as_text(certificate: Certificate) -> str:
    """The bytes of `certificate.json` as text."""
    return json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"


def load(folder: Path) -> dict[str, Any]:
    """The certificate of a result. Raises CertificateError when it is missing, is not one, or its hash is wrong."""
    place = folder / FILE
    try:
        certificate = json.loads(place.read_bytes())
    except OSError as error:
        raise CertificateError(f"{place} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CertificateError(f"{place} cannot be read as JSON: {error}") from error
    if not isinstance(certificate, dict) or not {"hash", "business_day", "outputs"} <= certificate.keys():
        raise CertificateError(f"{place} is not the certificate of a reconciliation")
    if certificate["hash"] != digest(certificate):
        raise CertificateError(f"{place} was changed after it was written: its hash does not fit its content")
    return certificate


def verify_chain(certificates: Sequence[Certificate]) -> list[str]:
    """A sentence for each break of the chain, the certificates being given from the oldest to the newest."""
    faults = []
    for place, certificate in enumerate(certificates):
        day = certificate.get("business_day")
        if certificate.get("hash") != digest(certificate):
            faults.append(f"the certificate of {day} was changed after it was written")
        if place and certificate.get("previous_hash") != certificates[place - 1].get("hash"):
            faults.append(f"the certificate of {day} does not follow the one before it")
    return faults
