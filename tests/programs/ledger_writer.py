"""Writes one payment after the other into a ledger until it is killed; prints each block after its commit."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ranvier.ledger.store import Ledger, Payment


async def main() -> None:
    ledger = Ledger(Path(sys.argv[1]))
    block = int(await ledger.recall("seen") or 0)
    for number in (block, block + 1) if block else (1,):  # what was seen last is written again: it must change nothing
        await write(ledger, number)
    while True:
        block = int(await ledger.recall("seen") or 0) + 1
        await write(ledger, block)


async def write(ledger: Ledger, block: int) -> None:
    row = Payment(1, 0, block, "5Hot", 0, block * 1000, block, 10**9, f"0x{block:x}")
    await ledger.add_payments([row], {"seen": str(block)})
    sys.stdout.write(f"{block}\n")
    sys.stdout.flush()


asyncio.run(main())
