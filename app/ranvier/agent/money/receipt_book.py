"""How whoever signs keeps receipts with the agent, and what of the day's limit is used up.

The same for the window and the terminal: what cannot be kept is not sent, and what was sent is kept to its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ranvier.agent.api.client import AgentClient
from ranvier.agent.api.messages import AddReceipt, GetReceipts
from ranvier.agent.money.receipt_rows import stored, underway
from ranvier.chain.model import Plan, Receipt, TxStage
from ranvier.core.errors import RanvierError, StorageError
from ranvier.keys.listing import Wallet
from ranvier.keys.signing import Signer
from ranvier.ledger.receipts import StoredReceipt

if TYPE_CHECKING:
    from ranvier.chain.connection import Connection
    from ranvier.chain.outcome import Sent, Stages
    from ranvier.chain.submit import Unsigned

_WATCH_S = 180.0
_DAY_MS = 86_400_000
_PAGE = 500
_SPENT = ("submitted", "in_block", "final")


class ReceiptBook:
    """What this process signed counts towards the day's limit even if it could not be kept. ``wallets`` lists those
    of this machine (blocking), ``failed`` is told when the receipt of what has happened cannot be kept."""

    def __init__(
        self, client: AgentClient, wallets: Callable[[], Iterable[Wallet]], failed: Callable[[RanvierError], None]
    ) -> None:
        self._client, self._wallets, self._failed = client, wallets, failed
        self._own: dict[str, tuple[int, int]] = {}  # id -> (when, value)
        self._following: dict[str, str] = {}

    async def send(
        self,
        connection: Connection,
        plan: Plan,
        signer: Signer,
        tell: Stages,
        *,
        unsigned: Unsigned | None = None,
        refused: Callable[[RanvierError], None] = lambda _: None,
    ) -> Receipt:
        """Sign, keep, send, follow until final, keep. ``unsigned`` as for ``submit``; ``refused`` is told an error
        before it is raised. Raises RanvierError when nothing got to the chain."""
        from ranvier.chain.submit import submit

        at_ms = int(time.time() * 1000)
        begun_with: list[Sent] = []

        async def begin(sent: Sent) -> None:
            await self._begin(sent, at_ms)
            begun_with.append(sent)

        try:
            receipt = await submit(
                connection, plan, signer, unsigned=unsigned,
                on_signed=begin, on_stage=tell, wait=TxStage.FINAL, timeout_s=_WATCH_S,
            )  # fmt: skip
        except RanvierError as error:
            refused(error)
            for sent in begun_with:  # the node did not take it
                dropped = Receipt(
                    plan, TxStage.DROPPED, sent.hash, None, None, None, None, error.message, error.hint or None
                )
                await self._keep(dropped, at_ms)
            raise
        await self._keep(receipt, at_ms)
        return receipt

    @property
    def underway(self) -> bool:
        """Whether something was signed and kept, and its end not seen."""
        return bool(self._following)

    async def _begin(self, sent: Sent, at_ms: int) -> None:
        """Keep that this is about to be sent, so that the agent can find out what became of it if this process
        cannot. Raises StorageError: what cannot be kept is not sent."""
        from ranvier.chain.following import packed

        whole = underway(sent, at_ms, packed(sent))
        try:
            await self._client.call(AddReceipt(whole))
        except RanvierError as error:
            raise StorageError(
                "Not sent",
                f"Its receipt cannot be kept: {error.message}",
                "Nothing was sent. Put that right first, then sign again.",
            ) from error
        self._following[sent.hash] = whole.following

    async def _keep(self, receipt: Receipt, at_ms: int) -> None:
        """Store it for ever; a failure is told, never raised: the transaction has happened."""
        try:
            own = await asyncio.to_thread(self._own_coldkeys)
        except RanvierError:
            own = frozenset()  # the signer's own side is known without
        following = self._following.pop(receipt.extrinsic_hash, "")
        whole = stored(receipt, at_ms, own, following=following)
        if counts(whole):
            self._own[whole.id] = (at_ms, value_of(whole))
        try:
            await self._client.call(AddReceipt(whole))
        except RanvierError as error:
            hint = "Copy what is shown." if not following else "The agent reads it from the chain as soon as it can."
            self._failed(RanvierError("Receipt not kept", error.message, hint))

    def _own_coldkeys(self) -> frozenset[str]:
        return frozenset(one.coldkey_ss58 for one in self._wallets() if one.coldkey_ss58 is not None)

    async def spent_today(self) -> int:
        """TAO value in rao of what was signed since midnight UTC. Raises RanvierError: a limit is never guessed."""
        now = int(time.time() * 1000)
        midnight = now - now % _DAY_MS
        values: dict[str, int] = {}
        page: tuple[StoredReceipt, ...] = ()
        offset = 0
        while not offset or len(page) == _PAGE:
            page = (await self._client.call(GetReceipts(midnight, limit=_PAGE, offset=offset))).receipts
            values |= {one.id: value_of(one) for one in page if counts(one)}
            offset += _PAGE
        values |= {key: value for key, (at_ms, value) in self._own.items() if at_ms >= midnight}
        return sum(values.values())


def counts(receipt: StoredReceipt) -> bool:
    """Whether it is for the day's limit: sent and not refused, or refused after a part of it had come through."""
    return receipt.stage in _SPENT or bool(receipt.operations)


def value_of(receipt: StoredReceipt) -> int:
    """What the day's limit counts: the TAO value that the plan named, or what was really bought or sold."""
    traded = [one.tao_rao for one in receipt.operations if one.kind != "fee"]
    bought, sold = -sum(tao for tao in traded if tao < 0), sum(tao for tao in traded if tao > 0)
    return max(receipt.spend_rao or 0, receipt.value_rao or 0, bought, sold)
