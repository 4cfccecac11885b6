"""Small readings that every look at a seat shares: a member of a vector, an announced address."""

from __future__ import annotations

import ipaddress
from typing import Any

from ranvier.chain.model import Axon


def vector_at(vector: Any, uid: int) -> int:
    """The uid's member of a vector by uid; 0 behind its end, where the chain has written nothing yet."""
    return int(vector[uid]) if vector and uid < len(vector) else 0


def axon_of(value: Any) -> Axon | None:
    """The announced address; None when none is announced."""
    if not isinstance(value, dict) or not value.get("ip"):
        return None
    number = int(value["ip"])
    try:
        ip = ipaddress.IPv6Address(number) if int(value["ip_type"]) == 6 else ipaddress.IPv4Address(number)
    except ValueError:
        return None
    return Axon(str(ip), int(value["port"]), int(value["block"]))
