"""The kinds of judgement that a check can name. Adding one: a file beside this one, a line here, a test."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from checks import absence, limit, rate

PARAMS: Mapping[str, type[BaseModel]] = {
    "limit": limit.Params,
    "rate": rate.Params,
    "absence": absence.Params,
}
