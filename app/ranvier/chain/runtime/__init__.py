"""The runtime's own types: metadata, values, calls and events to bytes and back."""
