"""What is taken away: only the named files of a run, only from below the home folder; CSV that no spreadsheet evaluates."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest
from sqlalchemy import update

from core.store.open import writing
from core.store.tables import control_break, control_run, run_signature
from dashboards.downloads import EXPORTS, as_csv
from dashboards.files import FILES, SIGNED
from dashboards.server import create_app
from dashboards.shell import register_pages
from reconciliation.desk.signatures import prepare
from reconciliation.standard_record import PARTIES
from tests.dashboards import seeded
from tests.dashboards.desk import CARDS, RUN, expectations, furnish
from tests.dashboards.server.conftest import House
from tests.reconciliation.days import reconcile, record


@pytest.fixture
def archive(bare: House, tmp_path: Path) -> House:
    """A console with a home folder, furnished runs, and the real pages."""
    home = tmp_path / "home"
    home.mkdir()
    now = bare.clock.now
    with writing(bare.console.engine) as connection:
        seeded._runs(connection, now)
    furnish(bare.console.engine, now, home)
    bare.console = dataclasses.replace(bare.console, home=home, controls=CARDS, expectations=expectations)
    bare.app = create_app(bare.console, lambda dash: register_pages(dash, bare.console))
    return bare


def test_the_signed_report_has_the_signatures_of_the_run_and_leaves_the_evidence_alone(
    archive: House, tmp_path: Path
) -> None:
    """Made when it is asked for; without a signature there is none."""
    from pypdf import PdfReader

    outcome = reconcile(tmp_path / "day", {party: [record("a")] for party in PARTIES}, report=True)
    folder = outcome.paths["report.pdf"].parent
    with writing(archive.console.engine) as connection:
        values = {"folder": "signed", "certificate": dict(outcome.certificate), "breaks": 0}
        connection.execute(update(control_run).where(control_run.c.id == RUN).values(values))
        connection.execute(run_signature.delete())
        connection.execute(control_break.delete().where(control_break.c.run_id == RUN))
    assert archive.console.home is not None
    folder.rename(archive.console.home / "signed")
    address = f"/reconciliation/{RUN}/files/{SIGNED}"
    assert archive.client("viewer").get(address).status_code == 404
    with writing(archive.console.engine) as connection:
        prepare(connection, RUN, "li.wei", "checked", archive.clock.now)
    before = (archive.console.home / "signed" / "report.pdf").read_bytes()
    answer = archive.client("viewer").get(address)
    assert answer.status_code == 200, answer.text
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert "li.wei" in text
    assert (archive.console.home / "signed" / "report.pdf").read_bytes() == before


def test_a_file_of_a_run_is_saved_and_never_shown_in_the_browser(archive: House) -> None:
    """The file comes as an attachment with its own media type, and the browser must not guess another."""
    answer = archive.client("viewer").get(f"/reconciliation/{RUN}/files/breaks.csv")
    assert answer.status_code == 200
    assert answer.text.startswith("breaks.csv of ")
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{RUN}-breaks.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        f"/reconciliation/{RUN}/files/secret.txt",
        f"/reconciliation/{RUN}/files/..%2F..%2F..%2Fsecret.txt",
        f"/reconciliation/{RUN}/files/%2Fetc%2Fpasswd",
        f"/reconciliation/{RUN}/files/report.xlsx",  # in the list, but not in the folder
        f"/reconciliation/{RUN}/files/breaks.csv%00",
        "/reconciliation/999/files/breaks.csv",
        "/reconciliation/x/files/breaks.csv",
        "/reconciliation/-1/files/breaks.csv",
    ],
)
def test_nothing_else_is_ever_read(archive: House, path: str) -> None:
    """Another name, another folder, another run: 404 or the console's own page, and no word of what lies there."""
    answer = archive.client("admin").get(path)
    assert answer.status_code == 404 or answer.headers["content-type"].startswith("text/html")
    assert "attachment" not in answer.headers.get("content-disposition", "")
    assert "taking away" not in answer.text


@pytest.mark.parametrize("folder", ["..", "../..", "/", ".", "", "runs/../..", "outside"])
def test_a_row_that_names_a_folder_elsewhere_leads_nowhere(archive: House, folder: str) -> None:
    """Even a row of the store that points out of the home folder, by name or by link, gives no file."""
    assert archive.console.home is not None
    elsewhere = archive.console.home.parent / "elsewhere"
    elsewhere.mkdir()
    for place in (elsewhere, archive.console.home, archive.console.home.parent):
        (place / "breaks.csv").write_text("not for taking away")
    (archive.console.home / "outside").symlink_to(elsewhere)
    with writing(archive.console.engine) as connection:
        connection.execute(update(control_run).where(control_run.c.id == RUN).values(folder=folder))
    assert archive.client("admin").get(f"/reconciliation/{RUN}/files/breaks.csv").status_code == 404


def test_without_a_home_folder_there_is_nothing_to_take_away(archive: House) -> None:
    console = dataclasses.replace(archive.console, home=None)
    archive.app = create_app(console, lambda dash: register_pages(dash, console))
    assert archive.client("admin").get(f"/reconciliation/{RUN}/files/breaks.csv").status_code == 404


@pytest.mark.parametrize("path", ["/reconciliation/10/files/breaks.csv", "/exports/breaks.csv"])
def test_a_stranger_and_a_machine_take_nothing(archive: House, path: str) -> None:
    assert archive.client().get(path, headers={"accept": "text/csv"}).status_code == 401
    assert archive.machine("admin").get(path).status_code in (303, 401)


@pytest.mark.parametrize("what", list(EXPORTS))
def test_every_export_is_what_its_page_shows(archive: House, what: str) -> None:
    """A heading and rows of equal length, after a byte order mark; and a filter narrows it."""
    client = archive.client("viewer")
    answer = client.get(f"/exports/{what}.csv")
    assert answer.status_code == 200
    assert answer.content.startswith("\ufeff".encode())
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) > 5
    assert {len(row) for row in rows} == {len(rows[0])}
    narrowed = client.get(f"/exports/{what}.csv?control=nothing-of-that-name")
    assert len(list(csv.reader(io.StringIO(narrowed.text)))) == 1


def test_an_unknown_export_is_refused_in_words(archive: House) -> None:
    answer = archive.client("viewer").get("/exports/passwords.csv")
    assert answer.status_code == 404
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", " =x", "＝x", "\tx", "'x", "|x", "%x"])
def test_no_cell_is_evaluated_by_a_spreadsheet(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(as_csv([[cell, "plain"]]), newline=""))
    assert row == ["'" + cell, "plain"]


def test_the_list_of_files_has_the_evidence_and_nothing_that_runs() -> None:
    assert set(FILES) == {"breaks.csv", "rejects.csv", "certificate.json", "report.xlsx", "report.pdf", "SHA256SUMS"}
