"""The demo's order service: its own process with real HTTP, a bounded thread pool and a real SQL database."""
