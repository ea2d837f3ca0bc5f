"""The duty desk: shifts and rosters, handovers, the duty log, and routine job plans."""
