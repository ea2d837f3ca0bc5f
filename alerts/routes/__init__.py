"""Where an alert goes: matchers, the walk down the tree of routes.yaml, what is wrong with such a file, and its import."""
