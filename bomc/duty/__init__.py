"""The duty desk as it runs: jobs and handovers as they come up, changes without a result, and what is told of all that."""
