"""Both languages say everything that the source says, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from babel.messages.pofile import read_po

from dashboards.locale import FOLDER, LANGUAGES, Say, catalogue, spoken, translator
from dashboards.locale.update import messages, text, update

HOLE = re.compile(r"\{(\w+)\}")


def ids(language: str) -> set[str | tuple[str, ...]]:
    """The message ids of a catalogue as it stands in the tree."""
    with (FOLDER / f"{language}.po").open("rb") as stream:
        return {
            message.id if isinstance(message.id, str) else tuple(message.id)
            for message in read_po(stream)
            if message.id
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_exactly_the_messages_of_the_source(language: str) -> None:
    said = {message if isinstance(message, str) else tuple(message) for message in messages()}
    assert len(said) > 200
    assert said - ids(language) == set(), "missing; run python -m dashboards.locale.update and translate"
    assert ids(language) - said == set(), "no longer used; run python -m dashboards.locale.update"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_with_the_same_holes(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        wanted = message.id if isinstance(message.id, str) else message.id[-1]
        for form in forms:
            assert form, f"{message.id!r} has no translation into {language}"
        assert set(HOLE.findall(forms[-1])) == set(HOLE.findall(wanted)), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_in_the_tree_is_what_the_tool_writes(language: str) -> None:
    assert (FOLDER / f"{language}.po").read_bytes() == text(update(language), language)


def test_chinese_is_chinese_and_a_message_that_nobody_translated_stays_english() -> None:
    assert translator("zh_CN")("Alerts") == "告警"
    assert translator("zh_CN")("Something that no catalogue has") == "Something that no catalogue has"
    assert translator("en")("Alerts") == "Alerts"


def test_a_language_that_the_console_does_not_speak_is_refused() -> None:
    with pytest.raises(KeyError, match="speaks zh_CN, en"):
        catalogue("fr")


@pytest.mark.parametrize(
    ("asked", "given"),
    [("zh-CN", "zh_CN"), ("zh", "zh_CN"), ("zh_Hans_CN", "zh_CN"), ("en-GB", "en"), ("fr", "en"), (None, "zh_CN")],
)
def test_what_a_browser_asks_for_becomes_the_nearest_language(asked: str | None, given: str) -> None:
    assert spoken(asked) == given


@pytest.mark.parametrize(
    ("language", "n", "words"),
    [("en", 1, "one alert"), ("en", 0, "0 alerts"), ("en", 1200, "1,200 alerts"), ("zh_CN", 1, "1 条告警")],
)
def test_things_are_counted_in_the_plural_of_the_language(language: str, n: int, words: str) -> None:
    assert Say(language).many("one alert", "{n} alerts", n) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (90_000, "1 d 1 h"),
        (86_459, "1 d"),
    ],
)
def test_ages_have_two_units_or_one_when_the_second_is_zero(seconds: float | None, words: str) -> None:
    assert Say("en").age(seconds) == words


def test_instants_are_shown_in_the_viewers_zone() -> None:
    at = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    assert Say("zh_CN", "Asia/Shanghai").instant(at) == "2026-03-02 00:30:00"
    assert Say("en", "Europe/Berlin").clock(at) == "17:30:00"
    assert Say("zh_CN").day(date(2026, 3, 1)) == "2026-03-01 周日"
