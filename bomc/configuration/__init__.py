"""Configuration: files in one folder, read whole, with every fault named at once; nothing starts half-configured."""
