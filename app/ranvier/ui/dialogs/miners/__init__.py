"""Dialogs about miners: add, change, recipe, secrets, logs, disk."""
