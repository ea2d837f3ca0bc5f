"""The words for what the store keeps as codes: statuses, states, kinds and classes, each marked for translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.tickets.kinds import BY_CODE
from dashboards.locale import Say, mark

STATUS = {
    "ok": mark("OK"),
    "warning": mark("Warning"),
    "critical": mark("Critical"),
    "unknown": mark("Unknown"),
    "unjudged": mark("Not judged"),
    "firing": mark("Firing"),
    "resolved": mark("Resolved"),
}
TARGET_KIND = {
    "host": mark("Hosts"),
    "database": mark("Databases"),
    "web_server": mark("Web servers"),
    "http": mark("Web pages"),
    "business": mark("Business indicators"),
    "service": mark("Services"),
    "exporter": mark("Exporters"),
    "control": mark("Controls"),
    "duty_desk": mark("Duty desks"),
}
TICKET_STATE = {
    "open": mark("Open"),
    "approved": mark("Permitted"),
    "assigned": mark("Assigned"),
    "accepted": mark("In progress"),
    "paused": mark("Paused"),
    "resolved": mark("Resolved"),
    "confirmed": mark("Confirmed"),
    "closed": mark("Closed"),
    "cancelled": mark("Cancelled"),
}
TICKET_RELATION = {
    "duplicate_of": mark("Duplicate of"),
    "child_of": mark("Child of"),
    "caused_by": mark("Caused by"),
    "alert": mark("Alert"),
    "break": mark("Break"),
    "run": mark("Run"),
    "job": mark("Job"),
    "change": mark("Change"),
}
TICKET_RELATION_BACK = {
    "duplicate_of": mark("Has the duplicate"),
    "child_of": mark("Has the child"),
    "caused_by": mark("Caused"),
}
"""How the other end of a link names it."""
JOB_STATE = {
    "open": mark("To do"),
    "missed": mark("Missed"),
    "done": mark("Done"),
    "late": mark("Done late"),
    "dropped": mark("Dropped"),
    "coming": mark("To come"),
}
HANDOVER_STATE = {
    "draft": mark("Draft"),
    "prepared": mark("Prepared"),
    "accepted": mark("Taken over"),
    "refused": mark("Refused"),
}
CHANGE_STATE = {
    "planned": mark("Planned"),
    "approved": mark("Approved"),
    "running": mark("Under way"),
    "done": mark("Done"),
    "backed_out": mark("Backed out"),
    "failed": mark("Failed"),
    "cancelled": mark("Cancelled"),
}
CHANGE_KIND = {"change": mark("Change"), "release": mark("Release")}
RISK = {"low": mark("Low"), "medium": mark("Medium"), "high": mark("High")}
ENTRY_KIND = {
    "event": mark("Event"),
    "visit": mark("Visit"),
    "phone": mark("Phone call"),
    "work": mark("Work"),
    "other": mark("Other"),
}
ENTRY_FIELD = {
    "visitor": mark("Visitor"),
    "company": mark("Company"),
    "room": mark("Machine room"),
    "purpose": mark("Purpose"),
    "escort": mark("Escorted by"),
    "left_at": mark("Left at"),
}
SECTION = {
    "alerts": mark("Open alerts"),
    "silences": mark("Silences"),
    "tickets": mark("Open tickets"),
    "files": mark("Late and missing files"),
    "runs": mark("Unsigned runs"),
    "changes": mark("Changes"),
    "jobs": mark("Jobs not done"),
}
PRIORITY = {"high": mark("High"), "normal": mark("Normal"), "low": mark("Low")}
EVENT = {
    "opened": mark("Opened"),
    "severity": mark("Severity changed"),
    "unknown": mark("No data any more"),
    "known": mark("Data again"),
    "acknowledged": mark("Acknowledged"),
    "unacknowledged": mark("Given back"),
    "notified": mark("Notified"),
    "kept_quiet": mark("Kept quiet"),
    "let_through": mark("No longer kept quiet"),
    "shelved": mark("Shelved"),
    "unshelved": mark("Back from the shelf"),
    "not_delivered": mark("Not delivered"),
    "resent": mark("Sent again"),
    "escalation": mark("Escalation"),
    "passed_on": mark("Passed on"),
    "ticket": mark("Ticket"),
    "resolved": mark("Resolved"),
    "assigned": mark("Assigned"),
    "comment": mark("Comment"),
    "alert_cleared": mark("Alert cleared"),
    "alert_returned": mark("Alert fires again"),
    "closed": mark("Closed"),
    "reopened": mark("Reopened"),
    "approved": mark("Permitted"),
    "rejected": mark("Refused"),
    "taken": mark("Taken"),
    "accepted": mark("Accepted"),
    "transferred": mark("Transferred"),
    "department": mark("Department"),
    "priority": mark("Priority changed"),
    "paused": mark("Paused"),
    "resumed": mark("Resumed"),
    "confirmed": mark("Confirmed"),
    "cancelled": mark("Cancelled"),
    "linked": mark("Link"),
    "unlinked": mark("Link taken off"),
    "attached": mark("File"),
    "respond_warned": mark("Answer due soon"),
    "respond_late": mark("Answer late"),
    "resolve_warned": mark("Due soon"),
    "resolve_late": mark("Late"),
    "begun": mark("Begun"),
    "prepared": mark("Prepared"),
    "refused": mark("Refused"),
    "filled": mark("Result"),
    "evidence": mark("Evidence added"),
    "done": mark("Done"),
    "dropped": mark("Dropped"),
    "planned": mark("Planned"),
    "running": mark("Under way"),
    "backed_out": mark("Backed out"),
    "failed": mark("Failed"),
}
HANDOVER_EVENT = {**EVENT, "accepted": mark("Taken over")}
CHANGE_EVENT = {**EVENT, "approved": mark("Approved")}
MUTE = {
    "silence": mark("Silenced"),
    "inhibition": mark("Inhibited"),
    "dependency": mark("Parent down"),
    "maintenance": mark("Maintenance"),
    "shelved": mark("On the shelf"),
    "flapping": mark("Flapping"),
    "interval": mark("Outside hours"),
}
SILENCE_STATE = {"active": mark("Active"), "pending": mark("Not begun"), "expired": mark("Expired")}
OUTCOME = {"clean": mark("Balanced"), "breaks": mark("Breaks"), "refused": mark("Refused")}
BREAK_CLASS = {
    "matched": mark("Matched"),
    "no_effect": mark("No effect"),
    "missing_in_payment": mark("Missing in payment"),
    "missing_in_platform": mark("Missing in platform"),
    "missing_in_billing": mark("Missing in billing"),
    "billing_only": mark("Billing only"),
    "platform_only": mark("Platform only"),
    "payment_only": mark("Payment only"),
    "duplicate_booking": mark("Duplicate booking"),
    "duplicate_charge": mark("Duplicate charge"),
    "in_doubt": mark("In doubt"),
    "awaiting_cutoff": mark("Awaiting cut-off"),
    "status_book_failed": mark("Paid, booking failed"),
    "status_payment_failed": mark("Booked, payment failed"),
    "status_platform_failed": mark("Platform failed"),
    "status_platform_only": mark("Only the platform succeeded"),
    "currency_mismatch": mark("Currency differs"),
    "amount_surplus": mark("Surplus"),
    "amount_shortfall": mark("Shortfall"),
    "over_credited": mark("Over-credited"),
    "under_credited": mark("Under-credited"),
    "fee_mismatch": mark("Fee differs"),
    "cutoff": mark("Cut-off"),
    "status_mismatch": mark("Status differs"),
    "amount_difference": mark("Amount differs"),
    "matched_by_tolerance": mark("Matched within tolerance"),
    "matched_by_batch": mark("Matched as a batch"),
    "out_of_balance": mark("Out of balance"),
}
CASE_STATE = {
    "open": mark("To be settled"),
    "proposed": mark("Proposed"),
    "approved": mark("To be proven"),
    "proven": mark("Proven"),
    "written_off": mark("Written off"),
    "explained": mark("Explained"),
}
ADJUSTMENT = {"back_fill": mark("Back-fill"), "reversal": mark("Reversal"), "write_off": mark("Write-off")}
DECISION = {"approved": mark("Approved"), "rejected": mark("Rejected"), "withdrawn": mark("Withdrawn")}
SIGN_STATE = {
    "unsigned": mark("not signed"),
    "prepared": mark("prepared"),
    "signed": mark("signed"),
    "reopened": mark("re-opened"),
}
"""How far the signing of a run has come, within a sentence."""
SIGNATURE = {"prepared": mark("Prepared"), "reviewed": mark("Signed"), "reopened": mark("Re-opened")}
REASON = {
    "timing": mark("Timing"),
    "missing_file_record": mark("Record missing in a file"),
    "duplicate_submission": mark("Submitted twice"),
    "system_fault": mark("System fault"),
    "manual_error": mark("Manual error"),
    "fraud_suspected": mark("Fraud suspected"),
    "rounding": mark("Rounding"),
    "tariff_error": mark("Tariff error"),
    "late_settlement": mark("Late settlement"),
    "customer_dispute": mark("Customer dispute"),
    "other": mark("Other"),
}
CASE_EVENT = {
    "found": mark("Found"),
    "assigned": mark("Assigned"),
    "reason": mark("Reason code"),
    "comment": mark("Comment"),
    "ticket": mark("Ticket"),
    "proposed": mark("Adjustment proposed"),
    "withdrawn": mark("Proposal withdrawn"),
    "approved": mark("Adjustment approved"),
    "rejected": mark("Adjustment rejected"),
    "proven": mark("Proven by the match"),
    "not_proven": mark("Not proven by the match"),
    "written_off": mark("Written off"),
    "explained": mark("Explained"),
    "reopened": mark("Reopened"),
    "found_again": mark("Found again"),
    "disproven": mark("Proof withdrawn"),
}
ARRIVAL = {
    "expected": mark("Expected"),
    "on_time": mark("On time"),
    "late": mark("Late"),
    "missing": mark("Missing"),
    "twice": mark("Delivered twice"),
    "changed": mark("Changed after delivery"),
    "arrived": mark("Arrived"),
}
LEAKAGE = {
    "identified": mark("Identified"),
    "recovered": mark("Recovered"),
    "written_off": mark("Written off"),
    "explained": mark("Explained"),
}
LOSER = {
    "customer": mark("Customer"),
    "operator": mark("Operator"),
    "partner": mark("Partner"),
    "none": mark("Nobody"),
}
PARTY = {"billing": mark("Billing"), "platform": mark("Platform"), "payment": mark("Payment")}
DIMENSION = {
    "account": mark("Account"),
    "channel": mark("Channel"),
    "product": mark("Product"),
    "region": mark("Region"),
}
RECORD_KIND = {"payment": mark("Payment"), "refund": mark("Refund"), "equation": mark("Equation")}
RECORD_STATUS = {"success": mark("Success"), "failed": mark("Failed"), "pending": mark("Pending")}
CHANNEL = {"webhook": mark("Webhook"), "email": mark("Mail"), "apprise": mark("Chat or SMS")}
DELIVERY_STATE = {
    "pending": mark("Waiting"),
    "sent": mark("Delivered"),
    "dead": mark("Not delivered"),
    "merged": mark("Told together"),
    "settled": mark("Seen to"),
}
HEARTBEAT = {
    "failed": mark("Job failed"),
    "late": mark("Job late"),
    "due": mark("Job due"),
    "running": mark("Job running"),
    "waiting": mark("Not heard of yet"),
    "up": mark("Job well"),
}
PING = {"success": mark("Job done"), "fail": mark("Job failed"), "start": mark("Job began")}
ROLE = {
    "viewer": mark("Viewer"),
    "operator": mark("Duty operator"),
    "auditor": mark("Auditor"),
    "manager": mark("Manager"),
    "admin": mark("Administrator"),
}


def ticket_kind(code: str, _: Say) -> str:
    """The name of a kind of ticket; a kind that is not one of the twelve is shown as it is."""
    kind = BY_CODE.get(code)
    return code if kind is None else kind.zh if _.language.startswith("zh") else kind.en


def break_class(code: str, _: Say) -> str:
    """The name of a class; those of a control with parties of its own are put together from the party's name."""
    if code in BREAK_CLASS:
        return _(BREAK_CLASS[code])
    if code.startswith("missing_in_"):
        parties = code.removeprefix("missing_in_").split("_and_")
        return _("Missing in {party}", party=_(", ").join(word(PARTY, party, _) for party in parties))
    if code.startswith("duplicate_in_"):
        return _("Duplicate in {party}", party=word(PARTY, code.removeprefix("duplicate_in_"), _))
    if code.endswith("_only"):
        return _("Only in {party}", party=word(PARTY, code.removesuffix("_only"), _))
    return code


def in_order(parties: Iterable[str]) -> tuple[str, ...]:
    """Parties in the order in which pages show them: the known ones as a sale passes them, then the others by name."""
    known = list(PARTY)
    return tuple(sorted(parties, key=lambda name: (known.index(name) if name in known else len(known), name)))


def party_order(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """The parties of a run in the order of their control; the store keeps the keys of a certificate sorted."""
    return tuple(certificate.get("party_order") or in_order(certificate.get("parties", ())))


def word(table: dict[str, str], code: str, _: Say) -> str:
    """The word for a code in the viewer's language; a code that no table knows is shown as it is."""
    return _(table[code]) if code in table else code
