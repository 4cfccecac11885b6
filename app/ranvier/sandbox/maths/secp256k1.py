"""Whose secp256k1 key made a signature (``ecdsa::Signature::recover_prehashed``). Public values only. Pure."""

from __future__ import annotations

_P = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
Point = tuple[int, int] | None
"""On the curve y**2 = x**3 + 7; None is the point at infinity."""
BASE: Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(one: Point, other: Point) -> Point:
    """Sum of two points."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % _P == 0:
            return None
        slope = 3 * x1 * x1 * pow(2 * y1, -1, _P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def multiply(point: Point, factor: int) -> Point:
    """A point added to itself so many times."""
    total: Point = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point, factor = add(point, point), factor >> 1
    return total


def recover(digest: bytes, signature: bytes) -> bytes | None:
    """The 64 bytes of the public key (x, y) that signed ``digest``, or None where no key can have.

    ``signature`` is r, s and which of the four possible points it was (0 to 3).
    """
    r, s, which = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    x = r + (ORDER if which & 2 else 0)
    if which > 3 or not 0 < r < ORDER or not 0 < s < ORDER or x >= _P:
        return None
    square = (x**3 + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        return None
    y = y if y & 1 == which & 1 else _P - y
    inverse, hashed = pow(r, -1, ORDER), int.from_bytes(digest, "big")
    key = add(multiply((x, y), s * inverse % ORDER), multiply(BASE, -hashed * inverse % ORDER))
    return None if key is None else key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big")
