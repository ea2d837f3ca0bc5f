"""How the three-way reconciliation grows from one million keys to thirty, beside bare DuckDB, datacompy and pandas.

Each is a whole process on the same three files, in which 1 % of the keys break. Bare DuckDB joins and counts; datacompy
compares billing with platform and billing with payment (polars); pandas merges twice on the columns that matter. A peer
that asks for more memory than `--cap-gib` is stopped and has no figure. Prints seconds and the peak resident memory, as a
table for docs/benchmarks.md, and draws them into `--chart`. Thirty million keys need 12 GB of free disk.
Run: `python -m benchmarks.reconciliation_sizes [--keys N]... [--runs N] [--no-peers] [--chart FILE]`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.line_chart import Line, Panel, draw
from benchmarks.reconciliation import BARE, OURS, Run, generate_apart

SIZES: Final = (1_000_000, 3_000_000)  # ten and thirty million take long: ask for them with --keys
SHARE: Final = 0.01
LARGEST_ADDED_GROWTH: Final = 1.1  # what measuring may add to a growth that is linear
PEAK_TARGETS_MIB: Final = ((10_000_000, 2048), (30_000_000, 3072))

DATACOMPY: Final = """
import sys, datacompy, polars
files = {party: polars.read_csv(f"{sys.argv[1]}/{party}.csv").drop("record_id", "occurred_at")
         for party in ("billing", "platform", "payment")}
for party in ("platform", "payment"):
    compared = datacompy.PolarsCompare(files["billing"], files[party], join_columns=["business_key", "kind"])
    print(len(compared.df1_unq_rows), len(compared.df2_unq_rows), compared.matches())
"""
PANDAS: Final = """
import sys, pandas
columns = ["business_key", "kind", "amount_minor", "currency", "status", "fee_minor"]
billing, platform, payment = (
    pandas.read_csv(f"{sys.argv[1]}/{party}.csv", usecols=columns) for party in ("billing", "platform", "payment"))
keys = ["business_key", "kind"]
merged = billing.merge(platform, "outer", keys, suffixes=("_b", "_p")).merge(payment, "outer", keys)
alike = (merged.amount_minor_b == merged.amount_minor_p) & (merged.amount_minor_b == merged.amount_minor)
print(len(merged), int(alike.sum()))
"""
OUR_NAME, BARE_NAME = "bomc", "bare DuckDB"
PROGRAMS: Final = {OUR_NAME: OURS, BARE_NAME: BARE, "datacompy": DATACOMPY, "pandas": PANDAS}


def watched(program: str, folder: Path, cap_mib: float) -> Run | None:
    """Run a program as a process of its own; None when it was stopped because it asked for too much memory."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.DEVNULL)
    stopped = False
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if not stopped and _resident_mib(process.pid) > cap_mib:
            process.kill()
            stopped = True
        time.sleep(0.02)
    wall_s = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if stopped:
        return None
    if process.returncode:
        raise RuntimeError(f"the process ended with {process.returncode}; see its message above")
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _resident_mib(process: int) -> float:
    """The resident memory of a process now; 0 when it has just ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(keys: int, runs: int, cap_mib: float, chosen: Sequence[str]) -> dict[str, Run]:
    """The medians of each of the chosen programs that finished, all in turn on the same files."""
    found: dict[str, list[Run]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory(prefix="reconciliation-") as name:
        folder = Path(name)
        generate_apart(folder, keys, SHARE)
        lost: set[str] = set()
        for _ in range(runs):
            for program in chosen:
                if program in lost:
                    continue
                run = watched(PROGRAMS[program], folder, cap_mib)
                if run is None:
                    lost.add(program)
                else:
                    found[program].append(run)
                    print(f"{keys} keys, {program}: {run.wall_s:.1f} s, {run.peak_mib:.0f} MiB", file=sys.stderr)
    return {
        program: Run(
            statistics.median(run.wall_s for run in told),
            statistics.median(run.cpu_s for run in told),
            max(run.peak_mib for run in told),
        )
        for program, told in found.items()
        if told and program not in lost
    }


def told(keys: int, figures: dict[str, Run], chosen: Sequence[str]) -> str:
    """One row of the table."""
    cells = [
        f"{figures[name].wall_s:.1f} s, {figures[name].peak_mib:,.0f} MiB" if name in figures else "too much memory"
        for name in chosen
    ]
    return f"| {keys // 1_000_000} M | {' | '.join(cells)} |"


def missed(figures: dict[int, dict[str, Run]]) -> list[str]:
    """A sentence for each target that was missed."""
    faults = []
    for keys, at in figures.items():
        ours = at[OUR_NAME]
        for peer in PROGRAMS:
            if peer not in (OUR_NAME, BARE_NAME) and peer in at and at[peer].wall_s <= ours.wall_s:
                faults.append(f"{keys} keys: {peer} is faster, {at[peer].wall_s:.1f} against {ours.wall_s:.1f} s")
        cap = next((mib for size, mib in PEAK_TARGETS_MIB if keys <= size), None)
        if cap is not None and ours.peak_mib > cap:
            faults.append(f"{keys} keys: the peak is {ours.peak_mib:.0f} MiB and not at most {cap}")
    sizes = sorted(figures)
    for fewer, more in itertools.pairwise(sizes):
        for what in ("wall_s", "peak_mib"):
            growth = getattr(figures[more][OUR_NAME], what) / getattr(figures[fewer][OUR_NAME], what)
            if growth > more / fewer * LARGEST_ADDED_GROWTH:
                faults.append(f"{what} grows {growth:.1f} times from {fewer} to {more} keys")
    return faults


def chart(figures: dict[int, dict[str, Run]]) -> str:
    """Seconds and MiB over keys, both axes logarithmic."""
    panels = []
    for title, what in (("seconds, whole process", "wall_s"), ("peak memory, MiB", "peak_mib")):
        lines = [
            Line(name, [(keys, getattr(at[name], what)) for keys, at in sorted(figures.items()) if name in at])
            for name in PROGRAMS
        ]
        panels.append(Panel(title, "keys", [line for line in lines if line.points]))
    return draw(panels)


def main(arguments: list[str] | None = None) -> int:
    """Print the table and draw the chart; exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="three-way reconciliation over sizes, beside its peers")
    parser.add_argument("--keys", type=int, action="append", help="may be repeated")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True, help="datacompy and pandas too")
    parser.add_argument("--cap-gib", type=float, default=8, help="memory at which a process is stopped")
    parser.add_argument("--chart", type=Path, help="where to draw the figures, as SVG")
    chosen = parser.parse_args(arguments)
    programs = tuple(PROGRAMS) if chosen.peers else (OUR_NAME, BARE_NAME)
    print("| keys | " + " | ".join(programs) + " |\n" + "| --- " * (len(programs) + 1) + "|", flush=True)
    figures: dict[int, dict[str, Run]] = {}
    for keys in chosen.keys or SIZES:
        figures[keys] = measure(keys, chosen.runs, chosen.cap_gib * 1024, programs)
        if OUR_NAME not in figures[keys]:
            raise RuntimeError(f"the reconciliation of {keys} keys went beyond {chosen.cap_gib} GiB")
        print(told(keys, figures[keys], programs), flush=True)
        if chosen.chart:
            chosen.chart.write_text(chart(figures), encoding="utf-8")
    faults = missed(figures)
    for fault in faults:
        print(f"MISSED: {fault}", flush=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
