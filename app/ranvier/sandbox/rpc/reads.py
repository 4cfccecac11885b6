"""``chain_*``, ``state_*`` and ``payment_*``: blocks, storage at any kept block, runtime APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ranvier.sandbox.codec.scale import U32, ScaleError
from ranvier.sandbox.codec.types import DIGEST_ITEM
from ranvier.sandbox.frame.api import View
from ranvier.sandbox.frame.pallet import DispatchFailure
from ranvier.sandbox.frame.state import PastState, StateDiscardedError
from ranvier.sandbox.frame.storage import blake2_256
from ranvier.sandbox.frame.version import spec_of
from ranvier.sandbox.node.chain import Block
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.rpc.protocol import (
    STATE_ERROR,
    Handler,
    RpcError,
    Session,
    bad_params,
    hex_bytes,
    hex_text,
    param,
)
from ranvier.sandbox.runtime.apis import DISPATCH_FEE, FEE_DETAILS, METHODS

_MAX_KEYS = 1000


def header_json(block: Block) -> dict[str, Any]:
    header = block.header
    return {
        "parentHash": hex_text(header["parent_hash"]),
        "number": hex(block.number),
        "stateRoot": hex_text(header["state_root"]),
        "extrinsicsRoot": hex_text(header["extrinsics_root"]),
        "digest": {"logs": [hex_text(DIGEST_ITEM.encode(item)) for item in header["digest"]["logs"]]},
    }


class Reads:
    """The read methods of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._chain = node.chain

    def methods(self) -> dict[str, Handler]:
        return {
            "chain_getHeader": self._header,
            "chain_getBlock": self._block,
            "chain_getBlockHash": self._block_hash,
            "chain_getHead": self._block_hash,
            "chain_getFinalizedHead": self._finalized_head,
            "chain_getFinalisedHead": self._finalized_head,
            "state_getStorage": self._storage,
            "state_getStorageAt": self._storage,
            "state_getStorageHash": self._storage_hash,
            "state_getStorageHashAt": self._storage_hash,
            "state_getStorageSize": self._storage_size,
            "state_getStorageSizeAt": self._storage_size,
            "state_queryStorageAt": self._query_storage,
            "state_getKeysPaged": self._keys_paged,
            "state_getKeysPagedAt": self._keys_paged,
            "state_getMetadata": self._metadata,
            "state_getRuntimeVersion": self._runtime_version,
            "chain_getRuntimeVersion": self._runtime_version,
            "state_call": self._state_call,
            "state_callAt": self._state_call,
            "payment_queryInfo": self._payment_info,
            "payment_queryFeeDetails": self._payment_details,
        }

    def _at(self, params: list[Any], index: int) -> tuple[PastState, Block | None, int]:
        """The state after the block that a parameter names, or after the head."""
        text = param(params, index, str, optional=True)
        if text is None:
            head = self._chain.head
            return self._chain.state_at(head.number), head, head.number
        hash_ = hex_bytes(text)
        number = self._chain.number_of(hash_)
        if self._node.faults.discarded and number is not None and number < self._chain.finalized.number:
            raise RpcError(STATE_ERROR, f"Client error: UnknownBlock: State already discarded for {text}")
        if number is None:
            raise RpcError(STATE_ERROR, f"Client error: UnknownBlock: Header was not found in the database: {text}")
        try:
            return self._chain.state_at(number), self._chain.block(hash_), number
        except StateDiscardedError:
            raise RpcError(STATE_ERROR, f"Client error: UnknownBlock: State already discarded for {text}") from None

    def _named_block(self, params: list[Any]) -> Block | None:
        text = param(params, 0, str, optional=True)
        return self._chain.head if text is None else self._chain.block(hex_bytes(text))

    def _header(self, params: list[Any], session: Session) -> Any:
        block = self._named_block(params)
        return None if block is None else header_json(block)

    def _block(self, params: list[Any], session: Session) -> Any:
        block = self._named_block(params)
        if block is None:
            return None
        extrinsics = [hex_text(extrinsic) for extrinsic in block.extrinsics]
        return {"block": {"header": header_json(block), "extrinsics": extrinsics}, "justifications": None}

    def _block_hash(self, params: list[Any], session: Session) -> Any:
        """Of the head, of one number, or of a list of numbers; a number may be hex text, as in a node."""
        asked = params[0] if params else None
        if asked is None:
            return hex_text(self._chain.head.hash)
        return [self._one_hash(one) for one in asked] if isinstance(asked, list) else self._one_hash(asked)

    def _one_hash(self, asked: Any) -> str | None:
        if isinstance(asked, str):
            try:
                asked = int(asked, 16)
            except ValueError:
                raise bad_params("a block number is expected") from None
        if not isinstance(asked, int) or isinstance(asked, bool):
            raise bad_params("a block number is expected")
        hash_ = self._chain.hash_of(asked)
        if asked == 0 and self._node.faults.genesis is not None:
            hash_ = self._node.faults.genesis
        return None if hash_ is None else hex_text(hash_)

    def _finalized_head(self, params: list[Any], session: Session) -> Any:
        return hex_text(self._chain.finalized.hash)

    def _value(self, params: list[Any]) -> bytes | None:
        key = hex_bytes(param(params, 0, str))
        return self._at(params, 1)[0].get(key)

    def _storage(self, params: list[Any], session: Session) -> Any:
        value = self._value(params)
        return None if value is None else hex_text(value)

    def _storage_hash(self, params: list[Any], session: Session) -> Any:
        value = self._value(params)
        return None if value is None else hex_text(blake2_256(value))

    def _storage_size(self, params: list[Any], session: Session) -> Any:
        value = self._value(params)
        return None if value is None else len(value)

    def _query_storage(self, params: list[Any], session: Session) -> Any:
        keys = param(params, 0, list)
        state, _, number = self._at(params, 1)
        return [changes_json(self._chain.hash_of(number) or b"", {hex_bytes(k): state.get(hex_bytes(k)) for k in keys})]

    def _keys_paged(self, params: list[Any], session: Session) -> Any:
        prefix = hex_bytes(param(params, 0, str, optional=True) or "0x")
        count = param(params, 1, int)
        start = param(params, 2, str, optional=True)
        if not 0 <= count <= _MAX_KEYS:
            raise RpcError(4002, f"count exceeds maximum value. value: {count}, max: {_MAX_KEYS}")
        state = self._at(params, 3)[0]
        found: list[str] = []
        for key in state.keys_from(prefix, hex_bytes(start) if start else prefix, after=start is not None):
            if len(found) >= count:
                break
            found.append(hex_text(key))
        return found

    def _metadata(self, params: list[Any], session: Session) -> Any:
        return hex_text(self._node.machine.metadata(spec_of(self._at(params, 0)[0]), 14))

    def _runtime_version(self, params: list[Any], session: Session) -> Any:
        return spec_of(self._at(params, 0)[0]).json

    def call_api(self, name: str, data: bytes, params: list[Any], at: int) -> bytes:
        """A runtime API by name; its errors are those of a node whose runtime stumbled."""
        state, _, number = self._at(params, at)
        method = METHODS[spec_of(state).version].get(name)
        if method is None:
            raise RpcError(STATE_ERROR, f"Client error: Execution failed: Other: Exported method {name} is not found")
        try:
            return method.call(View(state, number, self._node.machine), data)
        except (ScaleError, DispatchFailure) as error:
            raise RpcError(STATE_ERROR, f"Client error: Execution failed: Runtime panicked: {error}") from error

    def _state_call(self, params: list[Any], session: Session) -> Any:
        data = hex_bytes(param(params, 1, str))
        return hex_text(self.call_api(param(params, 0, str), data, params, 2))

    def _payment_info(self, params: list[Any], session: Session) -> Any:
        extrinsic = hex_bytes(param(params, 0, str))
        data = extrinsic + U32.encode(len(extrinsic))
        info = DISPATCH_FEE.decode(self.call_api("TransactionPaymentApi_query_info", data, params, 1))
        return {
            "weight": info["weight"],
            "class": info["class"][0].lower(),
            "partialFee": str(info["partial_fee"]),
        }

    def _payment_details(self, params: list[Any], session: Session) -> Any:
        extrinsic = hex_bytes(param(params, 0, str))
        data = extrinsic + U32.encode(len(extrinsic))
        fee = FEE_DETAILS.decode(self.call_api("TransactionPaymentApi_query_fee_details", data, params, 1))
        part = fee["inclusion_fee"]
        if part is None:
            return {"inclusionFee": None}
        return {
            "inclusionFee": {
                "baseFee": hex(part["base_fee"]),
                "lenFee": hex(part["len_fee"]),
                "adjustedWeightFee": hex(part["adjusted_weight_fee"]),
            }
        }


def changes_json(block_hash: bytes, changes: Mapping[bytes, bytes | None]) -> dict[str, Any]:
    """A ``StorageChangeSet``."""
    rows = [[hex_text(key), None if value is None else hex_text(value)] for key, value in changes.items()]
    return {"block": hex_text(block_hash), "changes": rows}
