"""Chosen lines and rows of a file, with their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciliation import picking
from reconciliation.picking import pick_lines


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text('ab," é', max_size=12), max_size=30),
    st.randoms(use_true_random=False),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_choice_of_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], drawn: object, end: bytes, ended: bool, chunk: int
) -> None:
    """Whatever the lines, their ends and the size of the pieces read, the chosen ones come with their numbers."""
    folder = tmp_path_factory.mktemp("lines")
    path = folder / "file.csv"
    path.write_bytes(end.join([b"x", *(text.encode() for text in texts)]) + (end if ended else b""))
    if not ended and texts and not texts[-1]:
        texts = texts[:-1]  # an empty last line without an end is no line
    rows = sorted(number for number in range(len(texts)) if drawn.random() < 0.4)  # type: ignore[attr-defined]
    whole = picking._CHUNK_BYTES
    picking._CHUNK_BYTES = chunk  # type: ignore[misc]
    try:
        pick_lines(path, numpy.array(rows, numpy.int64), ("a",), folder / "picked.csv")
    finally:
        picking._CHUNK_BYTES = whole  # type: ignore[misc]
    head, *found = (folder / "picked.csv").read_bytes().split(b"\n")
    assert head == b"row of the file,a"
    assert found == [*(f"{row},{texts[row]}".encode() for row in rows), b""]


def test_a_row_beyond_the_end(tmp_path: Path) -> None:
    """A file that changed since it was counted is no place to pick from."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"a\n1\n")
    with pytest.raises(ValueError, match="fewer lines"):
        pick_lines(path, numpy.array([0, 7]), ("a",), tmp_path / "picked.csv")
