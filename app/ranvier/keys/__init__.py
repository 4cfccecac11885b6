"""Wallet folders, key files, mnemonics and signing, in the formats that every Bittensor tool reads."""
