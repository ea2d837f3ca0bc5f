"""axe-core in the browser: what of a page keeps people from using it."""

from __future__ import annotations

from importlib import resources

from playwright.sync_api import Page

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
IMPACTS = ("serious", "critical")
LOOK = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map((each) => ({
    id: each.id, impact: each.impact, help: each.help,
    nodes: each.nodes.map((node) => node.target.join(" ") + ": " + (node.any.concat(node.all, node.none)[0] || {}).message),
  }));
}"""


def violations(page: Page) -> list[str]:
    """Each serious or critical violation on a page as a line: rule, what it asks for, and the elements that break it."""
    page.evaluate(AXE)
    found = [each for each in page.evaluate(LOOK) if each["impact"] in IMPACTS]
    return [f"{each['id']} ({each['impact']}): {each['help']}: {' | '.join(each['nodes'][:8])}" for each in found]
