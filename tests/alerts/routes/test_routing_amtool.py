"""Routes lead where the real amtool says, over generated trees."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.config import RoutesFile
from alerts.routes.routing import route
from tests.servers.process import program

OPERATORS = ("=", "!=", "=~", "!~")
VALUES = ("", "1", "2", "1|2", "1.?", ".+", ".*")


def _tree(rng: random.Random, depth: int, receivers: list[str]) -> dict[str, Any]:
    matchers = [
        f'{rng.choice("abc")}{rng.choice(OPERATORS)}"{rng.choice(VALUES)}"' for _ in range(rng.choice((0, 1, 1, 2)))
    ]
    made: dict[str, Any] = {"matchers": matchers, "continue": rng.random() < 0.4}
    if rng.random() < 0.7:
        made["receiver"] = f"r{len(receivers)}"
        receivers.append(made["receiver"])
    if depth:
        made["routes"] = [_tree(rng, depth - 1, receivers) for _ in range(rng.randint(0, 3))]
    return made


@pytest.mark.parametrize("seed", range(8))
def test_a_tree_of_routes_leads_where_amtool_says(seed: int, tmp_path: Path) -> None:
    """Nested routes, `continue`, every operator, missing and empty labels."""
    rng = random.Random(seed)
    receivers = ["root"]
    top = {"receiver": "root", "routes": [_tree(rng, 2, receivers) for _ in range(4)]}
    file = {"route": top, "receivers": [{"name": name} for name in receivers]}
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(file))
    tree = RoutesFile.model_validate(file).tree
    amtool = program(["amtool"], "prometheus-alertmanager")
    for _ in range(8):
        labels = {name: rng.choice(["1", "2", "12", "x"]) for name in "abc" if rng.random() < 0.7}
        pairs = [f"{name}={value}" for name, value in labels.items()]
        command = [amtool, "config", "routes", "test", f"--config.file={path}", *pairs]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert [one.receiver for one in route(tree, labels)] == said.split(","), (seed, labels)
