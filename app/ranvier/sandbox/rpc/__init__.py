"""JSON-RPC 2.0 as a node speaks it: one file per group of methods, and the server."""
