"""Comparing many digests at once, as arrays: which rows of several parties have one that not all of them share.

Nothing here knows what the digests are of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy

    Digests = numpy.ndarray[Any, Any]
    Rows = numpy.ndarray[Any, Any]

BITS: Final = 32
"""Of a short digest, as `Marks` and `repeated` take them."""
_LONG_BITS: Final = 64
_THREADS: Final = 3  # one for each of three parties, the usual number
_IN_A_BUCKET: Final = 2  # bits of the number of digests that fall into one bucket: about four
_MOST_BUCKETS: Final = 23  # bits of their number: a table of 64 MB for each party
_ROOM: Final = 4  # bits by which there are more places for marks than rows
_MOST_PLACES: Final = 26  # bits of their number: a table of 64 MB
_CHUNK: Final = 1 << 17  # digests that are worked on at a time
_AT_ONCE: Final = 30_000_000  # long digests of all parties that are sorted at once: 240 MB, and as much again


class Marks:
    """A set of short digests, told by their first bits: by chance it has a few that were not put into it."""

    def __init__(self, rows: int) -> None:
        """Room for the digests of so many rows."""
        import numpy

        bits = min(rows.bit_length() + _ROOM, _MOST_PLACES)
        self._shift = numpy.uint32(BITS - bits)
        self._places = numpy.zeros(1 << bits, numpy.bool_)

    def add(self, digests: Digests) -> None:
        """Put digests into the set."""
        self._places[digests >> self._shift] = True

    def rows(self, digests: Digests) -> Rows:
        """Where among the digests those of the set stand, rising."""
        import numpy

        return _where(digests, lambda few: self._places.take((few >> self._shift).astype(numpy.intp)))


def repeated(digests: Digests) -> Digests:
    """The digests that occur more than once, rising; the array given is sorted in place."""
    import numpy

    digests.sort()
    return numpy.unique(digests[1:][digests[1:] == digests[:-1]])


def unshared(parties: Sequence[Digests]) -> list[Rows]:
    """For each party the rows, rising, whose long digest not each party has exactly once. What all parties have equally
    often may pass for shared.

    Digests are cast into buckets by their first bits. Where the sums of a bucket (modulo
    2^64) are the same with all parties, so are its digests, but for one chance in 2^64; only those of the other buckets
    are sorted and compared.
    """
    import numpy

    most = max(map(len, parties))
    bits = min(max(most.bit_length() - _IN_A_BUCKET, 1), _MOST_BUCKETS)
    found: list[list[Rows]] = [[numpy.zeros(0, numpy.intp)] for _ in parties]
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        first, *others = pool.map(lambda party: _sums(party, bits), parties)
        unlike = numpy.any([first != other for other in others], axis=0)
        about = float(unlike.mean()) * most * len(parties)  # so many digests are in them
        parts = 1
        while about > _AT_ONCE * parts:
            parts *= 2
        for part in range(parts):
            wanted = unlike if parts == 1 else unlike & (numpy.arange(1 << bits) % parts == part)
            if wanted.any():
                each = list(pool.map(lambda party, wanted=wanted: _chosen(party, wanted, bits), parties))
                odd = _odd([digests for digests, _ in each])
                for mine, (digests, rows) in zip(found, each, strict=True):
                    mine.append(rows[_among(digests, odd)])
    return [numpy.sort(numpy.concatenate(rows)) for rows in found]


def _buckets(digests: Digests, bits: int) -> Rows:
    import numpy

    return (digests >> numpy.uint64(_LONG_BITS - bits)).astype(numpy.intp)


def _sums(digests: Digests, bits: int) -> Digests:
    """The sum of the digests of each bucket."""
    import numpy

    found = numpy.zeros(1 << bits, numpy.uint64)
    for begin in range(0, len(digests), _CHUNK):
        few = digests[begin : begin + _CHUNK]
        numpy.add.at(found, _buckets(few, bits), few)
    return found


def _chosen(digests: Digests, wanted: Rows, bits: int) -> tuple[Digests, Rows]:
    """The digests of the wanted buckets, sorted, and their rows."""
    import numpy

    rows = _where(digests, lambda few: wanted.take(_buckets(few, bits)))
    digests = digests[rows]
    order = numpy.argsort(digests)
    return digests[order], rows[order]


def _where(digests: Digests, test: Callable[[Digests], Rows]) -> Rows:
    """Where the test holds, which is asked for pieces that stay in the processor's cache."""
    import numpy

    found = [numpy.zeros(0, numpy.intp)]
    for begin in range(0, len(digests), _CHUNK):
        found.append(numpy.flatnonzero(test(digests[begin : begin + _CHUNK])) + begin)
    return numpy.concatenate(found)


def _odd(parties: Sequence[Digests]) -> Digests:
    """The digests, rising, that not each party has exactly once, each party's being sorted."""
    import numpy

    together = numpy.concatenate(parties)
    together.sort(kind="stable")  # sorted runs are merged
    begins = numpy.flatnonzero(numpy.append(True, together[1:] != together[:-1])[: len(together)])
    lengths = numpy.diff(numpy.append(begins, len(together)))
    odd = together[begins[lengths != len(parties)]]
    return numpy.unique(numpy.concatenate([odd, *(mine[1:][mine[1:] == mine[:-1]] for mine in parties)]))


def _among(digests: Digests, odd: Digests) -> numpy.ndarray[Any, Any]:
    """Which of the sorted digests are among the odd ones."""
    import numpy

    if not len(odd):
        return numpy.zeros(len(digests), numpy.bool_)
    places = numpy.searchsorted(odd, digests)
    places[places == len(odd)] = 0
    found: numpy.ndarray[Any, Any] = odd[places] == digests
    return found
