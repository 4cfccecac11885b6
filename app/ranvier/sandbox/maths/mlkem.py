"""ML-KEM-768 (FIPS 203): the key exchange of the MEV shield. For play keys only: its running time tells about the key.

Polynomials are lists of 256 numbers modulo 3329; in the NTT domain they stand for 128 pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha3_256, sha3_512, shake_128, shake_256

Q, _N, _K, _ETA, _DU, _DV = 3329, 256, 3, 2, 10, 4
CIPHERTEXT_BYTES = 32 * (_DU * _K + _DV)
PUBLIC_KEY_BYTES = 384 * _K + 32
Poly = list[int]


def _reversed7(number: int) -> int:
    return int(f"{number:07b}"[::-1], 2)


_ZETAS = [pow(17, _reversed7(place), Q) for place in range(128)]
_GAMMAS = [pow(17, 2 * _reversed7(place) + 1, Q) for place in range(128)]


def _pack(values: Poly, bits: int) -> bytes:
    whole = sum(value << bits * place for place, value in enumerate(values))
    return whole.to_bytes(32 * bits, "little")


def _unpack(data: bytes, bits: int) -> Poly:
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    values = [whole >> bits * place & mask for place in range(_N)]
    return [value % Q for value in values] if bits == 12 else values


def _compress(values: Poly, bits: int) -> Poly:
    return [((value << bits) + Q // 2) // Q % (1 << bits) for value in values]


def _decompress(values: Poly, bits: int) -> Poly:
    return [(value * Q + (1 << bits - 1)) >> bits for value in values]


def _ntt(values: Poly) -> Poly:
    f, place, length = list(values), 1, 128
    while length >= 2:
        for start in range(0, _N, 2 * length):
            zeta = _ZETAS[place]
            place += 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        length //= 2
    return f


def _inverse_ntt(values: Poly) -> Poly:
    f, place, length = list(values), 127, 2
    while length <= 128:
        for start in range(0, _N, 2 * length):
            zeta = _ZETAS[place]
            place -= 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [value * 3303 % Q for value in f]


def _times(a: Poly, b: Poly) -> Poly:
    """The product of two polynomials in the NTT domain."""
    product = []
    for place, gamma in enumerate(_GAMMAS):
        a0, a1, b0, b1 = a[2 * place], a[2 * place + 1], b[2 * place], b[2 * place + 1]
        product += [(a0 * b0 + a1 * b1 % Q * gamma) % Q, (a0 * b1 + a1 * b0) % Q]
    return product


def _sum(*terms: Poly) -> Poly:
    return [sum(column) % Q for column in zip(*terms, strict=True)]


def _dot(a: list[Poly], b: list[Poly]) -> Poly:
    return _sum(*(_times(x, y) for x, y in zip(a, b, strict=True)))


def _uniform(seed: bytes) -> Poly:
    """A polynomial of the public matrix: 12-bit pieces of SHAKE128 that are below q."""
    found: Poly = []
    size = 840
    while len(found) < _N:
        data = shake_128(seed).digest(size)
        found = [number for number in _pieces(data) if number < Q][:_N]
        size += 168
    return found


def _pieces(data: bytes) -> Iterator[int]:
    for place in range(0, len(data) - 2, 3):
        a, b, c = data[place : place + 3]
        yield a | (b & 15) << 8
        yield b >> 4 | c << 4


def _noise(seed: bytes, counter: int) -> Poly:
    """Small numbers: the centred binomial distribution with eta 2."""
    whole = int.from_bytes(shake_256(seed + bytes((counter,))).digest(64 * _ETA), "little")
    nibbles = [whole >> 4 * place & 15 for place in range(_N)]
    return [((n & 1) + (n >> 1 & 1) - (n >> 2 & 1) - (n >> 3)) % Q for n in nibbles]


def _matrix(rho: bytes) -> list[list[Poly]]:
    return [[_uniform(rho + bytes((column, row))) for column in range(_K)] for row in range(_K)]


def _encrypt(public: bytes, message: bytes, coins: bytes) -> bytes:
    """K-PKE.Encrypt."""
    t = [_unpack(public[384 * row : 384 * row + 384], 12) for row in range(_K)]
    matrix = _matrix(public[384 * _K :])
    y = [_ntt(_noise(coins, counter)) for counter in range(_K)]
    packed = b""
    for column in range(_K):
        u = _sum(_inverse_ntt(_dot([row[column] for row in matrix], y)), _noise(coins, _K + column))
        packed += _pack(_compress(u, _DU), _DU)
    v = _sum(_inverse_ntt(_dot(t, y)), _noise(coins, 2 * _K), _decompress(_unpack(message, 1), 1))
    return packed + _pack(_compress(v, _DV), _DV)


def encapsulate(public: bytes, message: bytes) -> tuple[bytes, bytes]:
    """(shared secret, ciphertext) for 32 random bytes (``ML-KEM.Encaps_internal``)."""
    secret_and_coins = sha3_512(message + sha3_256(public).digest()).digest()
    return secret_and_coins[:32], _encrypt(public, message, secret_and_coins[32:])


@dataclass(frozen=True)
class DecapsulationKey:
    """The secret half, and the public one that others encapsulate with."""

    secret: tuple[Poly, ...]
    public: bytes
    reject: bytes

    @classmethod
    def of_seed(cls, seed: bytes) -> DecapsulationKey:
        """From 64 bytes, d and z (``ML-KEM.KeyGen_internal``)."""
        expanded = sha3_512(seed[:32] + bytes((_K,))).digest()
        rho, sigma = expanded[:32], expanded[32:]
        secret = [_ntt(_noise(sigma, counter)) for counter in range(_K)]
        errors = [_ntt(_noise(sigma, _K + counter)) for counter in range(_K)]
        rows = [_sum(_dot(row, secret), error) for row, error in zip(_matrix(rho), errors, strict=True)]
        public = b"".join(_pack(row, 12) for row in rows) + rho
        return cls(tuple(secret), public, seed[32:])

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The shared secret; for a ciphertext that nobody made for this key it is 32 bytes that nobody knows."""
        if len(ciphertext) != CIPHERTEXT_BYTES:
            raise ValueError("the ciphertext has the wrong length")
        size = 32 * _DU
        u = [_decompress(_unpack(ciphertext[size * row : size * row + size], _DU), _DU) for row in range(_K)]
        v = _decompress(_unpack(ciphertext[size * _K :], _DV), _DV)
        inner = _inverse_ntt(_dot(list(self.secret), [_ntt(one) for one in u]))
        message = _pack(_compress([(a - b) % Q for a, b in zip(v, inner, strict=True)], 1), 1)
        secret, again = encapsulate(self.public, message)
        return secret if again == ciphertext else shake_256(self.reject + ciphertext).digest(32)
