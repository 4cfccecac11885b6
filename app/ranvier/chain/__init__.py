"""The chain: networks, one connection, reads as frozen dataclasses, transactions as plans."""
