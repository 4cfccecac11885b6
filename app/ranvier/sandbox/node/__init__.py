"""A running node: blocks, the journal on disk, what waits, the clock, block 0."""
