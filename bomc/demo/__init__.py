"""The demo operator: a small order service with its customers and faults, its past days, and a configuration for it.

Everything that comes from here is generated; the targets that watch it carry `demo: true`, and every page says so.
"""
