"""Run all figures or those named; the exit status is 2 when one could not run, 1 when a target was missed, else 0."""

from __future__ import annotations

import importlib
import sys
import time

NAMES = (
    "pipeline",
    "prometheus",
    "alert_latency",
    "alert_storm",
    "routing",
    "console",
    "reconciliation",
    "reconciliation_sizes",
)
"""The figures, in the order in which they run. Adding one: its file, a name here, a line in docs/benchmarks.md."""


def main(arguments: list[str]) -> int:
    """Run the named figures one after the other, never two at the same time."""
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"There is no figure {', '.join(unknown)}; there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    worst = 0
    for name in arguments or NAMES:
        begun = time.monotonic()
        print(f"== {name}", flush=True)
        status = importlib.import_module(f"benchmarks.{name}").main([])
        print(f"   ({time.monotonic() - begun:.0f} s)", flush=True)
        worst = max(worst, status)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
