"""Real servers for the tests, one file each: private folder, free loopback port, started and stopped by the tests.

Each file has `start(folder) -> Iterator[Server]` as a context manager; `fixtures.py` offers them to pytest. A server that
is not installed raises `Missing`, which the fixtures turn into a skip with its reason (a failure when CI=true).
"""
