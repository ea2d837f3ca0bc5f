"""Seeds of the seeded faults: fixed ones, or the one that BOMC_FAULT_SEED names, to replay a failure."""

from __future__ import annotations

import os


def seeds(*usual: int) -> list[int]:
    """The seeds to run."""
    given = os.environ.get("BOMC_FAULT_SEED")
    return [int(given)] if given else list(usual)
