"""A match: the files of two or more parties of one business day, compared key by key.

`run` takes a request through arrival, load, match, classify and evidence, and returns an outcome; findings are data, and
only a programmer's error or a failing machine raises. The result appears in the folder `out` with `certificate.json` as
the last file: a folder without one has no result. A refused run changes nothing there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation import (
    arrival,
    breaks,
    carried,
    causes,
    certificate,
    conservation,
    loading,
    passes,
    rejects,
    reports,
)
from reconciliation.conservation import FileTotals, Places
from reconciliation.engines import ENGINES, connect
from reconciliation.loading import Load
from reconciliation.matching import side_by_side
from reconciliation.outcome import BREAKS, DONE, REFUSED, Outcome
from reconciliation.publishing import publish, workplace
from reconciliation.reports import checksums
from reconciliation.request import Request
from reconciliation.rules import Rules, rules_of
from reconciliation.rules.shared import Brought
from reconciliation.scanning import checksum
from reconciliation.sources import Loaded, Opened
from reconciliation.validation import Day, day_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine

OUTPUTS: Final = (breaks.FILE_CSV, breaks.FILE_PARQUET, rejects.FILE)
FURTHER: Final = (passes.PAIRS, passes.PROPOSALS)
REPORTS: Final = (causes.FILE, causes.DIMENSIONS, reports.WORKBOOK, reports.DOCUMENT, checksums.FILE)
"""What people get besides; SHA256SUMS lists all files and comes last."""
Progress = Callable[[str], None]


def run(request: Request, *, progress: Progress = lambda stage: None) -> Outcome:
    """Reconcile one day; `progress` is told the name of each stage as it begins."""
    rules = rules_of(request)
    progress("arrival")
    arrivals, faults = arrival.inspect(
        request.parties,
        request.business_day,
        request.timezone,
        keep=tuple(sorted({*passes.columns(request.passes), *(request.dimensions if request.report else ())})),
        meanwhile=lambda: importlib.import_module(ENGINES[request.engine]).prepare(),
    )
    previous: certificate.Certificate | None = None
    if request.carried is not None:
        previous, found = carried.inspect(request.carried, request.business_day)
        faults += found
    if faults:
        return _refused(request, faults)
    previous_hash = request.previous_hash
    if previous_hash is None and previous is not None:
        previous_hash = previous["hash"]
    with workplace(request.out) as folder:
        if folder is None:
            return _refused(request, (f"{request.out}: another run is writing its result here; wait for its end",))
        with connect(request.engine, folder, request.memory_limit_bytes) as engine:
            progress("read")
            day = day_of(request.business_day, request.timezone, request.cutoff_window, request.cutoff)
            load = loading.load(engine, request, arrivals, day, folder)
            if load.faults:
                return _refused(request, load.faults)
            content = _judge(engine, request, rules, load, day, folder, progress)
        if not (content["rows_tie"] and content["amounts_tie"]):
            return _refused(
                request,
                ("the result does not account for every row and every amount of the files; keep them and report it",),
            )
        sealed = certificate.seal(content, previous_hash)
        progress("publish")
        return _publish(request, sealed, folder)


def _judge(
    engine: Engine,
    request: Request,
    rules: Rules,
    load: Load,
    day: Day,
    folder: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Match, classify, write the outputs into `folder`, and return the certificate's content."""
    loaded, totals, parties = load.loaded, load.totals, load.parties
    progress("match")
    beside_each_other = side_by_side(parties)
    progress("classify")
    looked_back = request.carried is not None
    came = Brought(looked_back or request.adjusted is not None, looked_back)
    keys = engine.keep("classified", rules.classify(beside_each_other, day, came))
    passed = None
    if request.passes:
        from reconciliation.passes import apply

        progress("pass")
        passed = apply.run(
            engine, keys, parties, rules, request.passes, folder, lambda table: rules.classify(table, day, came)
        )
        keys = engine.keep("passed", passed.keys)
    progress("write")
    lines = engine.keep("breaks", breaks.ordered(breaks.found(keys, parties, rules), parties))
    columns = breaks.columns(request.names)
    results: dict[str, Callable[[], ir.Table]] = {
        breaks.FILE_CSV: lambda: breaks.for_people(lines, day, request.names),
        breaks.FILE_PARQUET: lambda: lines.select(columns),
        rejects.FILE: lambda: rejects.listed(engine, loaded, parties),
    }
    if passed is not None:
        results[passes.PAIRS] = lambda: breaks.in_words(passed.pairs, day)
        results[passes.PROPOSALS] = lambda: breaks.in_words(passed.proposals, day)

    def write(name: str) -> str:
        engine.export(results[name](), folder / name)
        return checksum(folder / name)

    with ThreadPoolExecutor(max_workers=len(OUTPUTS)) as pool:
        written = {name: pool.submit(write, name) for name in results}
        progress("evidence")
        key_totals = conservation.of_keys(engine, keys, rules, load.at_rest)
        published = conservation.of_breaks(engine, lines)
        places = conservation.of_parties(engine, parties, totals, key_totals)
        outputs = {name: done.result() for name, done in written.items()}
        if request.report:
            causes.write(engine, lines, loaded, request, folder)
    classes = conservation.of_classes(key_totals, places, rules)
    return {
        "control": request.control,
        "control_version": request.control_version,
        "rules": request.rules,
        "business_day": request.business_day.isoformat(),
        "engine": request.engine,
        "settings": {
            "timezone": request.timezone.key,
            "cutoff_window_s": int(request.cutoff_window.total_seconds()),
            "tolerance_minor": request.tolerance_minor,
            "fee_tolerance_minor": request.fee_tolerance_minor,
            **_further_settings(request),
        },
        "passes": [] if passed is None else passed.told,
        "adjusted": None if request.adjusted is None else checksum(request.adjusted),
        "party_order": list(request.names),
        "parties": {party: _account(loaded[party], totals[party], places[party]) for party in request.names},
        "classes": {
            name: {"count": total.count, "at_risk_minor": total.amount_minor} for name, total in classes.items()
        },
        "lines": published,
        "currencies": sorted({line["currency"] for line in published}),
        "breaks": sum(line["count"] for line in published if not line["carried"]),
        "carried": sum(line["count"] for line in published if line["carried"]),
        "cleared_by_cutoff": key_totals.cleared,
        "rows_tie": conservation.lines_tie(classes, published)
        and all(conservation.rows_tie(totals[party], places[party]) for party in request.names),
        "amounts_tie": all(conservation.amounts_tie(totals[party], places[party]) for party in request.names),
        "outputs": outputs,
    }


def _further_settings(request: Request) -> dict[str, Any]:
    """Settings that only some matches have, in the certificate where they are set."""
    settings: dict[str, Any] = {}
    if request.cutoff != time(0):
        settings["cutoff"] = request.cutoff.isoformat("minutes")
    if request.time_tolerance is not None:
        settings["time_tolerance_s"] = int(request.time_tolerance.total_seconds())
    if request.losers:
        settings["losers"] = dict(sorted(request.losers.items()))
    return settings


def _account(loaded: Loaded, file: FileTotals, places: Places) -> dict[str, Any]:
    """One party's part of the certificate."""
    brought = places.brought_duplicates + places.brought_standing
    return {
        "file": loaded.delivered.path.name,
        "sha256": loaded.delivered.scan.sha256,
        "rows": file.stated.count,
        "rejected": places.rejected.count,
        "duplicates": places.duplicates.count,
        "standing": places.standing.count,
        "amount_minor": file.stated.amount_minor,
        "rejected_amount_minor": places.rejected.amount_minor,
        "duplicates_amount_minor": places.duplicates.amount_minor,
        "standing_amount_minor": places.standing.amount_minor,
        "carried_in": brought.count,
        "carried_in_amount_minor": brought.amount_minor,
        **({"stated": dict(stated)} if (stated := _stated(loaded.opened)) else {}),
    }


def _stated(opened: Opened) -> Mapping[str, int]:
    """What the file states of itself and was found true."""
    return {**opened.stated, **(opened.claimed or {})}


def _publish(request: Request, sealed: Mapping[str, Any], folder: Path) -> Outcome:
    """Move the outputs into place, the certificate last, each by a rename on the same file system."""
    (folder / certificate.FILE).write_text(certificate.as_text(sealed), encoding="utf-8")
    reported, notes = _reported(request, sealed, folder) if request.report else ((), ())
    written = (*sealed["outputs"], *reported)
    (request.out / certificate.FILE).unlink(missing_ok=True)
    for name in (*FURTHER, *REPORTS):
        if name not in written:  # a run before this one had other passes, or a report
            (request.out / name).unlink(missing_ok=True)
    paths = publish(folder, request.out, written)
    return Outcome(
        control=request.control,
        business_day=request.business_day.isoformat(),
        exit_status=BREAKS if sealed["breaks"] else DONE,
        certificate=sealed,
        breaks=sealed["breaks"],
        carried=sealed["carried"],
        rejected=sum(party["rejected"] for party in sealed["parties"].values()),
        paths=paths,
        notes=notes,
    )


def _reported(request: Request, sealed: Mapping[str, Any], folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write the reports into `folder`; their names, and a sentence for what could not be written on this machine."""
    _, notes = reports.attempted(folder, sealed, language=request.language, title=request.title)
    return tuple(name for name in REPORTS if (folder / name).exists()), notes


def _refused(request: Request, faults: tuple[str, ...]) -> Outcome:
    return Outcome(request.control, request.business_day.isoformat(), REFUSED, refused=faults)
