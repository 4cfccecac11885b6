"""The networks this program knows: where they answer, what they are called, how to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Network:
    """One network. ``genesis`` is the hash of its first block (None: not known before the first connection);
    addresses look alike on every network, so this is what is checked. ``play_money`` has no value outside.
    ``archive`` is a node, offered to everybody by the network's own operators, that keeps every block's state."""

    name: str
    title: str
    endpoints: tuple[str, ...]
    genesis: str | None
    symbol: str
    play_money: bool
    archive: str | None = None


SANDBOX = Network("sandbox", "Sandbox", (), None, "TAO", play_money=True)
TEST = Network(
    name="test",
    title="Testnet",
    endpoints=("wss://test.finney.opentensor.ai:443",),
    genesis="0x8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105",
    symbol="testTAO",
    play_money=True,
)
FINNEY = Network(
    name="finney",
    title="Mainnet",
    endpoints=(
        "wss://entrypoint-finney.opentensor.ai:443",
        "wss://lite.chain.opentensor.ai:443",
        "wss://lite.sub.latent.to:443",
    ),
    genesis="0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03",
    symbol="TAO",
    play_money=False,
    archive="wss://archive.chain.opentensor.ai:443",
)

NETWORKS: dict[str, Network] = {network.name: network for network in (SANDBOX, TEST, FINNEY)}


def sandbox_network(endpoint: str, genesis: str | None = None) -> Network:
    """The practice network that answers at ``endpoint`` on this machine."""
    return replace(SANDBOX, endpoints=(endpoint,), genesis=genesis)
