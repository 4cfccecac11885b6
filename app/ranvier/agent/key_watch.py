"""Watches whether a coldkey is about to be replaced: if its owner did not announce that, somebody else has the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ranvier.agent.api.messages import Attention
from ranvier.agent.network.chain_watch import Head
from ranvier.chain.model_stake import KeySwap
from ranvier.core.evidence import Level, block_text

_EVERY_S = 60.0
_BLOCK_S = 12
_HOUR_S, _DAY_S = 3_600, 86_400


class KeyWatch:
    """``coldkeys`` gives those that are watched on a network. What was found stands until the chain says otherwise."""

    def __init__(self, coldkeys: Callable[[str], Iterable[str]], *, now: Callable[[], float]) -> None:
        self._coldkeys, self._now = coldkeys, now
        self._looked: tuple[str, tuple[str, ...], float] = ("", (), 0.0)
        self._found: dict[str, KeySwap] = {}
        self._block = 0

    async def on_head(self, head: Head) -> None:
        """Look, once a minute and whenever other keys are watched. Raises NetworkError, ChainError."""
        keys = tuple(sorted(set(self._coldkeys(head.network))))
        network, known, at = self._looked
        if (network, known) == (head.network, keys) and abs(self._now() - at) < _EVERY_S:
            return
        if network != head.network:
            self._found = {}
        self._found = dict(await head.chain.key_swaps(keys, head.block)) if keys else {}
        self._block = head.block.number
        self._looked = (head.network, keys, self._now())

    def attention(self) -> list[Attention]:
        """One entry for each key, the same until its swap is another one."""
        return [
            Attention(
                Level.BAD,
                f"Coldkey {ss58[:8]}…{ss58[-6:]} is about to be replaced",
                _words(swap, self._block, self._looked[0]),
                key=f"key swap/{ss58}/{swap.execute_block}/{swap.disputed}",
                page="wallets",
            )
            for ss58, swap in sorted(self._found.items())
        ]


def _words(swap: KeySwap, block: int, network: str) -> str:
    """What happens, and exactly what to do. Ranvier itself sends neither call."""
    if swap.disputed:
        return (
            "The swap is disputed: nobody can do anything with this key until the chain's council (the triumvirate) "
            "has decided. Next: make a new coldkey on a clean machine, then show the council that the old one is yours."
        )
    when = "at a time that is not known here"
    if swap.execute_block is not None:
        left_s = max(0, swap.execute_block - block) * _BLOCK_S
        span = f"{left_s // _DAY_S} days" if left_s >= 2 * _DAY_S else f"{left_s // _HOUR_S} hours"
        when = f"from block {block_text(swap.execute_block)} on" + (f", in about {span}" if left_s >= _HOUR_S else "")
    where = "" if network == "finney" else f" --network {network}"
    btcli = f"btcli wallet swap-coldkey {{}} --wallet-name NAME{where}"
    return (
        f"All it owns can go over to another key {when}. If you did not announce this, somebody else has this key: "
        f"before then run “{btcli.format('dispute')}”, NAME being its wallet. That freezes the key for both of you "
        "until the chain's council decides. If it was you, nothing is to be done; to give it up, run "
        f"“{btcli.format('clear')}”, which the chain takes about a day after that block."
    )
