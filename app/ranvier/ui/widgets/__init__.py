"""Small widgets that pages are made of. They know Qt, evidence and the theme; never the agent."""
