"""A practice network in pure Python that speaks the same JSON-RPC as a real node."""
