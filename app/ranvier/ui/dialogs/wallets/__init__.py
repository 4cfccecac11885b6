"""Dialogs about wallets: make, bring in, unlock, sign, keep safe."""
