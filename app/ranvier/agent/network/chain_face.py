"""What the agent wants of a chain, and the real thing behind it. The agent's other files know only this face."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ranvier.chain.model import SUBTENSOR, Balance, BlockRef, Neuron, Place, Receipt, StakePosition, Subnet

if TYPE_CHECKING:
    from pathlib import Path

    from ranvier.chain.connection import Connection
    from ranvier.chain.model_stake import KeySwap
    from ranvier.chain.networks import Network
    from ranvier.chain.payouts import Stretch
    from ranvier.chain.position_steps import Step


class Chain(Protocol):
    """One open network. Every method raises NetworkError or ChainError; reads are pinned to the block given."""

    @property
    def endpoint(self) -> str | None: ...
    @property
    def genesis_hash(self) -> str | None: ...
    @property
    def spec_version(self) -> int | None: ...

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def head(self) -> BlockRef: ...
    async def block(self, number: int) -> BlockRef: ...
    async def finalized(self) -> int:
        """Height of the newest block that cannot be taken back."""
        ...

    async def neuron(self, netuid: int, hotkey_ss58: str, at: BlockRef) -> Neuron | None: ...
    async def last_epoch_block(self, netuid: int, at: BlockRef) -> int: ...
    async def payouts_down(self, netuid: int, high: int, low: int, hotkeys_ss58: Collection[str], most: int) -> Stretch:
        """What these hotkeys were paid at the epochs in [low, high], the newest first, at most ``most`` epochs."""
        ...

    async def balances(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[Balance, ...]: ...
    async def positions(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakePosition, ...]: ...
    async def key_swaps(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> Mapping[str, KeySwap]: ...
    async def position_steps(
        self,
        place: Place,
        from_block: int,
        to_block: int,
        also: Collection[int] = (),
    ) -> tuple[Step, ...]:
        """The blocks in which the position (hotkey, coldkey, netuid) changed, and those of ``also``; and the chain's
        events about it."""
        ...

    async def own_moves(
        self, coldkey_ss58: str, from_block: int, to_block: int, known: Collection[Place] = ()
    ) -> Mapping[Place, tuple[int, ...]]:
        """The blocks after ``from_block`` in which the coldkey did something with each of its positions."""
        ...

    async def subnets(self, at: BlockRef) -> tuple[Subnet, ...]: ...
    async def owner(self, hotkey_ss58: str, at: BlockRef) -> str | None: ...
    async def settle(self, following: str, from_block: int) -> tuple[Receipt | None, int]:
        """What became of a transaction that was sent, once that is final (None: not yet), and the block to go on at."""
        ...

    async def publish_axon(
        self, wallet_path: Path, hotkey_name: str, hotkey_ss58: str, netuid: int, ip: str, port: int
    ) -> Receipt:
        """Sign serve_axon with the hotkey file below ``wallet_path`` and submit it."""
        ...


class LiveChain:
    """The chain room's connection and reads. Nothing heavy is imported before ``open``.

    ``cache`` is the folder where what a runtime says of itself is kept from one start to the next.
    """

    def __init__(self, network: Network, endpoints: Sequence[str] = (), cache: Path | None = None) -> None:
        self._cache = cache
        self._network = network
        self._endpoints = tuple(endpoints)
        self._connection: Connection | None = None

    @property
    def endpoint(self) -> str | None:
        return None if self._connection is None else self._connection.endpoint

    @property
    def genesis_hash(self) -> str | None:
        return None if self._connection is None else self._connection.genesis_hash

    @property
    def spec_version(self) -> int | None:
        return None if self._connection is None else self._connection.spec_version

    async def open(self) -> None:
        from ranvier.chain.connection import Connection

        connection = Connection(self._network, endpoints=self._endpoints, cache=self._cache)
        try:
            await connection.open()
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    @property
    def _open(self) -> Connection:
        from ranvier.core.errors import NetworkError

        if self._connection is None:
            raise NetworkError("Not connected", "The network is not connected.", "It is tried again by itself.")
        return self._connection

    async def head(self) -> BlockRef:
        return await self._open.head()

    async def block(self, number: int) -> BlockRef:
        return await self._open.block(number)

    async def finalized(self) -> int:
        hash_hex = await self._open.rpc("chain_getFinalizedHead", [])
        header = await self._open.rpc("chain_getHeader", [hash_hex])
        return int(header["number"], 16)

    async def neuron(self, netuid: int, hotkey_ss58: str, at: BlockRef) -> Neuron | None:
        from ranvier.chain import reads

        return await reads.neuron(self._open, netuid, hotkey_ss58, at)

    async def last_epoch_block(self, netuid: int, at: BlockRef) -> int:
        from ranvier.chain import reads

        return await reads.last_epoch_block(self._open, netuid, at)

    async def payouts_down(self, netuid: int, high: int, low: int, hotkeys_ss58: Collection[str], most: int) -> Stretch:
        from ranvier.chain.payouts import read_down

        return await read_down(self._open, netuid, high, low, hotkeys_ss58, most)

    async def balances(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[Balance, ...]:
        from ranvier.chain import reads

        return tuple(await reads.balances(self._open, coldkeys_ss58, at))

    async def positions(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> tuple[StakePosition, ...]:
        from ranvier.chain import reads

        return tuple(await reads.stake_positions(self._open, coldkeys_ss58, at))

    async def key_swaps(self, coldkeys_ss58: Sequence[str], at: BlockRef) -> Mapping[str, KeySwap]:
        from ranvier.chain import portfolio

        return await portfolio.key_swaps(self._open, coldkeys_ss58, at)

    async def position_steps(
        self,
        place: Place,
        from_block: int,
        to_block: int,
        also: Collection[int] = (),
    ) -> tuple[Step, ...]:
        from ranvier.chain.position_steps import position_steps

        return await position_steps(self._open, place, from_block, to_block, also)

    async def own_moves(
        self, coldkey_ss58: str, from_block: int, to_block: int, known: Collection[Place] = ()
    ) -> Mapping[Place, tuple[int, ...]]:
        from ranvier.chain.own_moves import own_moves

        return await own_moves(self._open, coldkey_ss58, from_block, to_block, known)

    async def subnets(self, at: BlockRef) -> tuple[Subnet, ...]:
        from ranvier.chain import reads

        return tuple(await reads.subnets(self._open, at))

    async def owner(self, hotkey_ss58: str, at: BlockRef) -> str | None:
        (owner,) = await self._open.read([(SUBTENSOR, "Owner", [hotkey_ss58])], at)
        return None if owner is None else str(owner)

    async def settle(self, following: str, from_block: int) -> tuple[Receipt | None, int]:
        from ranvier.chain.following import settle

        return await settle(self._open, following, from_block)

    async def publish_axon(
        self, wallet_path: Path, hotkey_name: str, hotkey_ss58: str, netuid: int, ip: str, port: int
    ) -> Receipt:
        from ranvier.chain import submit
        from ranvier.chain.plans import plans
        from ranvier.keys import wallets

        plan = await plans.plan_serve_axon(self._open, hotkey_ss58, netuid, ip, port)
        return await submit.submit(self._open, plan, wallets.load_hotkey(wallet_path, hotkey_name))
