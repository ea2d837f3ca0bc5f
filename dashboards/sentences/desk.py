"""What the desk, its tickets and the pipeline refuse people, as shapes of sentences."""

from __future__ import annotations

from dashboards.locale import mark

DOINGS = {
    "assign": mark("assign"),
    "resolve": mark("resolve"),
    "close": mark("close"),
    "give a reason code to": mark("give a reason code to"),
    "comment": mark("comment"),
    "explain": mark("explain"),
    "reopen": mark("reopen"),
    "tie a ticket to": mark("tie a ticket to"),
    "approve": mark("approve"),
    "reject": mark("reject"),
    "take": mark("take"),
    "transfer": mark("transfer"),
    "pause": mark("pause"),
    "resume": mark("resume"),
    "confirm": mark("confirm"),
    "answer": mark("answer"),
    "accept": mark("accept"),
    "refuse": mark("refuse"),
    "begin": mark("begin"),
    "end": mark("end"),
    "cancel": mark("cancel"),
}
"""What somebody wanted to do, as a sentence names it."""
NEEDED = {
    "a reason": mark("a reason"),
    "a comment": mark("a comment"),
    "somebody to have it": mark("somebody to have it"),
    "a sentence that explains it": mark("a sentence that explains it"),
    "a comment that says why": mark("a comment that says why"),
    "a title": mark("a title"),
    "a cause": mark("a cause"),
    "a remedy": mark("a remedy"),
    "a department, branch or integrator": mark("a department, branch or integrator"),
    "whom it waits for": mark("whom it waits for"),
    "a text": mark("a text"),
    "a result": mark("a result"),
    "a result in words": mark("a result in words"),
    "a requirement number": mark("a requirement number"),
    "a back-out plan": mark("a back-out plan"),
    "a contact": mark("a contact"),
}
"""What somebody left out."""

SHAPES = (
    mark("Break {n} has a proposal by {who}; decide or withdraw that one first."),
    mark("Break {n} is {state}; to propose an adjustment, it must be open."),
    mark("Break {n} is {state}; to {doing} it, it must be {states}."),
    mark("There is no break chosen to {doing}; choose one."),
    mark("There is no break {n}."),
    mark("Break {n} has no proposal that waits for a decision."),
    mark("Break {n} has ticket {ticket} already."),
    mark("There is no reason code {name}; choose one of {codes}."),
    mark("There is no ticket {n}; open it first."),
    mark("Ticket {n} is {ticketstate}; to {doing} it, it must be {ticketstates}."),
    mark("There is no ticket {n}."),
    mark("This needs {needed}; nothing was written."),
    mark("{words}; nothing was written."),
    mark("Adjustment {n} was proposed by {who}; only they can withdraw it."),
    mark("Adjustment {n} does not wait for a proof: its break is {state}."),
    mark("Adjustment {n} was followed by another of break {case}; prove that one."),
    mark("Adjustment {n} is {decision} by {who} already."),
    mark("There is no adjustment {n}."),
    mark("There is no run {n}."),
    mark("Run {n} proves nothing of break {case}: that takes a result of {control} for a day after {day}."),
    mark("There is no kind of adjustment {name}; choose one of {adjustments}."),
    mark("The amount {amount} does not lie between 1 and {most}, the money at risk of break {n} in minor units."),
    mark("A write-off corrects no party's records; leave the party out."),
    mark("{party} is no party of {control}; choose one of {parties}."),
    mark("Break {n} is one of fees, which no record corrects; explain it or write it off."),
    mark("{party} has no successful record in break {n} that it could reverse; name who has."),
    mark("{party}'s record in break {n} is of {most}; reverse no more than that."),
    mark(
        "No other party has a successful record in break {n}, so none of {party}'s can be lacking; "
        "reverse it or write it off."
    ),
    mark("A back-fill at {party} brings the whole record of break {n}; its amount is {amounts}."),
    mark("{who} proposed adjustment {n}; another person must {doing} it."),
    mark("Run {n} is {signed} already, by {who}; reopen it to sign it anew."),
    mark("Run {n} is {signed}; to be reviewed, it must be prepared."),
    mark("{who} prepared run {n}; another person must review it."),
    mark("Run {n} is {signed}; there is no signature to take off."),
    mark("Run {n} was refused; there is no result to sign. Mend its files and run the day again."),
    mark("The certificate of run {n} has no hash, so it proves nothing; run the day again."),
    mark("Run {n} was replaced by run {latest} of the same day; sign that one."),
    mark(
        "{left} of the {breaks} breaks of run {n} are neither settled nor have an owner and a reason "
        "code; give them both."
    ),
    mark("Run {n} has no result: a quantity of its equation is unknown. Bring it and run again."),
    mark("Run {n} does not tie out: not every row of its files is accounted for. Keep its files and report it."),
    mark("Run {n} does not tie out: not every amount of its files is accounted for. Keep its files and report it."),
    mark("A run of {control} for {day} was asked for by {who} already; wait for its end."),
    mark("There is no open request {n} for a run."),
    mark("There is no control {control} in the configuration of the pipeline; add its file and ask again."),
    mark("The schedule of {control} leaves {day} out; ask for one of its business days."),
    mark("The business day {day} of {control} is not over yet; ask again when it is."),
    mark(
        "The run of {control} for {day} broke down ({error}); the log of the pipeline says more. Mend it and ask again."
    ),
    mark("There is no kind of ticket {name}; choose one of {kinds}."),
    mark("There is no priority {name}; choose one of {priorities}."),
    mark("{text} is not an amount; write digits and a point, such as 12.30"),
    mark("{text} has more than the {n} digits after the point that {currency} allows"),
    mark("{name} is not an ISO 4217 currency code; write three capitals such as CNY"),
)
