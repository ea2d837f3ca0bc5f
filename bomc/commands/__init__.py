"""The commands of `bomc`, one file a group; each imports what it needs when it runs, so that none waits for the others."""
