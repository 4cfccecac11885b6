"""SCALE: codecs that describe themselves, and the registry of the runtime's types."""
