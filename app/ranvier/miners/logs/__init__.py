"""A miner's log on disk: segments, levels, search, last words."""
