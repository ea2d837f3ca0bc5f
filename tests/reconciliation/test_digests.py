"""Which rows of several parties have a digest that not all share, against the same asked plainly."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciliation import digests
from reconciliation.digests import Marks, repeated, unshared


def digest(number: int) -> int:
    """A digest of 64 bits, as if drawn at random (the finaliser of SplitMix64)."""
    mixed = (number + 1) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


LONG = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 5)).map(digest)
PARTIES = st.lists(st.lists(LONG, max_size=30), min_size=2, max_size=5)


def plainly(parties: list[list[int]]) -> list[list[int]]:
    """The rows whose value not each party has exactly once."""
    counts = [Counter(values) for values in parties]
    return [
        [row for row, value in enumerate(values) if any(count[value] != 1 for count in counts)] for values in parties
    ]


def alike(parties: list[list[int]]) -> set[int]:
    """Values that all parties have equally often, and more than once."""
    counts = [Counter(values) for values in parties]
    return {value for value, count in counts[0].items() if count > 1 and all(other[value] == count for other in counts)}


@given(PARTIES)
@example([[], []])
@example([[1], [1], [2]])
@example([[8, 8], [8, 8]])
@example([[2**63 + 5], [5]])
def test_rows_that_not_every_party_has_once_are_found(parties: list[list[int]]) -> None:
    """None is missed and none is found beside, but for such as all parties have equally often."""
    found = [rows.tolist() for rows in unshared([numpy.array(values, numpy.uint64) for values in parties])]
    forgiven = alike(parties)
    for values, mine, expected in zip(parties, found, plainly(parties), strict=True):
        assert mine == sorted(mine)
        assert set(mine) <= set(expected)
        assert all(values[row] in forgiven for row in set(expected) - set(mine))


@pytest.mark.parametrize("at_once", [5, 100_000])
def test_many_rows_are_compared_in_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three parties of 20,000 rows in other orders; one lacks a row, one has one twice, one has another value."""
    monkeypatch.setattr(digests, "_AT_ONCE", at_once)
    numbers = numpy.random.default_rng(7)
    values = numbers.integers(0, 2**64, 20_000, numpy.uint64, endpoint=False)
    parties = [numbers.permutation(values) for _ in range(3)]
    missing, twice, other = values[11], values[222], values[3_333]
    parties[0] = parties[0][parties[0] != missing]
    parties[1] = numpy.append(parties[1], twice)
    parties[2][parties[2] == other] += numpy.uint64(1)
    found = unshared(parties)
    assert [len(rows) for rows in found] == [2, 4, 3]
    for party, rows in zip(parties, found, strict=True):
        assert set(party[rows]) <= {missing, twice, other, other + numpy.uint64(1)}


@given(st.lists(st.integers(0, 2**32 - 1)), st.lists(st.integers(0, 2**32 - 1)))
def test_marks_find_what_was_put_in(put: list[int], among: list[int]) -> None:
    """Every row of the set is found, and only rows that share their first bits with one."""
    marks = Marks(len(among))
    marks.add(numpy.array(put, numpy.uint32))
    found = marks.rows(numpy.array([*among, *put], numpy.uint32)).tolist()
    assert set(range(len(among), len(among) + len(put))) <= set(found)
    bits = min(len(among).bit_length() + 4, 26)
    first = {value >> (32 - bits) for value in put}
    assert found == [row for row, value in enumerate([*among, *put]) if value >> (32 - bits) in first]


@given(st.lists(st.integers(0, 9)))
def test_repeated_values_are_those_that_occur_more_than_once(values: list[int]) -> None:
    expected = sorted(value for value, count in Counter(values).items() if count > 1)
    assert repeated(numpy.array(values, numpy.uint32)).tolist() == expected
