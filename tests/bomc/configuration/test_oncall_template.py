"""The commented example of oncall.yaml that `bomc init` writes is a sound one once its comment signs are taken away."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from alerts.oncall.escalation import steps
from bomc.configuration.estate import load_estate


def test_the_example_of_oncall_yaml_is_sound_with_the_routes_beside_it(tmp_path: Path) -> None:
    """All three levels, in their order."""
    templates = resources.files("bomc.templates")
    lines = templates.joinpath("oncall.yaml").read_text(encoding="utf-8").splitlines()
    example = [re.sub("^# ?", "", line) for line in lines[lines.index("#") :]]
    (tmp_path / "oncall.yaml").write_text("\n".join(example), encoding="utf-8")
    routes = templates.joinpath("routes.yaml").read_text(encoding="utf-8")
    (tmp_path / "routes.yaml").write_text(routes, encoding="utf-8")
    oncall = load_estate(tmp_path).routes.oncall
    chain = steps(oncall, oncall.escalation["key-customer"])
    assert [step.schedule or step.person for step in chain] == ["city", "province", "zhao.lei"]
