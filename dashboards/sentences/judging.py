"""Why a check judged as it did, why a job of heartbeats.yaml stands as it does, and the titles of bomc's own alerts."""

from __future__ import annotations

from dashboards.locale import mark

DIRECTIONS = {"above": mark("above"), "below": mark("below")}
SHAPES = (
    mark("{value}, within at most {limit}"),
    mark("{value}, within at least {limit}"),
    mark("{value}, within at most {limit} and at least {least}"),
    mark("{value}, {direction} the {severity} limit {limit}"),
    mark("{value}, {direction} the {severity} limit {limit} ({k} of the last {n} samples)"),
    mark("{value}, {direction} the {severity} limit {limit} ({k} of the last {n} samples; it takes {m})"),
    mark("{value}, but {k} of the last {n} samples is {direction} the {severity} limit {limit}"),
    mark("{value}, but {k} of the last {n} samples are {direction} the {severity} limit {limit}"),
    mark("{value}, still {severity} until a sample is back of the limit {limit}"),
    mark("{value}, still {severity} until a sample is {margin} back of the limit {limit}"),
    mark("{value}, still {severity} until {k} of the last {n} samples are back of the limit {limit}"),
    mark("{value}, still {severity} until {k} of the last {n} samples are {margin} back of the limit {limit}"),
    mark("changes by {value} in {per}, within at most {limit}"),
    mark("changes by {value} in {per}, within at least {limit}"),
    mark("changes by {value} in {per}, within at most {limit} and at least {least}"),
    mark("changes by {value} in {per}, {direction} the {severity} limit {limit}"),
    mark("changes by {value} in {per}, {direction} the {severity} limit {limit} ({k} of the last {n} samples)"),
    mark(
        "changes by {value} in {per}, {direction} the {severity} limit {limit} ({k} of the last {n} samples; it takes {m})"
    ),
    mark("changes by {value} in {per}, but {k} of the last {n} samples is {direction} the {severity} limit {limit}"),
    mark("changes by {value} in {per}, but {k} of the last {n} samples are {direction} the {severity} limit {limit}"),
    mark("changes by {value} in {per}, still {severity} until a sample is back of the limit {limit}"),
    mark("changes by {value} in {per}, still {severity} until a sample is {margin} back of the limit {limit}"),
    mark(
        "changes by {value} in {per}, still {severity} until {k} of the last {n} samples are back of the limit {limit}"
    ),
    mark(
        "changes by {value} in {per}, "
        "still {severity} until {k} of the last {n} samples are {margin} back of the limit {limit}"
    ),
    mark("the latest sample is {age} old"),
    mark("no data for {age} (latest at {instant}, {allowed} allowed)"),
    mark("no data for {age} (latest at {instant}, {allowed} allowed); its probe says: {error}"),
    mark("nothing to judge: {error}"),
    mark("it has not been heard of yet"),
    mark("it was heard of at {instant}"),
    mark("it began at {instant}"),
    mark("it began at {instant} and has not ended within {grace}"),
    mark("it said at {instant} that it failed"),
    mark("it said at {instant} that it failed with exit status {n}"),
    mark("it was expected at {instant}, and has {grace} more"),
    mark("it was last heard of at {instant}, was expected at {instant_2}, and {grace} of grace are over"),
    mark("it has never been heard of, was expected at {instant}, and {grace} of grace are over"),
    mark("it was taken out of heartbeats.yaml"),
    mark("The job {name} is late"),
    mark("The job {name} has failed"),
    mark("{target}: the job {plan} of {day} was not done by its time"),
    mark("{target}: nobody has accepted the handover to the shift {shift}"),
    mark("{target}: {n} breaks on {day}"),
    mark("Ticket {n} is late: to {doing} it was due at {instant}."),
    mark("Ticket {n} will be late soon: to {doing} it is due at {instant}."),
    mark("{target}: {day} cannot be reconciled"),
    mark("{target}: the run of {day} did not happen in time"),
    mark("{target}: the {party} file of {day} is missing"),
    mark("{target}: the {party} file of {day} came late"),
    mark("{target}: the {party} file of {day} was changed after it had come"),
    mark("{target}: the {party} file of {day} came more than once"),
    mark("{target}: {n} breaks are past their deadline"),
    mark("Nobody outside hears this console's heartbeat"),
    mark("Ticket {n} is late: to {doing} it was due at {instant}. {words}"),
    mark("Ticket {n} will be late soon: to {doing} it is due at {instant}. {words}"),
    mark("Ticket {n} is late: to {doing} it was due at {instant}. {text}"),
    mark("Ticket {n} will be late soon: to {doing} it is due at {instant}. {text}"),
    mark("{text}: the change has no result and its window is over"),
    mark("{target}: {indicator} is {value}"),
    mark("{target}, {indicator}: {words}"),
    mark("{target}, {indicator} ({labels}): {words}"),
    mark("it is {severity} now, and {names} has it"),
    mark("critical: {words}"),
    mark("warning: {words}"),
    mark("unknown: {words}"),
    mark("{severity} -> {severity_2}: {words}"),
    mark("its data is back: {words}"),
    mark("its series stopped, so it stays open: {words}"),
    mark("{words}; it was open for {length}"),
)
"""Sentences of checks.limit, checks.rate, checks.absence, alerts.heartbeats, alerts.lifecycle, and summaries that bomc writes."""
