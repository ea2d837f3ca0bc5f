"""Faults on purpose: kill -9, hung targets, a full queue, a database that goes away; invariants are checked after each.

Every test prints its seed; `BOMC_FAULT_SEED=N` runs the seeded ones again with that seed alone.
"""
