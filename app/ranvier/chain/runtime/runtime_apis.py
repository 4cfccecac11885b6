"""Runtime calls by V15 metadata: what there is, arguments to bytes, answers to plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranvier.chain.runtime import metadata
from ranvier.chain.runtime.metadata import Index, Method
from ranvier.chain.runtime.values import ValueFaultError, Values, fault
from ranvier.core.errors import ChainError, RanvierError

VERSION = 15


class RuntimeApis:
    """The runtime calls that one V15 metadata blob (or its index) describes."""

    def __init__(self, described: bytes | Index) -> None:
        self.index = described if isinstance(described, Index) else metadata.parse(described)
        if self.index.version < VERSION:
            raise ChainError("Not supported", "This node offers no description of its runtime calls.")
        self._values = Values(self.index)
        self._methods: dict[tuple[str, str], Method] = {(one.api, one.name): one for one in self.index.methods}

    def has(self, api: str, method: str) -> bool:
        return (api, method) in self._methods

    def typed(self, api: str, method: str) -> bool:
        """Whether the answer has types; the oldest chains give bytes (``Vec<u8>``) with SCALE inside."""
        found = self._methods.get((api, method))
        if found is None:
            return False
        kind = self._values.type(found.output)
        return not (kind.kind == "sequence" and self._values.type(kind.inner).primitive == "u8")

    def encode(self, api: str, method: str, params: Sequence[Any]) -> str:
        """The call's arguments as hex; raises ChainError when there is no such call or they do not fit."""
        inputs = self._method(api, method).inputs
        if len(inputs) != len(params):
            raise ChainError("Bad request", f"{api}.{method} takes {len(inputs)} arguments.")
        try:
            parts = [self._values.encode(number, param) for number, param in zip(inputs, params, strict=True)]
        except (ValueFaultError, RanvierError, TypeError) as error:
            raise ChainError("Bad request", f"{api}.{method} cannot be asked with these: {error}.") from error
        return "0x" + b"".join(parts).hex()

    def decode(self, api: str, method: str, answer: str) -> Any:
        try:
            return self._values.decode(self._method(api, method).output, bytes.fromhex(answer.removeprefix("0x")))
        except (ValueFaultError, ValueError) as error:
            raise fault(error) from error

    def _method(self, api: str, method: str) -> Method:
        found = self._methods.get((api, method))
        if found is None:
            raise ChainError("Not on this chain", f"This chain has no runtime call {api}.{method}.")
        return found
