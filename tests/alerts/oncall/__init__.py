"""On-call: schedules, what people change of them, and escalations."""
