"""Under which addresses others may reach this machine, as far as it can tell without asking anybody."""

from __future__ import annotations

import ipaddress
import socket

import psutil


def public_addresses() -> tuple[str, ...]:
    """Public addresses of this machine's own interfaces, IPv4 first; empty behind a router that translates them."""
    found = []
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                address = ipaddress.ip_address(one.address.partition("%")[0])
                if address.is_global:
                    found.append(address)
    return tuple(str(one) for one in sorted(set(found), key=lambda one: (one.version, int(one))))
