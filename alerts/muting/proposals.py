"""Silences that would mute everything: one person proposes, another approves. The field calls it four eyes, or vault mode.

A proposal changes nothing until another person with the right approves it, within half an hour; then the silence holds
from that moment for the time that was proposed. Who is another person is asked of accounts, not of names. Both doings,
a rejection and a withdrawal are in the audit trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from alerts.muting import silences
from alerts.muting.silences import SilenceError, Spec
from alerts.occurrences import AnyRow
from alerts.routes.matchers import Matcher
from core.people import audit, users
from core.store.tables import silence_proposal

WITHIN = timedelta(minutes=30)
"""How long a proposal waits for a second person."""
LONGEST = timedelta(hours=24)
APPROVED, REJECTED, WITHDRAWN = "approved", "rejected", "withdrawn"


class ProposalError(SilenceError):
    """The doing is refused; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one person wants silenced, and what became of it; `decision` is none while it waits."""

    id: int
    matchers: tuple[Matcher, ...]
    length: timedelta
    reason: str
    proposed_by: str
    proposed_at: datetime
    lapses_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    silence_id: str | None

    def waits(self, now: datetime) -> bool:
        """Whether a second person can still approve it."""
        return self.decision is None and now < self.lapses_at


def propose(
    connection: Connection, matchers: tuple[Matcher, ...], length: timedelta, reason: str, who: str, now: datetime
) -> int:
    """Propose a silence, however much it mutes, and return the number of the proposal.

    Raises SilenceError for matchers that no silence can have, without a reason, and for too long a time.
    """
    account = _account(connection, who)
    if not reason.strip():
        raise ProposalError("Silencing so much needs a reason; say why nobody is to be told of anything.")
    if length > LONGEST:
        hours = LONGEST // timedelta(hours=1)
        raise ProposalError(f"Such a silence lasts at most {hours} hours; propose it again when it is still needed.")
    spec = silences.sound(Spec(matchers, now, now + length, reason), now)
    values = {
        "matchers": silences.as_rows(spec.matchers),
        "length_s": int(length.total_seconds()),
        "reason": spec.comment,
        "proposed_by": account.name,
        "proposer_id": account.id,
        "proposed_at": now,
        "lapses_at": now + WITHIN,
    }
    made = insert(silence_proposal).returning(silence_proposal.c.id).values(values)
    number: int = connection.execute(made).scalar_one()
    facts = {"matchers": [str(one) for one in matchers], "length_s": values["length_s"], "reason": spec.comment}
    _audit(connection, "propose silence", number, account.name, now, facts)
    return number


def approve(connection: Connection, number: int, who: str, now: datetime) -> str:
    """Approve what another person proposed; the silence holds from now on. Returns its id.

    Raises ProposalError by the person who proposed it, and when it is decided or has lapsed.
    """
    account, row = _account(connection, who), _waiting(connection, number, now)
    if account.id == row.proposer_id:
        raise ProposalError(f"{row.proposed_by} proposed silence {number}; another person must approve it.")
    length = timedelta(seconds=row.length_s)
    spec = Spec(silences.of_rows(row.matchers), now, now + length, row.reason)
    id = silences.create_for_two(connection, spec, row.proposed_by, account.name, number, now)
    _decide(connection, row, APPROVED, account, now, silence_id=id)
    return id


def reject(connection: Connection, number: int, who: str, reason: str, now: datetime, *, approves: bool = True) -> None:
    """Refuse a proposal, with a reason; by the person who proposed it, it is withdrawn and needs none.

    Raises ProposalError when it is decided or has lapsed, without a reason, and for others who have no right to approve.
    """
    account, row = _account(connection, who), _waiting(connection, number, now)
    if account.id == row.proposer_id:
        _decide(connection, row, WITHDRAWN, account, now, note=reason.strip() or None)
        return
    if not approves:
        raise ProposalError(f"Only {row.proposed_by} may withdraw silence {number}, or reject it who could approve it.")
    if not reason.strip():
        raise ProposalError("A proposal is rejected with a reason; say why it should not be.")
    _decide(connection, row, REJECTED, account, now, note=reason.strip())


def listed(connection: Connection, since: datetime) -> list[Proposal]:
    """Proposals of that instant and later, the newest first."""
    query = select(silence_proposal).where(silence_proposal.c.proposed_at >= since)
    return [_proposal(row) for row in connection.execute(query.order_by(silence_proposal.c.id.desc()))]


def waiting(connection: Connection, now: datetime) -> int:
    """How many proposals wait for a second person."""
    open_ones = (silence_proposal.c.decision.is_(None), silence_proposal.c.lapses_at > now)
    query = select(func.count()).select_from(silence_proposal).where(*open_ones)
    return int(connection.execute(query).scalar_one())


def _decide(
    connection: Connection,
    row: AnyRow,
    decision: str,
    account: users.User,
    now: datetime,
    note: str | None = None,
    silence_id: str | None = None,
) -> None:
    """Write the decision down, once, whoever else decides at the same time."""
    mine = update(silence_proposal).where(silence_proposal.c.id == row.id, silence_proposal.c.decision.is_(None))
    values = {"decision": decision, "decided_by": account.name, "decider_id": account.id, "decided_at": now}
    if connection.execute(mine.values(**values, note=note, silence_id=silence_id)).rowcount != 1:
        _waiting(connection, row.id, now)
    verb = {APPROVED: "approve silence", REJECTED: "reject silence", WITHDRAWN: "withdraw silence"}[decision]
    facts = {"proposed_by": row.proposed_by, "note": note or "", "silence": silence_id or ""}
    _audit(connection, verb, row.id, account.name, now, facts)


def _waiting(connection: Connection, number: int, now: datetime) -> AnyRow:
    query = select(silence_proposal).where(silence_proposal.c.id == number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise ProposalError(f"There is no proposal {number}.")
    if row.decision is not None:
        raise ProposalError(f"Proposal {number} is decided already: {row.decision} by {row.decided_by}.")
    if now >= row.lapses_at:
        minutes = WITHIN // timedelta(minutes=1)
        raise ProposalError(
            f"Proposal {number} lapsed at {row.lapses_at:%Y-%m-%d %H:%M} UTC; it waits {minutes} minutes for a second "
            "person. Propose it again."
        )
    return row


def _account(connection: Connection, name: str) -> users.User:
    found = users.find(connection, name)
    if found is None or found.disabled_at is not None:
        raise ProposalError(
            f"There is no account named {name} that is open; only people with an account propose and decide."
        )
    return found


def _proposal(row: AnyRow) -> Proposal:
    return Proposal(
        row.id,
        silences.of_rows(row.matchers),
        timedelta(seconds=row.length_s),
        row.reason,
        row.proposed_by,
        row.proposed_at,
        row.lapses_at,
        row.decision,
        row.decided_by,
        row.decided_at,
        row.note,
        row.silence_id,
    )


def _audit(connection: Connection, action: str, number: int, who: str, now: datetime, facts: dict[str, object]) -> None:
    audit.record(connection, at=now, who=who, action=action, object=f"silence-proposal/{number}", detail=facts)
