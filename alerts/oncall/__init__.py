"""On-call: who answers at an instant, and who is told next when nobody does. `config` is the file oncall.yaml,
`shifts` the pure resolving, `commands` what people change, `escalation` the pure decision, `escalating` its rows."""
