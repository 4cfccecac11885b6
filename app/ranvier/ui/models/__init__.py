"""Qt item models: plain data in, cells with sort roles out."""
