"""Three-way reconciliation of N keys against bare DuckDB on the same files: whole processes in turn, as a ratio.

Bare DuckDB reads the three CSV files, joins them on the key and counts; ours does the whole control: checksums, manifests,
quarantine, ten rules, evidence. Prints for each share of breaks the median of the ratios (wall time and processor time),
both medians in seconds, and the peak memory of either. Run: `python -m benchmarks.reconciliation [--keys N] [--runs N]`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PARTIES = ("billing", "platform", "payment")
SHARES = (0.0, 0.01, 0.2)
TARGET_PEAK_MIB = 2048

OURS = """
import sys
from datetime import date
from pathlib import Path
from reconciliation.three_way import request, run
folder = Path(sys.argv[1])
outcome = run(request(date(2026, 11, 1), *(folder / f"{p}.csv" for p in ("billing", "platform", "payment")), folder / "out"))
assert not outcome.refused, outcome.refused
print(outcome.breaks)
"""
BARE = """
import sys, duckdb
files = [f"{sys.argv[1]}/{party}.csv" for party in ("billing", "platform", "payment")]
print(duckdb.sql(f'''
    SELECT count(*), count(*) FILTER (WHERE b.amount_minor = p.amount_minor AND b.amount_minor = c.amount_minor)
    FROM '{files[0]}' b FULL JOIN '{files[1]}' p USING (business_key, kind) FULL JOIN '{files[2]}' c USING (business_key, kind)
''').fetchall())
"""


class Run(NamedTuple):
    """One whole process: wall and processor seconds, and the peak resident set in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def target_ratio(keys: int) -> float:
    """How many times bare DuckDB's time a run may take: what does not grow with the files weighs less in larger ones."""
    return 2.5 if keys < 10_000_000 else 2.0


def generate(folder: Path, keys: int, share: float, seed: int = 1) -> None:
    """Write three files of about `keys` rows in which a share of the keys breaks, with their manifests."""
    import duckdb

    from reconciliation.scanning import checksum

    con = duckdb.connect(config={"memory_limit": "6GiB", "temp_directory": str(folder / "spilled")})
    for place, party in enumerate(PARTIES):
        path = folder / f"{party}.csv"
        broken = f"hash(i * 31 + {seed}) % 100000 < {round(share * 100000)}"
        con.execute(f"""
            CREATE OR REPLACE TABLE rows AS
            SELECT '{party[:2].upper()}' || lpad(i::VARCHAR, 14, '0') AS record_id,
                   'ORD20261101' || lpad(i::VARCHAR, 10, '0') AS business_key,
                   CASE WHEN i % 20 = 0 THEN 'refund' ELSE 'payment' END AS kind,
                   DATE '2026-11-01' AS business_day,
                   strftime(TIMESTAMP '2026-11-01 01:00:00' + to_seconds((hash(i) % 79200)::INT),
                            '%Y-%m-%dT%H:%M:%S+08:00') AS occurred_at,
                   (hash(i * 7) % 100000)::BIGINT + CASE WHEN {broken} AND hash(i) % 6 = {place} THEN 100 ELSE 0 END
                       AS amount_minor,
                   'CNY' AS currency,
                   CASE WHEN {broken} AND hash(i) % 6 = 5 AND {place} = 2 THEN 'failed' ELSE 'success' END AS status,
                   (hash(i * 7) % 100)::BIGINT AS fee_minor,
                   '138' || lpad((i % 100000000)::VARCHAR, 8, '0') AS account, 'app' AS channel, 'data' AS product,
                   'gz' AS region
            FROM range({keys}) AS numbers(i)
            WHERE NOT ({broken} AND hash(i) % 6 = {place} + 3 - CASE WHEN {place} = 2 THEN 3 ELSE 0 END)
            ORDER BY hash(i + {place})
        """)
        con.execute(f"COPY rows TO '{path}' (HEADER)")
        count, amount = con.execute("SELECT count(*), sum(amount_minor) FROM rows").fetchall()[0]
        manifest = {
            "party": party,
            "business_day": "2026-11-01",
            "rows": count,
            "amount_minor": int(amount),
            "sha256": checksum(path),
        }
        path.with_name(path.name + ".manifest.json").write_text(json.dumps(manifest))
    con.close()


def generate_apart(folder: Path, keys: int, share: float) -> None:
    """Generate in a process of its own: a child's peak memory begins at what its parent had."""
    made = multiprocessing.get_context("spawn").Process(target=generate, args=(folder, keys, share))
    made.start()
    made.join()
    if made.exitcode:
        raise RuntimeError("the files could not be made; see the message above")


def timed(program: str, folder: Path) -> Run:
    """Run a program as a process of its own; its output is checked for success only."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the process ended with {process.returncode}; see its message above")
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def compare(folder: Path, runs: int) -> tuple[list[Run], list[Run]]:
    """Runs of ours and of bare DuckDB in turn, after one of each to warm the file cache."""
    timed(BARE, folder)
    timed(OURS, folder)
    ours, bare = [], []
    for _ in range(runs):
        bare.append(timed(BARE, folder))
        ours.append(timed(OURS, folder))
    return ours, bare


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="three-way reconciliation against bare DuckDB")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--share", type=float, action="append", help="share of keys that break; may be repeated")
    chosen = parser.parse_args(arguments)
    target = target_ratio(chosen.keys)
    missed = False
    for share in chosen.share or SHARES:
        with tempfile.TemporaryDirectory(prefix="reconciliation-") as name:
            folder = Path(name)
            generate_apart(folder, chosen.keys, share)
            ours, bare = compare(folder, chosen.runs)
        ratio = statistics.median(mine.wall_s / theirs.wall_s for mine, theirs in zip(ours, bare, strict=True))
        cpu_ratio = statistics.median(mine.cpu_s / theirs.cpu_s for mine, theirs in zip(ours, bare, strict=True))
        peak = max(run.peak_mib for run in ours)
        missed = missed or ratio > target or peak > TARGET_PEAK_MIB
        print(
            f"reconciliation of {chosen.keys} keys, {share:.0%} breaks: {ratio:.2f} x bare DuckDB in wall time"
            f" (target {target}), {cpu_ratio:.2f} x in processor time;"
            f" {statistics.median(run.wall_s for run in ours):.2f} s against"
            f" {statistics.median(run.wall_s for run in bare):.2f} s;"
            f" peak {peak:.0f} MiB against {max(run.peak_mib for run in bare):.0f} MiB (target {TARGET_PEAK_MIB})",
            flush=True,
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
