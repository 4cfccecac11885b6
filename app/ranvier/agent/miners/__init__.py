"""The miners that the agent looks after: wish, installation, keeper, health, evidence."""
