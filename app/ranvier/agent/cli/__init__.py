"""The agent's one-shot commands: status, stop, miners."""
