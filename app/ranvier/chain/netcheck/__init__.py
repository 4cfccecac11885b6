"""How fast and how current the endpoints are, and what an axon answers."""
