"""The agent's chain: what it asks of one, following its head, its archive."""
