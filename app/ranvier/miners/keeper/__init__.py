"""The process that supervises one miner; standard library only."""
