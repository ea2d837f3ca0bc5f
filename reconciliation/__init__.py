"""Reconciliation: record sets that should agree are compared, and every difference is named, priced and owned.

`three_way.run(Request) -> Outcome` is the front door; `outcome.samples` turns an outcome into samples for the checks.
"""
