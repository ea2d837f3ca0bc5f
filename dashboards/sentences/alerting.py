"""What is said when somebody cannot take an alert, put it aside, pass it on, or send a message again."""

from __future__ import annotations

from dashboards.locale import mark

SHAPES = (
    mark("Alert {n} is resolved already; there is nothing to acknowledge."),
    mark("Alert {n} is resolved already; there is nothing to pass on."),
    mark("Alert {n} is resolved already; there is nothing to give back."),
    mark("Alert {n} is resolved already; there is nothing to assign."),
    mark("Alert {n} is with {name} already; ask them, or let them give it back."),
    mark("Alert {n} is with nobody; there is nothing to give back."),
    mark("There is no alert {n}."),
    mark("The end of an acknowledgement must be in the future."),
    mark("Alert {n} is resolved already; there is nothing to shelve."),
    mark("Shelving needs a reason; say why it can wait."),
    mark("An alert is shelved for a time: at most {n} days from now."),
    mark("Alert {n} is not shelved; there is nothing to bring back."),
    mark("Say why you cannot take it; whoever is next needs to know."),
    mark("There is no message {n}."),
    mark("Message {n} is {deliverystate}, not dead; there is nothing to send again."),
    mark("receiver {name} is told instead"),
    mark("receiver {name}, firing: {words}"),
    mark("receiver {name}, resolved: {words}"),
    mark("receiver {name}, firing: {through} {text}"),
    mark("receiver {name}, resolved: {through} {text}"),
    mark("given up after {n} tries: {error}"),
    mark("receiver {name} was not reached: {error}"),
    mark("receiver {name} was not reached when it began; the end is told here as well"),
    mark("{n} messages in one: receiver {name} is told at most {pace}"),
    mark("{n} messages in one: a storm, of which receiver {name} is told together"),
    mark("Message {n} is {deliverystate}, not dead; there is nothing to see to."),
    mark("seen to by {name}"),
    mark("sent again by {name}"),
    mark("told in message {n}"),
    mark("waits: receiver {name} is told at most {pace} through {channel}"),
    mark("waits: a storm, of which receiver {name} is told together every {n} s"),
)
"""Sentences of alerts.commands, alerts.muting.shelving, alerts.handing, alerts.delivery.letters, and the notes of the outbox."""
