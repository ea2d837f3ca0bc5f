"""One Spark for all tests of a process: the engine keeps it, so that only the first run pays for its start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciliation.engines import MissingEngine
from reconciliation.engines import spark as engine


@pytest.fixture(scope="session")
def spark() -> Iterator[None]:
    """Java with its quickest compiler and collector, since these days are small."""
    try:
        engine.prepare()
    except MissingEngine as missing:
        pytest.skip(str(missing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture
def interpreted(spark: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expressions walked through instead of compiled to Java: the same values, without compiling for a few hundred rows."""
    monkeypatch.setitem(engine.SQL, "spark.sql.codegen.wholeStage", "false")
    monkeypatch.setitem(engine.SQL, "spark.sql.codegen.factoryMode", "NO_CODEGEN")
