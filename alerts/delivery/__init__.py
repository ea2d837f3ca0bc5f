"""From a row of the outbox to the receiver: its turn and pace, fall-backs and dead letters, and what a message carries."""
