"""Revenue assurance as it runs: standing controls day by day, their files, cases, proofs and what is told of all that."""
