"""A long story of alerting told with a clock of its own, in processes that are killed again and again while they tell it.

`estate` is what it is about, `story` what happens when, `telling` the process that tells it, `outcome` what must be the same
in the end however often it was killed, `scene` the receivers and the kills.
"""
