"""What is written is in the order that was asked for, over many row groups, and no cell is left for a spreadsheet to run."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import ibis
from pyarrow import parquet

from reconciliation.engines import connect
from reconciliation.spreadsheet import neutral, plain

ROWS = 400_000  # more than three row groups, so that several threads take part
MEMORY_BYTES = 512 << 20


def test_a_kept_table_is_exported_in_the_order_it_was_kept_in_and_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with connect("duckdb", folder, MEMORY_BYTES) as engine:
            numbers = ibis.range(0, ROWS).unnest().name("number").as_table()
            shuffled = engine.keep("shuffled", numbers.mutate(digest=numbers["number"].hash()).order_by("digest"))
            kept = engine.keep("kept", shuffled.mutate(text=shuffled["number"].cast("string")).order_by("number"))
            engine.export(kept, folder / "kept.parquet")
            engine.export(kept.select("text", "number"), folder / "kept.csv")
        assert parquet.read_table(folder / "kept.parquet")["number"].to_pylist() == list(range(ROWS))
        with (folder / "kept.csv").open(newline="") as file:
            assert [int(line["text"]) for line in csv.DictReader(file)] == list(range(ROWS))
        contents.append([(folder / name).read_bytes() for name in ("kept.parquet", "kept.csv")])
    assert contents[0] == contents[1] == contents[2]


def test_the_cells_that_are_spared_the_search_are_ones_that_it_would_not_have_marked(tmp_path: Path) -> None:
    """Every character as the first of a cell and after a blank, and what may stand beside the harmless ranges."""
    signs = [chr(code) for code in (*range(1, 256), *map(ord, "＝＋－＠中"))]
    texts = [*signs, *(f" {sign}1" for sign in signs), *(f"{sign}=1" for sign in signs), ""]
    with connect("duckdb", tmp_path, MEMORY_BYTES) as engine:
        table = ibis.array(texts).unnest().name("text").as_table()
        found = {row["text"]: row["cell"] for row in engine.fetch(table.mutate(cell=neutral(table["text"])))}
    assert found.keys() == set(texts)
    for text, cell in found.items():
        marked = re.match(r"(?:[ \t\n\x0b\r\f]*[=+\-@＝＋－＠|%]|['\t\r\n])", text) is not None
        assert (cell != text) == marked, repr(text)
        if marked:
            assert plain(cell) == text
