"""kill -9 at every stage of a run and every statement of a round: told again, a day is as if it had never been killed.

Its folder is the same byte for byte - evidence, reports, checksums - and the store has the same rows: no second run,
break, case, event, signature, alert or ticket.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from bomc.assurance.arrivals import Arrivals
from bomc.configuration.estate import load_estate
from core.store.open import open_store
from core.store.tables import control_run, file_delivery, metadata
from reconciliation.deliveries import State
from reconciliation.standard_record import manifest_path
from reconciliation.verify import verify
from tests.bomc.pipeline.world import rows
from tests.faults.assurance import DAY, FIRST, NOTE, STEPS, ZONE, Kill, begin, copy, store_of, tell
from tests.faults.forking import run
from tests.faults.killing import Point
from tests.faults.seeds import seeds

STAGES = ("arrival", "read", "match", "classify", "write", "evidence", "publish")
FIRST_DAY, AFTER_FIRST, PEOPLE, NEXT_DAY, AFTER_NEXT, ASKED, ANSWERED = range(len(STEPS))
KEPT = (
    "control_run",
    "control_break",
    "break_case",
    "break_adjustment",
    "break_event",
    "run_signature",
    "run_request",
    "file_delivery",
    "alert",
    "alert_event",
    "ticket",
    "ticket_event",
    "audit",
    "sample",
    "check_result",
    "transition",
)
SMOKE_POINTS = 3
PARTS = 5
QUIET_POINTS = 10


@dataclass
class Story:
    """The homes before the first step and after each, of a telling that was never killed."""

    folder: Path
    with_reports: bool
    homes: list[Path] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)
    told: int = 0

    def tell_quietly(self) -> None:
        """Tell it to its end, and keep the home after each step."""
        begin(self.folder / "quiet-0", with_totals=self.with_reports)
        self.homes = [self.folder / "quiet-0"]
        for step in range(len(STEPS)):
            home = self.folder / f"quiet-{step + 1}"
            shutil.copytree(self.homes[-1], home)
            assert run(note_counts, home, step, self.with_reports) == 0
            store_steps, changes = (home / "counts").read_text().split()
            (home / "counts").unlink()
            self.counts.append((int(store_steps), int(changes)))
            self.homes.append(home)

    def killed(self, step: int, kill: Kill) -> None:
        """Tell one step, killed once, and compare with the one that was never killed."""
        self.told += 1
        home = self.folder / f"killed-{self.told}"
        shutil.copytree(self.homes[step], home)
        assert run(tell, home, step, kill, self.with_reports) == -signal.SIGKILL, f"{kill} was not reached"
        died_at = (home / NOTE).read_text()
        (home / NOTE).unlink()
        assert run(tell, home, step, None, self.with_reports) == 0
        where = f"step {step}, killed at {kill}: {died_at}"
        assert files(home) == files(self.homes[step + 1]), where
        expected = contents(self.homes[step + 1])
        for name, found in contents(home).items():
            assert found == expected[name], f"{name} differ; {where}"
        shutil.rmtree(home)


def note_counts(home: Path, step: int, with_reports: bool) -> None:
    """Tell a step and write down how many kill points it has."""
    counts = tell(home, step, None, with_reports)
    (home / "counts").write_text(" ".join(map(str, counts)))


def files(home: Path) -> dict[str, bytes]:
    """Everything below `runs`."""
    return {str(path.relative_to(home)): path.read_bytes() for path in (home / "runs").rglob("*") if path.is_file()}


def contents(home: Path) -> dict[str, list[str]]:
    """All rows that must be the same."""
    engine = open_store(store_of(home))
    try:
        return {
            table.name: sorted(repr(tuple(row)) for row in rows(engine, table))
            for table in metadata.sorted_tables
            if table.name in KEPT
        }
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story of one control and without reports, which is quicker."""
    story = Story(tmp_path_factory.mktemp("plain"), with_reports=False)
    story.tell_quietly()
    return story


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story with workbook, document and checksums, and with an equation over the runs.

    Its two controls open tickets in the order in which they are told, which a kill between them may turn about; so the
    statements are killed in the story of one control, and here what comes before anything is told.
    """
    story = Story(tmp_path_factory.mktemp("reported"), with_reports=True)
    story.tell_quietly()
    return story


def test_the_story_has_what_a_kill_could_lose_or_double(plain: Story) -> None:
    """Breaks, cases with a ticket, an adjustment that the next day proves, two signatures, one run a day and one that was
    asked for."""
    found = contents(plain.homes[-1])
    assert set(found) == set(KEPT)
    assert not [name for name, content in found.items() if not content]
    engine = open_store(store_of(plain.homes[-1]))
    made = [(row.control, row.business_day, row.outcome) for row in rows(engine, control_run)]
    states = {
        row.business_key: (row.state, row.ticket_id is not None) for row in rows(engine, metadata.tables["break_case"])
    }
    engine.dispose()
    assert made == [
        ("pay", "2026-11-01", "breaks"),
        ("pay", "2026-11-02", "breaks"),
        ("pay", "2026-11-02", "clean"),
    ]
    assert states["b"] == ("proven", True)
    assert states["y"] == ("open", True)
    verdict = verify(plain.homes[-1] / "runs" / "pay")
    assert verdict.sound, verdict.faults


def points(story: Story, steps: Sequence[int]) -> list[tuple[int, Kill]]:
    """Every statement, commit and end of a transaction of these steps."""
    return [(step, Kill(Point(number))) for step in steps for number in range(story.counts[step][0])]


@pytest.mark.parametrize("seed", seeds(31))
def test_a_round_killed_at_seeded_statements_ends_like_one_never_killed(plain: Story, seed: int) -> None:
    print(f"seed {seed}")
    for step, kill in Random(seed).sample(points(plain, range(len(STEPS))), SMOKE_POINTS):
        plain.killed(step, kill)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("step", [FIRST_DAY, PEOPLE, NEXT_DAY, ASKED, ANSWERED])
def test_a_step_killed_at_any_statement_ends_like_one_never_killed(plain: Story, step: int, part: int) -> None:
    """All of them, in parts: the rounds that run a day, once as it is due and once as asked for, and people's work between."""
    for _, kill in points(plain, [step])[part::PARTS]:
        plain.killed(step, kill)


@pytest.mark.faults
@pytest.mark.parametrize("seed", seeds(32))
@pytest.mark.parametrize("step", [AFTER_FIRST, AFTER_NEXT])
def test_a_round_without_a_run_killed_at_seeded_statements_ends_like_one_never_killed(
    plain: Story, step: int, seed: int
) -> None:
    """The round after: nothing is due, and nothing may come twice."""
    print(f"seed {seed}")
    for _, kill in Random(seed).sample(points(plain, [step]), QUIET_POINTS):
        plain.killed(step, kill)


@pytest.mark.faults
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("step", [FIRST_DAY, NEXT_DAY, ANSWERED])
def test_a_run_killed_at_any_stage_gives_the_same_bytes(reported: Story, step: int, stage: str) -> None:
    """Evidence, reports and checksums of a run that was killed and made again."""
    reported.killed(step, Kill(stage=stage))


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("step", [FIRST_DAY, NEXT_DAY, ANSWERED])
def test_a_run_killed_before_any_change_of_its_folder_gives_the_same_bytes(
    reported: Story, step: int, part: int
) -> None:
    """Before each file is made, moved or removed: a report half written, a certificate about to be put in place."""
    for number in range(part, reported.counts[step][1], PARTS):
        reported.killed(step, Kill(change=number))


def test_reports_are_there_and_are_of_the_run(reported: Story) -> None:
    """What is compared byte by byte is not nothing."""
    names = {Path(name).name for name in files(reported.homes[-1])}
    assert names >= {"certificate.json", "report.xlsx", "report.pdf", "SHA256SUMS", "breaks.parquet"}
    assert reported.counts[FIRST_DAY][1] > 20


@pytest.mark.faults
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_delivery_whose_copying_was_killed_is_not_there_yet_and_then_is_not_changed(
    tmp_path: Path, share: float
) -> None:
    """The sender dies half way; the half stands for an hour; the whole file comes, on time, and has not changed."""
    home = tmp_path / "home"
    begin(home)
    place = home / "exchange" / DAY.isoformat() / "payment.csv"
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    whole = outbox / place.name
    shutil.move(place, whole)
    assert run(copy, whole, place, int(whole.stat().st_size * share)) == -signal.SIGKILL
    assert 0 < place.stat().st_size < whole.stat().st_size
    assert manifest_path(place).exists()
    midnight = (FIRST - timedelta(hours=12)).timestamp()
    os.utime(place, (midnight, midnight))
    engine = open_store(store_of(home))
    now = [FIRST - timedelta(hours=11, minutes=45)]
    arrivals = Arrivals(engine, home, load_estate(home / "config").controls, ZONE, lambda: now[0])

    def state() -> State:
        return next(
            each.state
            for each in arrivals.look()
            if each.expectation.party == "payment" and each.expectation.business_day == DAY
        )

    def kept() -> list[str]:
        return sorted(row.party for row in rows(engine, file_delivery) if row.business_day == DAY.isoformat())

    assert state() is State.EXPECTED
    assert kept() == ["billing", "platform"]
    assert run(copy, whole, place, 1 << 40) == 0
    now[0] += timedelta(minutes=1)
    assert state() is State.ON_TIME
    assert kept() == ["billing", "payment", "platform"]
    engine.dispose()
