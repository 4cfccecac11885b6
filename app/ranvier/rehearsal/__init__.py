"""The whole life of a node on the sandbox, stage by stage, resumable; for the window and headless."""
