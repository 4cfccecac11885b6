"""Transactions as plans: call, fee, effect, limits and warnings, before anything is signed."""
