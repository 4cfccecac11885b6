"""Signed requests: the official tool's own examples, and everything that must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranvier.keys.signing import ED25519, LocalSigner
from ranvier.sandbox.life.btauth import Gate, Unauthorised, signed_headers, signed_text

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "wallets" / "vectors.json"
NS = 10**9
NOW = 1_790_000_000 * NS
VALIDATOR = LocalSigner.from_seed(b"\x01" * 32)
MINER = LocalSigner.from_seed(b"\x02" * 32)
BODY = b'{"messages":[]}'


def gate(now: int = NOW) -> Gate:
    return Gate(MINER.ss58, lambda: now)


def headers(nonce: int = NOW, signer: LocalSigner = VALIDATOR, **changes: str) -> dict[str, str]:
    return signed_headers(signer, MINER.ss58, "POST", "/v1/chat", BODY, nonce) | changes


def refused(gate_: Gate, headers_: dict[str, str], target: str = "/v1/chat", body: bytes = BODY) -> str:
    with pytest.raises(Unauthorised) as caught:
        gate_.check("POST", target, headers_, body)
    return str(caught.value)


def test_examples_of_the_official_tool() -> None:
    if not VECTORS.exists():
        pytest.skip(f"the vectors are not here: {VECTORS}")
    examples = json.loads(VECTORS.read_text())["btauth1"]
    assert examples
    for example in examples:
        body, nonce, sent = example["body"].encode(), example["nonce_ns"], example["headers"]
        text = signed_text(
            scheme=sent.get("X-Bittensor-Crypto", "sr25519"),
            method=example["method"],
            target=example["path"],
            body=body,
            nonce_ns=nonce,
            sender_ss58=sent["X-Bittensor-Hotkey"],
            receiver_ss58=example["receiver"],
        )
        assert text.decode() == example["signed_payload"]
        check = Gate(example["receiver"], lambda now=nonce: now).check
        assert check(example["method"], example["path"], sent, body) == sent["X-Bittensor-Hotkey"]
        signer = LocalSigner.from_mnemonic(example["mnemonic"], example["crypto_type"])
        ours = signed_headers(signer, example["receiver"], example["method"], example["path"], body, nonce)
        assert {name: ours[name] for name in sent if name != "X-Bittensor-Signature"} == {
            name: value for name, value in sent.items() if name != "X-Bittensor-Signature"
        }


def test_a_good_request_passes_once() -> None:
    door = gate()
    assert door.check("POST", "/v1/chat", headers(), BODY) == VALIDATOR.ss58
    assert refused(door, headers()) == "the request was sent before"
    assert door.check("POST", "/v1/chat", headers(NOW + 1), BODY) == VALIDATOR.ss58


def test_ed25519_hotkeys_may_ask_too() -> None:
    signer = LocalSigner.from_seed(b"\x03" * 32, ED25519)
    assert gate().check("POST", "/v1/chat", headers(signer=signer), BODY) == signer.ss58


@pytest.mark.parametrize(
    ("age_s", "reason"),
    [(10.1, "the request is too old"), (-2.1, "the request is from the future"), (9.9, ""), (-1.9, "")],
)
def test_age(age_s: float, reason: str) -> None:
    sent = headers(NOW - int(age_s * NS))
    if reason:
        assert refused(gate(), sent) == reason
    else:
        assert gate().check("POST", "/v1/chat", sent, BODY)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"X-Bittensor-Version": "2"}, "not signed with btauth/1"),
        ({"X-Bittensor-Hotkey": "5Grw"}, "the sender is not an address"),
        ({"X-Bittensor-Hotkey": MINER.ss58}, "the signature is wrong"),
        ({"X-Bittensor-Receiver": VALIDATOR.ss58}, "signed for another receiver"),
        ({"X-Bittensor-Nonce": "soon"}, "the nonce is not a number"),
        ({"X-Bittensor-Nonce": "9" * 40}, "the nonce is not a number"),
        ({"X-Bittensor-Nonce": str(NOW + 1)}, "the signature is wrong"),
        ({"X-Bittensor-Signature": "0xzz"}, "the signature is not hexadecimal"),
        ({"X-Bittensor-Signature": "0x" + "00" * 64}, "the signature is wrong"),
        ({"X-Bittensor-Signature": ""}, "the signature is wrong"),
    ],
)
def test_changed_headers_are_refused(changes: dict[str, str], reason: str) -> None:
    assert refused(gate(), headers(**changes)) == reason


def test_body_and_target_are_signed() -> None:
    assert refused(gate(), headers(), body=BODY + b" ") == "the signature is wrong"
    assert refused(gate(), headers(), target="/v1/chat?x=1") == "the signature is wrong"


def test_a_refused_forgery_does_not_block_the_real_request() -> None:
    door = gate()
    refused(door, headers(**{"X-Bittensor-Signature": "0x" + "00" * 64}))
    assert door.check("POST", "/v1/chat", headers(), BODY) == VALIDATOR.ss58


def test_old_nonces_are_forgotten() -> None:
    clock = [NOW]
    door = Gate(MINER.ss58, lambda: clock[0])
    for step in range(300):
        clock[0] = NOW + step * NS
        door.check("POST", "/v1/chat", headers(clock[0]), BODY)
    assert len(door._seen) < 60


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(list(headers())), st.text(max_size=70), min_size=1))
def test_garbage_is_refused_with_words(changes: dict[str, str]) -> None:
    original = headers()
    if all(original.get(name) == value for name, value in changes.items()) or set(changes.values()) <= {"btauth/1"}:
        return
    try:
        gate().check("POST", "/v1/chat", original | changes, BODY)
    except Unauthorised as refusal:
        assert str(refusal)
    else:
        raise AssertionError(f"accepted {changes}")
