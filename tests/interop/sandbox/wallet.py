"""A wallet of published test phrases, made by the official SDK; run by test_official.py with the SDK's own Python."""

import sys

import bittensor as bt

COLD = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
HOT = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def make(folder):
    made = bt.Wallet(name="alice", hotkey="h1", path=folder)
    quiet = {"use_password": False, "overwrite": True, "suppress": True}
    made.regenerate_coldkey(mnemonic=COLD, **quiet)
    made.regenerate_hotkey(mnemonic=HOT, **quiet)
    return made


if __name__ == "__main__":
    make(sys.argv[1])
