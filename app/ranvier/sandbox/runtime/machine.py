"""The machine of one network: checks extrinsics, weighs them, and makes blocks out of them. Follows frame_executive."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ranvier.sandbox.codec.scale import ScaleError
from ranvier.sandbox.codec.types import era_birth
from ranvier.sandbox.frame.context import Context
from ranvier.sandbox.frame.extrinsic import Extrinsic, encode_bare, signature_valid
from ranvier.sandbox.frame.outer import RUNTIME_CALL
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.state import Overlay
from ranvier.sandbox.frame.storage import State
from ranvier.sandbox.frame.version import CODE_KEY, SPECS, Spec, spec_of
from ranvier.sandbox.pallets import balances, shield, small, system
from ranvier.sandbox.pallets.subtensor import admission
from ranvier.sandbox.pallets.subtensor.storage import rules
from ranvier.sandbox.pallets.system import System
from ranvier.sandbox.runtime.apis import APIS
from ranvier.sandbox.runtime.metadata import metadata_v14, metadata_v15
from ranvier.sandbox.runtime.runtime import CALLS, runtime_pallets
from ranvier.sandbox.runtime.specs import Face
from ranvier.sandbox.runtime.upgrades import take_over

log = logging.getLogger(__name__)

_BASE_REF_TIME = 108_157_000
_CALL_PROOF_SIZE = 3593
_REF_TIME_PER_RAO = {343: 20_000, 425: 2_000}  # WeightToFee: 0.00005 rao per unit of ref_time, 0.0005 at 425
_BLOCK_REF_TIME = 3_000_000_000_000
_BLOCK_BYTES = 7_864_320
_LONGEST_EXTRINSIC = 5_000_000


class InvalidTransaction(Exception):  # noqa: N818  # the runtime's own word
    """The extrinsic may not enter a block. ``kind`` is the runtime's word, ``text`` what a node says."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


_TEXTS = {
    "Stale": "Transaction is outdated",
    "Future": "Transaction will be valid in the future",
    "BadProof": "Transaction has a bad signature",
    "Payment": "Inability to pay some fees (e.g. account balance too low)",
    "AncientBirthBlock": "Transaction has an ancient birth block",
    "Call": "Transaction call is not expected",
    "ExhaustsResources": "Transaction would exhaust the block limits",
}


def invalid(kind: str) -> InvalidTransaction:
    return InvalidTransaction(kind, _TEXTS[kind])


def custom(number: int) -> InvalidTransaction:
    """One of the runtime's own reasons, by number."""
    return InvalidTransaction(f"Custom {number}", f"Custom error: {number}")


@dataclass(frozen=True, slots=True)
class Fee:
    """What an extrinsic costs, in rao, and the weight behind it."""

    base: int
    length: int
    weight: int
    tip: int
    ref_time: int
    proof_size: int
    dispatch_class: str
    pays: bool

    @property
    def without_tip(self) -> int:
        return self.base + self.length + self.weight if self.pays else 0

    @property
    def total(self) -> int:
        return self.without_tip + self.tip


@dataclass(slots=True)
class BlockMade:
    """A block's content before it has a hash: extrinsics that went in, those that turned out invalid, changes."""

    number: int
    extrinsics: list[Extrinsic] = field(default_factory=list)
    refused: list[tuple[Extrinsic, InvalidTransaction]] = field(default_factory=list)
    left: list[Extrinsic] = field(default_factory=list)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)


class Machine:
    """Rules without memory: everything that lasts is in the state it is given."""

    def __init__(self, block_ms: int, author: bytes) -> None:
        self.block_ms = block_ms
        self.author = author
        self.pallets = runtime_pallets(block_ms)
        self._faces = {version: Face(version, self.pallets) for version in SPECS}
        self._metadata: dict[tuple[int, int], bytes] = {}

    def metadata(self, spec: Spec, version: int) -> bytes:
        """A runtime's metadata in version 14 or 15."""
        known = self._metadata.get((spec.version, version))
        if known is None:
            made = metadata_v14(self.pallets, spec) if version == 14 else metadata_v15(self.pallets, spec, APIS)
            known = self._metadata[spec.version, version] = made
        return known

    def check_call(self, spec: Spec, extrinsic: Extrinsic) -> None:
        """ScaleError for a call that the runtime does not have: its metadata gives that number to nothing."""
        if not self._faces[spec.version].has_call(extrinsic.call):
            raise ScaleError(f"{extrinsic.call[0]}.{extrinsic.call[1][0]} is no call of spec {spec.version}")

    def fee(self, extrinsic: Extrinsic, by: int, length: int | None = None) -> Fee:
        """Weight part, one rao per byte, tip, by the rules of 343 or 425; a free call (``Pays::No``) costs the tip."""
        pallet, (name, _) = extrinsic.call
        call = CALLS[pallet, name]
        ref_time, per_rao = call.ref_time, _REF_TIME_PER_RAO[425 if by >= 425 else 343]
        for inner, (function, _) in small.inner_calls(extrinsic.call):
            ref_time += CALLS[inner, function].ref_time
        return Fee(
            base=_BASE_REF_TIME // per_rao,
            length=len(extrinsic.encoded) if length is None else length,
            weight=ref_time // per_rao,
            tip=extrinsic.tip,
            ref_time=_BASE_REF_TIME + ref_time,
            proof_size=_CALL_PROOF_SIZE,
            dispatch_class=call.dispatch_class,
            pays=call.pays and by >= call.paid_since,
        )

    def check_signature(
        self, state: State, spec: Spec, extrinsic: Extrinsic, head: int, head_hash: bytes, genesis: bytes
    ) -> None:
        """Signature and mortality as seen when ``spec`` makes block ``head + 1``; raises InvalidTransaction."""
        if extrinsic.signer is None:
            raise invalid("Call")
        birth_hash: bytes = genesis
        if extrinsic.era is not None:
            birth = era_birth(extrinsic.era, head + 1)
            if birth != head and (birth > head or not System.BlockHash.exists(state, birth)):
                raise invalid("AncientBirthBlock")
            # The head's own hash enters the state only with the next block.
            birth_hash = head_hash if birth == head else System.BlockHash.get(state, birth)
        if not signature_valid(extrinsic, spec, genesis, birth_hash):
            raise invalid("BadProof")

    def check_nonce(self, state: State, extrinsic: Extrinsic) -> int:
        """How far the nonce is ahead of the account (0 = its turn); raises for one that was used."""
        assert extrinsic.signer is not None
        account = System.Account.get(state, extrinsic.signer)
        if extrinsic.nonce < account["nonce"]:
            raise invalid("Stale")
        if not account["providers"] and not account["sufficients"] and self.fee(extrinsic, rules(state)).pays:
            raise invalid("Payment")  # a nonce of an account that does not exist is not kept for a paying call
        return int(extrinsic.nonce - account["nonce"])

    def check_admission(self, state: State, extrinsic: Extrinsic, block: int) -> None:
        """Fee, size and the subtensor pallet's own checks before dispatch; raises InvalidTransaction."""
        assert extrinsic.signer is not None
        fee = self.fee(extrinsic, rules(state))
        if len(extrinsic.encoded) > _LONGEST_EXTRINSIC or fee.ref_time > _BLOCK_REF_TIME:
            raise invalid("ExhaustsResources")
        if fee.total and balances.spendable(state, extrinsic.signer) < fee.total:
            raise invalid("Payment")
        refused = shield.refusal(extrinsic)
        if isinstance(refused, str):
            raise invalid(refused)
        number = refused if refused is not None else admission.refusal(state, block, extrinsic.signer, extrinsic.call)
        if number is not None:
            raise custom(number)

    def make_block(
        self,
        base: State,
        number: int,
        parent_hash: bytes,
        genesis: bytes,
        now_ms: int,
        digest: bytes,
        candidates: Iterable[Extrinsic],
        upgrade: Spec | None = None,
    ) -> BlockMade:
        """Run hooks, the time, and as many candidates as fit; nothing outside the result is changed.

        ``upgrade`` becomes the runtime: it makes the block after this one.
        """
        spec = spec_of(base)
        overlay = Overlay(base)
        context = Context(overlay, number, self.author, now_ms)
        made = BlockMade(number)
        system.initialize(context, parent_hash, digest)
        take_over(context, spec)
        for pallet in self.pallets:
            if pallet.on_initialize is not None:
                self._hook(context, pallet.name, pallet.on_initialize)
        made.extrinsics.append(self._inherent(context, now_ms))
        ref_time, size = 0, 0
        waiting = deque(candidates)
        while waiting:
            extrinsic = waiting.popleft()
            fee = self.fee(extrinsic, rules(overlay))
            if ref_time + fee.ref_time > _BLOCK_REF_TIME or size + len(extrinsic.encoded) > _BLOCK_BYTES:
                made.left.append(extrinsic)
                continue
            try:
                self._apply(context, spec, extrinsic, fee, len(made.extrinsics), genesis)
            except InvalidTransaction as refusal:
                made.refused.append((extrinsic, refusal))
                continue
            made.extrinsics.append(extrinsic)
            ref_time += fee.ref_time
            size += len(extrinsic.encoded)
            inner = shield.unshield(extrinsic, self.author)
            if inner is not None:
                waiting.appendleft(inner)
        if upgrade is not None:
            overlay.put(CODE_KEY, upgrade.code)
            context.deposit(system.CODE_UPDATED)
        context.begin_finalization()
        system.finalize(context)
        made.changes = overlay.changes()
        return made

    def _hook(self, context: Context, name: str, hook: Callable[[Context], None]) -> None:
        """A pallet's own work of this block; a fault in it must not stop the chain, and is undone as a whole."""
        try:
            with context.attempt():
                hook(context)
        except Exception:
            log.exception("block %d: the hook of %s failed and was undone", context.block, name)

    def _inherent(self, context: Context, now_ms: int) -> Extrinsic:
        call = ("Timestamp", ("set", {"now": now_ms}))
        call_bytes = RUNTIME_CALL.encode(call)
        extrinsic = Extrinsic(call, call_bytes, encode_bare(call_bytes))
        context.begin_extrinsic(0)
        small.dispatch(context, None, call)
        context.deposit(system.EXTRINSIC_SUCCESS, {"dispatch_info": _info(self.fee(extrinsic, rules(context.state)))})
        return extrinsic

    def _apply(self, context: Context, spec: Spec, extrinsic: Extrinsic, fee: Fee, index: int, genesis: bytes) -> None:
        """Take the nonce and the fee, then run the call: what fails costs the fee and changes nothing else."""
        state, signer = context.state, extrinsic.signer
        self.check_signature(state, spec, extrinsic, context.block - 1, System.ParentHash.get(state), genesis)
        assert signer is not None
        if self.check_nonce(state, extrinsic):
            raise invalid("Future")
        self.check_admission(state, extrinsic, context.block)
        number = shield.refusal_in_block(state, extrinsic)
        if number is not None:
            raise custom(number)
        context.begin_extrinsic(index)
        system.increase_nonce(context, signer)
        self._charge(context, signer, fee)
        try:
            small.dispatch(context, signer, extrinsic.call)
            outcome: DispatchFailure | None = None
        except DispatchFailure as failure:
            outcome = failure
        except Exception:
            log.exception("block %d: a call of %s failed for a reason of our own", context.block, extrinsic.call[0])
            outcome = DispatchFailure(("Other", ()), "Other")
        paid = {"who": signer, "actual_fee": fee.total, "tip": fee.tip}
        context.deposit(small.TRANSACTION_FEE_PAID, paid)
        if outcome is None:
            context.deposit(system.EXTRINSIC_SUCCESS, {"dispatch_info": _info(fee)})
        else:
            context.deposit(system.EXTRINSIC_FAILED, {"dispatch_error": outcome.value, "dispatch_info": _info(fee)})

    def _charge(self, context: Context, who: bytes, fee: Fee) -> None:
        if not fee.total:
            return
        balances.debit(context, who, fee.total, keep_alive=True)
        context.deposit(balances.WITHDRAW, {"who": who, "amount": fee.total})
        balances.credit(context, context.author, fee.total)
        context.deposit(balances.DEPOSIT, {"who": context.author, "amount": fee.total})


def _info(fee: Fee) -> dict[str, object]:
    return {
        "weight": {"ref_time": fee.ref_time, "proof_size": fee.proof_size},
        "class": (fee.dispatch_class, ()),
        "pays_fee": ("Yes" if fee.pays else "No", ()),
    }
