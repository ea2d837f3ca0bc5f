"""What keeps an open alert from being told: silences, inhibition, hours, maintenance, dependencies, flapping, shelving.

`muting` asks them all, at each flush of a group and at each step of an escalation, and answers with a reason.
"""
