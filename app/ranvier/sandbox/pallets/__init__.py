"""The pallets: each file declares one and holds its rules."""
