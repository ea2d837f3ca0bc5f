"""From probes to alerts: `schedule` fires probes, `pool` runs them, `writer` takes what they bring, and `cycle` does all
that follows from a batch - samples, results, transitions, alerts, outbox - in one transaction."""
