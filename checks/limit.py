"""Limit with hysteresis: is the value beyond what it may be?

Raises when k of the last n samples cross the limit, clears when as many are back of it by the margin (5 % of the limit
unless told otherwise). Judges the value itself, in the indicator's own unit. No sample means no judgement: the board
says UNKNOWN when the probe fails, and `absence` watches for silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.hysteresis import LimitParams, Verdict, beyond, crosses, decide, limits
from checks.memory import Memory
from core.model import Indicator, Result, Status
from core.quantity import show_quantity

Params = LimitParams
could_matter = crosses


def check(params: Params, memory: Memory, value: float, at_ms: int, indicator: Indicator) -> tuple[Memory, Result]:
    """Judge `value` after what `memory` holds; the new memory comes back beside the result."""
    return judge(params, memory, value, at_ms, indicator, what=show(value, indicator), shown_limit=indicator)


def show(value: float | None, indicator: Indicator) -> str:
    """The value with the indicator's unit."""
    return show_quantity(value, indicator.unit, indicator.kind)


def judge(
    params: Params, memory: Memory, value: float, at_ms: int, indicator: Indicator, what: str, shown_limit: Indicator
) -> tuple[Memory, Result]:
    """The rule that `limit` and `rate` share: `what` is the judged value in words, `shown_limit` gives limits their unit."""
    window = (*memory.window, value)[-params.raise_at.n :]
    verdict = decide(params, memory.held, window)
    reason = _reason(params, verdict, what, shown_limit, window)
    return Memory(verdict.status, verdict.status, window), Result(verdict.status, value, reason, at_ms)


def _reason(params: Params, verdict: Verdict, what: str, indicator: Indicator, window: Sequence[float]) -> str:
    if verdict.limit is None:
        return f"{what}, {_not_yet(params, window, indicator) or f'within {_bounds(params, indicator)}'}"
    limit = f"the {verdict.status.value} limit {show(verdict.limit, indicator)}"
    if verdict.holding:
        share = params.raise_at
        samples = "a sample is" if share.n == 1 else f"{share.k} of the last {share.n} samples are"
        back = f"{show_quantity(params.clear_margin, 'ratio')} back" if params.clear_margin else "back"
        return (
            f"{what}, still {verdict.status.value} until {samples} {back} of the limit {show(verdict.limit, indicator)}"
        )
    if params.raise_at.n == 1:
        return f"{what}, {verdict.direction} {limit}"
    count = f"{verdict.crossing} of the last {params.raise_at.n} samples"
    if beyond(window[-1], verdict.limit, verdict.direction):
        return f"{what}, {verdict.direction} {limit} ({count})"
    return f"{what}, but {count} {'is' if verdict.crossing == 1 else 'are'} {verdict.direction} {limit}"


def _not_yet(params: Params, window: Sequence[float], indicator: Indicator) -> str:
    """Which limit the latest value is beyond, though too few samples are to raise; empty when it is beyond none."""
    share = params.raise_at
    for status in (Status.CRITICAL, Status.WARNING):
        for direction, limit in limits(params, status):
            if beyond(window[-1], limit, direction):
                crossing = sum(beyond(value, limit, direction) for value in window)
                count = f"{crossing} of the last {share.n} samples; it takes {share.k}"
                return f"{direction} the {status.value} limit {show(limit, indicator)} ({count})"
    return ""


def _bounds(params: Params, indicator: Indicator) -> str:
    parts = {}
    for status in (Status.CRITICAL, Status.WARNING):
        for direction, limit in limits(params, status):
            parts[direction] = f"{'at most' if direction == 'above' else 'at least'} {show(limit, indicator)}"
    return " and ".join(parts.values())
