"""Ranvier: desktop node manager for Bittensor inference miners."""

__version__ = "0.1.0"
