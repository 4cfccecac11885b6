"""The window and the tray (PySide6). Nothing outside this room imports Qt."""
