"""What each command does: a short method that calls one part of the agent."""
