"""The change calendar: planned changes and releases, what people do with them, and the alerts that they explain."""
