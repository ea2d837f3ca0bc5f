"""From a change of status to a person who knows of it: life cycle, routes, groups, outbox, channels, tickets.

`alerts.pipeline` is the way in for findings, `alerts.delivery.outbox` the way out for messages, `alerts.commands` and
`alerts.tickets.commands` are what people do.
"""
