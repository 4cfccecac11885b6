"""What a miner is made from: a recipe, or somebody's repository read as one."""
