"""Why somebody is on call, and what is refused to who changes a schedule, as shapes of sentences."""

from __future__ import annotations

from dashboards.locale import mark

SHAPES = (
    mark("turn {n} of layer {layer}"),
    mark("turn {n} of layer {layer}; {person} is away ({text}), so {other}, next of the rotation"),
    mark("turn {n} of layer {layer}; {person} is away ({text}), and so is everybody else of the layer"),
    mark("override {n} by {who}"),
    mark("override {n} by {who}: {text}"),
    mark("no layer and no override covers it"),
    mark("{words}; {words_1}"),
    mark("{person} has override {n} of {schedule} from {start} to {end} already; take that one back first."),
    mark("{person} is away from {start} to {end}; choose somebody else."),
    mark("{person} is away from {start} to {end} already; take that back first."),
    mark("{person} is away for a part of the shift from {start}; choose another one."),
    mark("Nobody is on call in {schedule} at {time}; there is no shift to swap."),
    mark("The shift of {schedule} that ended at {time} is over; choose a later one."),
    mark("Both shifts are of the same person; choose one of somebody else."),
    mark("There is no override {n} in force; there is nothing to take back."),
    mark("There is no absence {n} in force; there is nothing to take back."),
    mark("There is no schedule {name}; the schedules are {names}."),
    mark("There is no person {name}; oncall.yaml has {names}."),
    mark("The time ends at {time}, which is over; choose a later end."),
    mark("The time ends at {time}, before it begins; choose a later end."),
    mark("The time is longer than a year; choose a shorter one."),
    mark("There is no receiver {name} in {file}."),
    mark("The receiver {name} has no channel in {file}; nobody can be reached by it."),
    mark("The receiver {name} was tested less than a minute ago; see what came of it first."),
)
"""The calendar's refusals are said at the terminal only."""
