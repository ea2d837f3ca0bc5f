"""The console's two languages: catalogues read at start, and one value that says everything in a viewer's words.

The English text is the message's id. Catalogues are plain .po files (`zh_CN.po`, `en.po`) read with Babel; a message
that a catalogue lacks is shown in English, and a test fails. `python -m dashboards.locale.update` writes new ids into them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = {"zh_CN": "简体中文", "en": "English"}
DEFAULT = "zh_CN"
FOLDER = Path(__file__).parent


@cache
def catalogue(language: str) -> Catalog:
    """The messages of one language. Raises KeyError when the console does not speak it."""
    if language not in LANGUAGES:
        raise KeyError(f"The console speaks {', '.join(LANGUAGES)}, not {language!r}.")
    with (FOLDER / f"{language}.po").open("rb") as stream:
        return read_po(stream, locale=language)


def translator(language: str) -> Callable[[str], str]:
    """A function from an English message to the language's own, or to itself where the catalogue has none."""
    messages = {message.id: message.string for message in catalogue(spoken(language)) if isinstance(message.id, str)}

    def translate(english: str) -> str:
        return str(messages.get(english) or english)

    return translate


def spoken(language: str | None) -> str:
    """The console's language nearest to the one asked for: `zh-CN`, `zh` and `zh_Hans_CN` are all `zh_CN`."""
    if not language:
        return DEFAULT
    return "zh_CN" if language.lower().startswith("zh") else "en"


def mark(english: str) -> str:
    """Names a message that is translated later, so that the catalogues know it."""
    return english


@cache
def _translate(language: str) -> Callable[[str], str]:
    return translator(language)


@cache
def _locale(language: str) -> Locale:
    """Babel looks at its folder of locales each time it is asked; once is enough."""
    return Locale.parse(language)


@dataclass(frozen=True, slots=True)
class Say:
    """How one viewer is spoken to: words, numbers, instants and ages in their language and time zone."""

    language: str = "en"
    timezone: str = "UTC"
    operator_timezone: str = "UTC"

    def __call__(self, english: str, **values: object) -> str:
        """The message in the viewer's language, with `{name}` filled from the values."""
        text = _translate(self.language)(english)
        return text.format(**values) if values else text

    def many(self, one: str, more: str, n: int, **values: object) -> str:
        """The message for n things, in the language's own plural form; `{n}` is n as the language writes it."""
        message = catalogue(self.language).get((one, more)) or catalogue(self.language).get(one)
        forms = message.string if message is not None and isinstance(message.string, tuple | list) else ()
        plural = catalogue(self.language).plural_expr
        index = 0 if plural.strip() == "0" else int(n != 1)
        text = forms[index] if index < len(forms) and forms[index] else (one if n == 1 else more)
        return text.format(n=self.number(n), **values)

    @property
    def locale(self) -> Locale:
        """Babel's locale for the language."""
        return _locale(self.language)

    @property
    def zone(self) -> ZoneInfo:
        """The viewer's time zone."""
        return ZoneInfo(self.timezone)

    def number(self, value: float | Decimal, digits: int = 0) -> str:
        """A number with grouping and at most so many decimals."""
        return format_decimal(value, format="#,##0" + ("." + "#" * digits if digits else ""), locale=self.locale)

    def share(self, ratio: float, digits: int = 1) -> str:
        """A ratio 0..1 as a percentage."""
        return format_percent(ratio, format="#,##0" + ("." + "#" * digits if digits else "") + "%", locale=self.locale)

    def clock(self, at: datetime | None) -> str:
        """HH:MM:SS in the viewer's zone; a dash when there is no instant."""
        return "–" if at is None else at.astimezone(self.zone).strftime("%H:%M:%S")

    def instant(self, at: datetime | None) -> str:
        """Day and time to the second in the viewer's zone; a dash when there is no instant."""
        return "–" if at is None else at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def instant_ms(self, at_ms: int) -> str:
        """As `instant`, from milliseconds since the epoch."""
        return self.instant(datetime.fromtimestamp(at_ms / 1000, UTC))

    def day(self, day: date) -> str:
        """A business day with its weekday, as the language writes it."""
        return format_date(day, "yyyy-MM-dd EEE", locale=self.locale)

    def age(self, seconds: float | None) -> str:
        """A duration to two units, of which a second that is zero is left out: `3 min 20 s`, `2 h`; a dash for none."""
        if seconds is None:
            return "–"
        whole = max(0, int(seconds))
        if whole < 60:
            return self(mark("{s} s"), s=whole)
        if whole < 3600:
            if whole % 60 == 0:
                return self(mark("{m} min"), m=whole // 60)
            return self(mark("{m} min {s} s"), m=whole // 60, s=whole % 60)
        if whole < 86400:
            if whole % 3600 < 60:
                return self(mark("{h} h"), h=whole // 3600)
            return self(mark("{h} h {m} min"), h=whole // 3600, m=whole % 3600 // 60)
        if whole % 86400 < 3600:
            return self(mark("{d} d"), d=whole // 86400)
        return self(mark("{d} d {h} h"), d=whole // 86400, h=whole % 86400 // 3600)
