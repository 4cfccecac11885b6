"""Keccak-256 as Ethereum has it: SHA-3's permutation with the older padding. Pure."""

from __future__ import annotations

_LANES, _ROUNDS, _RATE = 25, 24, 136
_MASK = (1 << 64) - 1


def _constants() -> tuple[list[int], list[int], list[int]]:
    """Round constants, and each lane's next place and rotation on the way through rho and pi."""
    rounds, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << (1 << bit) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        rounds.append(constant)
    places, turns = [0], [0]
    x, y = 1, 0
    for step in range(_LANES - 1):
        places.append(x + 5 * y)
        turns.append((step + 1) * (step + 2) // 2 % 64)
        x, y = y, (2 * x + 3 * y) % 5
    return rounds, places, turns


_CONSTANTS, _PLACES, _TURNS = _constants()


def _turned(lane: int, bits: int) -> int:
    return (lane << bits | lane >> 64 - bits) & _MASK


def _permuted(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[(x + 4) % 5] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        moved = [0] * _LANES
        for place, turn in zip(_PLACES, _TURNS, strict=True):
            x, y = place % 5, place // 5
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = _turned(lanes[place], turn)
        lanes = [
            lane ^ (~moved[row + (x + 1) % 5] & moved[row + (x + 2) % 5])
            for lane, row, x in ((moved[place], place // 5 * 5, place % 5) for place in range(_LANES))
        ]
        lanes[0] ^= constant
    return lanes


def keccak_256(data: bytes) -> bytes:
    """32 bytes."""
    padded = bytearray(data) + b"\x01"
    padded += bytes(-len(padded) % _RATE)
    padded[-1] |= 0x80
    lanes = [0] * _LANES
    for start in range(0, len(padded), _RATE):
        for place in range(_RATE // 8):
            lanes[place] ^= int.from_bytes(padded[start + 8 * place : start + 8 * place + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
