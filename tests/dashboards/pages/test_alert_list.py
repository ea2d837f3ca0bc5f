"""What the list of alerts says of itself."""

from __future__ import annotations

import pytest

from dashboards.components.alert_list import render_count
from dashboards.locale import Say


@pytest.mark.parametrize(
    ("shown", "fitting", "language", "said"),
    [
        (1, 1, "en", "one alert"),
        (300, 300, "en", "300 alerts"),
        (300, 10_000, "en", "10,000 alerts – the worst 300 are shown, filters narrow"),
        (300, 10_000, "zh_CN", "10,000 条告警 – 仅显示最严重的 300 条，可用筛选条件缩小范围"),
    ],
)
def test_a_list_that_is_not_whole_says_so(shown: int, fitting: int, language: str, said: str) -> None:
    """How many there are, and that not all of them stand there."""
    assert render_count(shown, fitting, Say(language)) == said
