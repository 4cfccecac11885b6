"""Dialogs. They are opened by ``ask.show`` alone, never by ``exec``: that would silently end other tasks."""
