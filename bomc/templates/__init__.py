"""The configuration that `bomc init` writes: small, commented, and working as it is."""
