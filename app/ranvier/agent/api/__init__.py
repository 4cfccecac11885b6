"""What crosses the agent's socket: messages, client, server, events."""
