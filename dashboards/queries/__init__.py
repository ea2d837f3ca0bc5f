"""Every SQL statement of the console that reads; pages get plain rows and no connection."""
