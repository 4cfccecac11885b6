"""``author_*``, subscriptions and ``system_*``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import base58

import ranvier
from ranvier.keys.addresses import AddressError, is_ss58, public_key
from ranvier.sandbox.frame.version import CODE_KEY
from ranvier.sandbox.node.chain import Block
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.rpc.protocol import Handler, Session, bad_params, hex_bytes, hex_text, param
from ranvier.sandbox.rpc.reads import changes_json, header_json

CHAIN_NAME = "Ranvier practice network"
_ALIASES = {
    "chain_subscribeNewHead": "chain_subscribeNewHeads",
    "subscribe_newHead": "chain_subscribeNewHeads",
    "chain_unsubscribeNewHead": "chain_unsubscribeNewHeads",
    "unsubscribe_newHead": "chain_unsubscribeNewHeads",
    "chain_subscribeFinalisedHeads": "chain_subscribeFinalizedHeads",
    "chain_unsubscribeFinalisedHeads": "chain_unsubscribeFinalizedHeads",
    "chain_subscribeRuntimeVersion": "state_subscribeRuntimeVersion",
    "chain_unsubscribeRuntimeVersion": "state_unsubscribeRuntimeVersion",
    "account_nextIndex": "system_accountNextIndex",
}
_UNSUBSCRIBE = (
    "chain_unsubscribeNewHeads",
    "chain_unsubscribeAllHeads",
    "chain_unsubscribeFinalizedHeads",
    "state_unsubscribeStorage",
    "state_unsubscribeRuntimeVersion",
    "author_unwatchExtrinsic",
)


class Writes:
    """Everything that is not a read of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._chain = node.chain

    def methods(self) -> dict[str, Handler]:
        plain: dict[str, Callable[[list[Any]], Any]] = {
            "author_submitExtrinsic": self._submit,
            "author_pendingExtrinsics": lambda params: [hex_text(e.extrinsic.encoded) for e in self._node.waiting],
            "system_accountNextIndex": self._next_index,
            "system_name": lambda params: "ranvier-sandbox",
            "system_version": lambda params: ranvier.__version__,
            "system_chain": lambda params: CHAIN_NAME,
            "system_chainType": lambda params: "Development",
            "system_properties": lambda params: {"ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO"},
            "system_health": lambda params: {"peers": 0, "isSyncing": False, "shouldHavePeers": False},
            "system_peers": lambda params: [],
            "system_nodeRoles": lambda params: ["Authority"],
            "system_localPeerId": lambda params: self._peer_id(),
            "system_localListenAddresses": lambda params: [],
            "system_syncState": self._sync_state,
        }
        methods: dict[str, Handler] = {name: without_session(body) for name, body in plain.items()}
        methods |= {
            "author_submitAndWatchExtrinsic": self._watch,
            "chain_subscribeNewHeads": lambda params, session: self._heads(session, "chain_newHead"),
            "chain_subscribeAllHeads": lambda params, session: self._heads(session, "chain_allHead"),
            "chain_subscribeFinalizedHeads": self._finalized_heads,
            "state_subscribeStorage": self._storage,
            "state_subscribeRuntimeVersion": self._runtime_version,
        }
        methods |= dict.fromkeys(_UNSUBSCRIBE, _unsubscribe)
        methods |= {alias: methods[name] for alias, name in _ALIASES.items()}
        return methods

    def _submit(self, params: list[Any]) -> str:
        return hex_text(self._node.waiting.submit(hex_bytes(param(params, 0, str))))

    def _watch(self, params: list[Any], session: Session) -> str:
        encoded = hex_bytes(param(params, 0, str))
        subscription = session.subscribe("author_extrinsicUpdate")

        def tell(status: Any) -> None:
            session.notify(subscription, status)

        subscription.end = lambda: self._node.waiting.forget_watcher(tell)
        try:
            self._node.waiting.submit(encoded, tell)
        except BaseException:
            session.unsubscribe(subscription.id)
            raise
        return subscription.id

    def _heads(self, session: Session, name: str) -> str:
        subscription = session.subscribe(name)

        def tell(block: Block, changes: Mapping[bytes, bytes | None]) -> None:
            session.notify(subscription, header_json(block))

        subscription.end = self._node.listen(tell)
        session.notify(subscription, header_json(self._chain.head))
        return subscription.id

    def _finalized_heads(self, params: list[Any], session: Session) -> str:
        subscription = session.subscribe("chain_finalizedHead")
        told = self._chain.finalized.number

        def tell(block: Block, changes: Mapping[bytes, bytes | None]) -> None:
            nonlocal told
            final = self._chain.finalized
            if final.number > told:
                told = final.number
                session.notify(subscription, header_json(final))

        subscription.end = self._node.listen(tell)
        session.notify(subscription, header_json(self._chain.finalized))
        return subscription.id

    def _storage(self, params: list[Any], session: Session) -> str:
        keys = {hex_bytes(key) for key in param(params, 0, list)}
        subscription = session.subscribe("state_storage")

        def tell(block: Block, changes: Mapping[bytes, bytes | None]) -> None:
            mine = {key: changes[key] for key in keys if key in changes}
            if mine:
                session.notify(subscription, changes_json(block.hash, mine))

        subscription.end = self._node.listen(tell)
        now = {key: self._chain.store.get(key) for key in keys}
        session.notify(subscription, changes_json(self._chain.head.hash, now))
        return subscription.id

    def _runtime_version(self, params: list[Any], session: Session) -> str:
        subscription = session.subscribe("state_runtimeVersion")

        def tell(block: Block, changes: Mapping[bytes, bytes | None]) -> None:
            if CODE_KEY in changes:
                session.notify(subscription, self._chain.spec.json)

        subscription.end = self._node.listen(tell)
        session.notify(subscription, self._chain.spec.json)
        return subscription.id

    def _next_index(self, params: list[Any]) -> int:
        return self._node.waiting.next_index(account_param(params, 0))

    def _peer_id(self) -> str:
        identity = b"\x00\x24\x08\x01\x12\x20" + self._node.machine.author
        return base58.b58encode(identity).decode()

    def _sync_state(self, params: list[Any]) -> dict[str, int]:
        number = self._chain.head.number
        return {"startingBlock": 0, "currentBlock": number, "highestBlock": number}


def without_session(body: Callable[[list[Any]], Any]) -> Handler:
    return lambda params, session: body(params)


def _unsubscribe(params: list[Any], session: Session) -> bool:
    return session.unsubscribe(param(params, 0, str))


def account_param(params: list[Any], index: int) -> bytes:
    """An account by address; a node also takes the 32 bytes as hex."""
    text = param(params, index, str)
    if text.startswith("0x") and len(text) == 66:
        return hex_bytes(text)
    try:
        if is_ss58(text):
            return public_key(text)
    except AddressError as error:
        raise bad_params(str(error)) from error
    raise bad_params("an address is expected")
