"""Messages about what is held and what the network is like: positions, subnets, the token, the endpoints."""

from __future__ import annotations

import msgspec

from ranvier.agent.api.command import Command, Done
from ranvier.chain.concentration import Concentration
from ranvier.chain.model import BlockRef, Subnet
from ranvier.chain.model_netcheck import EndpointCheck
from ranvier.chain.model_stake import Portfolio
from ranvier.chain.model_subnet import Registration
from ranvier.chain.supply import Supply


class SeatLine(msgspec.Struct, frozen=True):
    """An own hotkey's place in the line of those who leave. ``ahead`` would go first, free seats counted; None: it
    is in no danger as things stand. ``read_block`` is when the line was read."""

    netuid: int
    hotkey_ss58: str
    uid: int
    ahead: int | None
    immune_until_block: int
    free_seats: int
    seats: int
    read_block: int


class Holdings(msgspec.Struct, frozen=True):
    """Everything of the watched coldkeys at one block. ``names`` of subnets; ``block_s`` seconds per block lately."""

    portfolio: Portfolio
    names: dict[int, str]
    seats: tuple[SeatLine, ...]
    block_s: float | None
    own_hotkeys: tuple[str, ...] = ()


class SubnetView(msgspec.Struct, frozen=True):
    """What a subnet pays and asks, from its last epoch.

    ``tao_per_block_rao`` flows into its pool, added or paid for alpha there, ``alpha_per_block_rao`` to its people.
    ``miner_quartiles`` are rao of alpha per epoch (lower, median, upper) of the miners who earn; ``earners`` of
    ``neurons``. None: not known.
    """

    subnet: Subnet
    tao_per_block_rao: int | None
    alpha_per_block_rao: int | None
    earners: int
    miner_quartiles: tuple[int, int, int] | None
    incentive: Concentration
    dividends: Concentration


class SubnetsView(msgspec.Struct, frozen=True):
    block: BlockRef
    block_s: float | None
    subnets: tuple[SubnetView, ...]


class SubnetDetail(msgspec.Struct, frozen=True):
    """One subnet seen closely. Concentrations count several seats of one coldkey as one holder.

    ``recent`` seats were taken within ``recent_blocks``; ``recent_safe`` of them are past their immunity. A seat cost
    ``price_before_rao`` so many ``before_blocks`` ago; None where the node does not know any more.
    """

    block: BlockRef
    registration: Registration
    seats: int
    free_seats: int
    immune: int
    validators: int
    validator_stake: Concentration
    miner_incentive: Concentration
    recent_blocks: int
    recent: int
    recent_safe: int
    own: tuple[SeatLine, ...]
    price_before_rao: int | None = None
    before_blocks: int = 0


class Activity(msgspec.Struct, frozen=True):
    """What happened in the ``blocks`` before ``block``, in ``seconds``: counts, and fees in rao."""

    blocks: int
    seconds: float | None
    transactions: int
    failed: int
    registrations: int
    fees_rao: int


class PassedHalving(msgspec.Struct, frozen=True):
    """A halving that happened: in ``block``, or, where that is not known (None), not after ``by_block``."""

    number: int
    block: int | None
    by_block: int
    time_ms: int | None


class TokenView(msgspec.Struct, frozen=True):
    """The token at one block. ``holders`` is over all accounts' free TAO, None where there are too many to read
    (``accounts_at_least`` then says how many there are at least); ``root`` over root's validators."""

    block: BlockRef
    block_s: float | None
    supply: Supply
    pooled_rao: int
    subnets: int
    holders: Concentration | None
    accounts_at_least: int
    root: Concentration
    activity: Activity | None
    passed: tuple[PassedHalving, ...] = ()


class NetCheckView(msgspec.Struct, frozen=True):
    """A check of all endpoints; ``used`` is the one that the agent works with."""

    network: str
    at: float
    endpoints: tuple[EndpointCheck, ...]
    used: str | None


class AxonView(msgspec.Struct, frozen=True):
    """One inference call to an own axon: milliseconds; None is unknown, and ``error`` says why."""

    first_word_ms: float | None = None
    whole_ms: float | None = None
    error: str | None = None


class GetHoldings(Command[Holdings], frozen=True):
    pass


class GetSubnets(Command[SubnetsView], frozen=True):
    pass


class GetSubnet(Command[SubnetDetail], frozen=True):
    netuid: int


class GetToken(Command[TokenView], frozen=True):
    pass


class GetNetCheck(Command[NetCheckView], frozen=True):
    """Ask every endpoint of the network ``samples`` times; takes some seconds."""

    samples: int = 5


class AskAxon(Command[AxonView], frozen=True):
    """Ask the axon of the miner ``id`` one real question, signed by its own hotkey, over this machine's own network."""

    id: str


class ExportEarnings(Command[Done], frozen=True):
    """Write the payments of a time to a new file: ``csv`` (everything), ``koinly``, ``cointracking`` or ``json``."""

    path: str
    kind: str
    since_ms: int | None = None
    until_ms: int | None = None
    hotkey_ss58: str | None = None
    netuid: int | None = None
