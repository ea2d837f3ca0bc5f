"""Why an alert was kept quiet or let through, and what silences are refused for, as shapes of sentences."""

from __future__ import annotations

from dashboards.locale import mark

SHAPES = (
    mark("receiver {who}: {words}"),
    mark("{words_1}; {words_2}"),
    mark("silenced by {who} until {instant}: {text} (silence {id})"),
    mark("inhibited by alert {n} ({what}), which is open: inhibit rule {rule}"),
    mark("the route is mute during the interval {name}"),
    mark("the route is active only during {name}"),
    mark("suppressed: its parent {name} is down (alert {n}, {what})"),
    mark("suppressed: its parent {name} recovered at {instant}, and what still fires is told {length} after that"),
    mark("no longer kept quiet: {words}"),
    mark("its silence is over"),
    mark("its cause is over"),
    mark("the hours of its route allow it"),
    mark("its parent is up"),
    mark("in the maintenance window {name} until {instant}"),
    mark("its maintenance is over"),
    mark("flapping: it opened and resolved {n} times within {length}; told if it still fires at {instant}"),
    mark("it is stable"),
    mark("shelved by {who} until {instant}: {text}"),
    mark("it is back from the shelf"),
    mark("resolved before {who} was told of it, so there is nothing to tell"),
    mark("receiver {who} has no channel; it shows in the console only"),
    mark("it fires again as alert {n}, which is told instead"),
    mark("another route to {who} has it now, as {severity}"),
    mark("its ticket waits until it is not muted: {words}"),
    mark("no ticket was opened: it was muted until it was resolved"),
    mark("ticket {n} was opened"),
    mark("ticket {n} is still at work on it"),
    mark("{who} was told"),
    mark("{who} was not told so far"),
    mark("the receiver has no channel, so it shows in the console only"),
    mark("{who} has acknowledged it, so it is not repeated"),
    mark("a message by {channel} waits in the outbox"),
    mark("a message by {channel} waits in the outbox, after {n} tries: {error}"),
    mark("a message by {channel} could not be delivered, after {n} tries: {error}"),
    mark("its group is looked at next at {instant}"),
    mark("Silence {id} has ended already, at {instant}."),
    mark("A silence needs a comment: say why nobody is to be told."),
    mark("A silence needs the name of who made it (createdBy)."),
    mark("A silence has at most {n} matchers and {m} characters of comment."),
    mark('A silence needs at least one matcher, such as target="db-1".'),
    mark("At least one matcher of a silence must not match an empty label, and all of these do: {text}."),
    mark("A silence must end after it starts."),
    mark("The end of the silence, {instant}, is past already."),
    mark(
        "This silence would mute every alert there can be ({text}); that is more than one person may decide. "
        "Name what it is about: a target, a site, a check; or propose it to a second person."
    ),
    mark(
        "This silence would mute all {n} open alerts, critical ones among them ({text}); that is more than one person "
        "may decide. Name what it is about: a target, a site, a check; or propose it to a second person."
    ),
    mark("Silencing so much needs a reason; say why nobody is to be told of anything."),
    mark("Such a silence lasts at most {n} hours; propose it again when it is still needed."),
    mark("There is no proposal {n}."),
    mark("Proposal {n} is decided already: {decision} by {name}."),
    mark("Proposal {n} lapsed at {instant}; it waits {m} minutes for a second person. Propose it again."),
    mark("{name} proposed silence {n}; another person must approve it."),
    mark("Only {name} may withdraw silence {n}, or reject it who could approve it."),
    mark("A proposal is rejected with a reason; say why it should not be."),
    mark("There is no account named {name} that is open; only people with an account propose and decide."),
    mark("There is no silence {id}; `bomc alerts silence list` shows those there are."),
)
