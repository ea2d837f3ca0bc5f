"""Tests of reconciliation: the rules against named cases and an independent oracle, and every kind of damaged file."""
