"""The table of rights is whole, and what is not in it is refused."""

from __future__ import annotations

import pytest

from core.people.rights import ADMIN, AUDITOR, MANAGER, OPERATOR, RIGHTS, ROLES, VIEWER, allowed, known, rights_of


def test_unknown_roles_and_rights_are_refused() -> None:
    """Default deny: a typing error never opens anything."""
    assert not allowed("admin", "see.everything")
    assert not allowed("admin", "")
    assert not allowed("root", "see.monitoring")
    assert not allowed("", "see.monitoring")
    assert not known("see.everything")
    assert rights_of("root") == frozenset()


@pytest.mark.parametrize("right", sorted(RIGHTS))
def test_every_right_is_held_by_real_roles_and_by_the_admin(right: str) -> None:
    """No right is out of everybody's reach, and none names a role that does not exist."""
    assert RIGHTS[right] <= set(ROLES)
    assert allowed(ADMIN, right)


def test_who_only_looks_changes_nothing() -> None:
    """The viewer has no right to act on anything."""
    assert all(right.startswith(("see.", "own.")) for right in rights_of(VIEWER))


def test_the_auditor_acts_on_breaks_runs_and_signatures_alone() -> None:
    """On alerts, tickets and people the auditor has no right to act."""
    acting = {right for right in rights_of(AUDITOR) if not right.startswith(("see.", "own."))}
    assert acting == {f"reconciliation.{doing}" for doing in ("run", "work", "approve", "prepare", "sign")}


RECONCILING = {
    "reconciliation.run": {OPERATOR, AUDITOR, MANAGER, ADMIN},
    "reconciliation.work": {OPERATOR, AUDITOR, MANAGER, ADMIN},
    "reconciliation.prepare": {OPERATOR, AUDITOR, MANAGER, ADMIN},
    "reconciliation.approve": {AUDITOR, MANAGER, ADMIN},
    "reconciliation.sign": {AUDITOR, MANAGER, ADMIN},
}


@pytest.mark.parametrize("right", sorted(RECONCILING))
def test_who_may_do_what_about_breaks_and_runs(right: str) -> None:
    """An operator works and prepares; approving and reviewing is for those above and beside."""
    assert RIGHTS[right] == RECONCILING[right]


def test_every_right_about_breaks_and_runs_is_decided_here() -> None:
    """A new one is added to the table above, with who holds it."""
    acting = {right for right in RIGHTS if right.startswith("reconciliation.")}
    assert acting == set(RECONCILING)


def test_the_trail_is_for_auditors_and_admins() -> None:
    """Those whose doings it tells do not read it."""
    assert RIGHTS["see.audit"] == {AUDITOR, ADMIN}


def test_the_table_cannot_be_changed_at_run_time() -> None:
    """Rights change with the source, and so with a review."""
    with pytest.raises(TypeError):
        RIGHTS["see.audit"] = frozenset(ROLES)  # type: ignore[index]
