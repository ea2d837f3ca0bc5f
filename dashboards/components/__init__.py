"""Visual parts that several pages share; pure functions from rows to components."""
