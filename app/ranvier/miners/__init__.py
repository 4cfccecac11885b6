"""Recipes, environments, and the keeper that supervises one miner each."""
