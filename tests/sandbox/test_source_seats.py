"""Seats by work, their Ethereum addresses, and fewer of them (registration.rs, evm.rs, uids.rs); the hashes."""

from __future__ import annotations

from hashlib import sha3_256
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.maths import secp256k1
from ranvier.sandbox.maths.keccak import keccak_256
from ranvier.sandbox.pallets import admin_utils
from ranvier.sandbox.pallets.subtensor import evm, registration, work
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.pallets.system import System
from sandbox.support import Bench, call
from sandbox.test_pruning import BLOCK, full, key
from sandbox.test_source_registration import NETUID, Chain, account
from sandbox.test_source_staking import refusal

SECRET = 0x1234_5678_9ABC
ETHEREUM_EXAMPLE = bytes.fromhex(
    "9242685bf161793cc25603c231bc2f568eb630ea16aa137d2664ac8038825608"
    "4f8ae3bd7535248d0bd448298cc2e2071e56992d0774dc340c368ae950852ada"
)


def address_of(secret: int) -> bytes:
    point = secp256k1.multiply(secp256k1.BASE, secret)
    assert point is not None
    return keccak_256(point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big"))[12:]


def signed(secret: int, digest: bytes, nonce: int = 0xABCDEF) -> bytes:
    point = secp256k1.multiply(secp256k1.BASE, nonce)
    assert point is not None
    r, order = point[0] % secp256k1.ORDER, secp256k1.ORDER
    s = pow(nonce, -1, order) * (int.from_bytes(digest, "big") + r * secret) % order
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + (point[1] & 1),))


def test_published_hashes_and_signatures() -> None:
    assert keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak_256(b"") != sha3_256(b"").digest(), "the older padding"
    assert address_of(1).hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    digest = bytes.fromhex("456e9aea5e197a1f1af7a3e85a3212fa4049a3ba34c2289b4c860fc0b0c64ef3")
    public = secp256k1.recover(digest, ETHEREUM_EXAMPLE + b"\x01")
    assert public is not None and keccak_256(public)[12:].hex() == "7156526fbd7a3c72969b54f64e42c10fbb768c8a"
    for wrong in (ETHEREUM_EXAMPLE + b"\x04", bytes(65), b"\xff" * 64 + b"\x00"):
        assert secp256k1.recover(digest, wrong) is None


@settings(max_examples=10, deadline=None)
@given(st.integers(1, secp256k1.ORDER - 1), st.binary(min_size=32, max_size=32), st.integers(1, 2**128))
def test_the_signer_is_found_again(secret: int, digest: bytes, nonce: int) -> None:
    signature = signed(secret, digest, nonce)
    public = secp256k1.recover(digest, signature[:64] + bytes((signature[64] - 27,)))
    assert public is not None and keccak_256(public)[12:] == address_of(secret)


def seated(rules: int = 425) -> Context:
    context = full(rules, [0, 9, 3, 4])
    context.block = evm.ASSOCIATE_BLOCKS
    return context


@pytest.mark.parametrize("rules", [343, 425])
def test_an_address_that_signed_for_the_hotkey_is_tied_to_its_seat(rules: int) -> None:
    context, hotkey = seated(rules), key(2)
    address, associate = address_of(SECRET), evm.associate_evm_key
    signature = signed(SECRET, evm.to_sign(hotkey, 77))
    assert refusal(context, associate, b"\xee" * 32, 1, address, 77, signature) == "HotKeyNotRegisteredInSubNet"
    assert refusal(context, associate, hotkey, 1, address, 78, signature) == "InvalidRecoveredPublicKey"
    assert refusal(context, associate, hotkey, 1, address_of(1), 77, signature) == "InvalidRecoveredPublicKey"
    assert refusal(context, associate, hotkey, 1, address, 77, bytes(65)) == "InvalidIdentity"
    context.block -= 1
    assert refusal(context, associate, hotkey, 1, address, 77, signature) == "EvmKeyAssociateRateLimitExceeded"
    context.block += 1
    assert refusal(context, associate, hotkey, 1, address, 77, signature) is None
    assert Subtensor.AssociatedEvmAddress.get(context.state, 1, 2) == (address, context.block)
    context.block += evm.ASSOCIATE_BLOCKS - 1
    assert refusal(context, associate, hotkey, 1, address, 77, signature) == "EvmKeyAssociateRateLimitExceeded"


@pytest.mark.parametrize("rules", [343, 425])
def test_the_pool_refuses_it_by_number(rules: int) -> None:
    bench = Bench(rules=rules)
    arguments = {"netuid": 1, "evm_key": bytes(20), "block_number": 1, "signature": bytes(65)}
    bench.fund(bench.cast.author, 10**9)
    assert call(bench, bench.cast.author, "associate_evm_key", **arguments) == "1010 Custom error: 19"
    bench.fund(bench.cast.competitors[0][1], 10**9)
    assert call(bench, bench.cast.competitors[0][1], "associate_evm_key", **arguments) == "1010 Custom error: 20"


def worker(difficulty: int = 10) -> Chain:
    chain = Chain(343)
    Subtensor.NetworkRegistrationAllowed.put(chain.state, NETUID, value=True)
    Subtensor.NetworkPowRegistrationAllowed.put(chain.state, NETUID, value=True)
    Subtensor.Difficulty.put(chain.state, NETUID, value=difficulty)
    Subtensor.TargetRegistrationsPerInterval.put(chain.state, NETUID, value=2)
    chain.context.block = 20
    for block in range(15, 21):
        System.BlockHash.put(chain.state, block, value=bytes([block]) * 32)
    return chain


def by_work(
    chain: Chain, hotkey: bytes, block: int = 18, *, difficulty: int = 10, who: bytes | None = None
) -> str | None:
    for nonce in count():
        proof = work.seal(chain.state, block, nonce, hotkey)
        if work.meets(proof, difficulty):
            break
    return refusal(chain.context, work.register, who or hotkey, NETUID, block, nonce, proof, hotkey, account(500))


def test_343_seats_who_has_worked() -> None:
    chain, hotkey = worker(), account(600)
    assert by_work(chain, hotkey, who=account(500)) == "TransactorAccountShouldBeHotKey"
    assert by_work(chain, hotkey, 17) == "InvalidWorkBlock"
    assert by_work(chain, hotkey, 21) == "InvalidWorkBlock"
    assert by_work(chain, hotkey) is None
    state = chain.state
    assert Subtensor.Uids.get(state, NETUID, hotkey) == 0 and Subtensor.Owner.get(state, hotkey) == account(500)
    counted = (Subtensor.POWRegistrationsThisInterval, Subtensor.RegistrationsThisInterval)
    assert [item.get(state, NETUID) for item in counted] == [1, 1]
    assert Subtensor.BurnRegistrationsThisInterval.get(state, NETUID) == 0
    assert by_work(chain, account(601)) == "TooManyRegistrationsThisBlock"
    Subtensor.RegistrationsThisBlock.put(state, NETUID, value=0)
    assert by_work(chain, hotkey) == "HotKeyAlreadyRegisteredInSubNet"
    Subtensor.RegistrationsThisInterval.put(state, NETUID, value=6)
    assert by_work(chain, account(601)) == "TooManyRegistrationsThisInterval"
    Subtensor.NetworkPowRegistrationAllowed.put(state, NETUID, value=False)
    assert by_work(chain, account(601)) == "SubNetRegistrationDisabled", "as a subnet is made"


def test_343_asks_for_enough_work_of_one_s_own() -> None:
    chain = worker(difficulty=1 << 40)
    assert by_work(chain, account(600), difficulty=1) == "InvalidDifficulty"
    Subtensor.Difficulty.put(chain.state, NETUID, value=1)
    proof = work.seal(chain.state, 18, 5, account(601))
    stolen = account(600), NETUID, 18, 5, proof, account(600), account(500)
    assert refusal(chain.context, work.register, *stolen) == "InvalidSeal"


def test_425_takes_tao_for_work() -> None:
    chain = Chain(425)
    chain.fund(500, 1_000_000)
    arguments = account(500), NETUID, 18, 5, b"", account(600), account(501)
    assert refusal(chain.context, work.register, *arguments) is None
    assert Subtensor.Owner.get(chain.state, account(600)) == account(500), "who signs is who owns"
    assert chain.burn == 2_000
    assert refusal(chain.context, registration.burned_register, account(500), NETUID, account(600)) is not None


def test_the_least_paid_leave_and_the_others_move_up() -> None:
    context = full(425, [0, 9, 3, 9, 1, 5], immune=(4,))
    state = context.state
    Subtensor.AdminFreezeWindow.put(state, value=0)
    Subtensor.MinAllowedUids.put(state, 1, value=3)
    Subtensor.LastUpdate.put(state, 1, value=[10, 11, 12, 13, 14, 15])
    Subtensor.Weights.put(state, 1, 3, value=[(1, 5), (2, 6), (5, 7)])
    Subtensor.Weights.put(state, 1, 2, value=[(1, 5)])
    Subtensor.AssociatedEvmAddress.put(state, 1, 5, value=(b"\x05" * 20, 3))
    owner = bytes([200]) * 32
    trim = admin_utils.sudo_trim_to_max_allowed_uids
    assert refusal(context, trim, b"\xee" * 32, 1, 4) == "BadOrigin"
    assert refusal(context, trim, owner, 9, 4) == "BadOrigin"
    assert refusal(context, trim, b"", 9, 4) == "SubnetNotExists"
    for most in (2, 7):
        assert refusal(context, trim, owner, 1, most) == "InvalidValue"
    assert refusal(context, trim, owner, 1, 4) is None
    # 0 is the owner's, 4 is immune; of the others 2 and 5 are paid least.
    assert [Subtensor.Keys.get(state, 1, uid) for uid in range(4)] == [key(0), key(1), key(3), key(4)]
    assert not Subtensor.Keys.exists(state, 1, 4) and Subtensor.SubnetworkN.get(state, 1) == 4
    assert [Subtensor.Uids.get(state, 1, key(uid)) for uid in range(6)] == [0, 1, None, 2, 3, None]
    assert Subtensor.Emission.get(state, 1) == [0, 9, 9, 1]
    assert Subtensor.LastUpdate.get(state, 1) == [10, 11, 13, 14]
    assert dict(Subtensor.Weights.items(state, 1)) == {(1, 2): [(1, 5)]}
    assert Subtensor.AssociatedEvmAddress.get(state, 1, 5) is None
    assert Subtensor.BlockAtRegistration.get(state, 1, 3) == 990
    assert not Subtensor.IsNetworkMember.get(state, key(2), 1)
    assert Subtensor.MaxAllowedUids.get(state, 1) == 4
    assert refusal(context, trim, owner, 1, 3) == "TxRateLimitExceeded"
    context.block = BLOCK + 216_000
    assert refusal(context, trim, owner, 1, 3) is None
    assert [Subtensor.Keys.get(state, 1, uid) for uid in range(3)] == [key(0), key(1), key(3)], "of equals the older"


def test_too_many_safe_seats_stop_a_trim() -> None:
    context = full(425, [0, 9, 3, 9, 1], immune=(1, 2, 3))
    Subtensor.AdminFreezeWindow.put(context.state, value=0)
    Subtensor.MinAllowedUids.put(context.state, 1, value=3)
    trim = admin_utils.sudo_trim_to_max_allowed_uids
    assert refusal(context, trim, b"", 1, 4) == "TrimmingWouldExceedMaxImmunePercentage"
    assert Subtensor.MaxAllowedUids.get(context.state, 1) == 5
    assert refusal(context, trim, b"", 1, 5) is None, "nobody has to leave"
