"""Secrets that recipes ask for by name (a token, an API key), in the system's own secret store and nowhere else."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

SERVICE = "ranvier miners"


def read_secret(name: str) -> str | None:
    """The secret's value; None when it is not stored or the store cannot be asked. Blocking."""
    from ranvier.keys.remember import system_backend

    try:
        value: str | None = system_backend().get_password(SERVICE, name)
    except Exception as error:  # noqa: BLE001  # each backend has errors of its own; all mean: not to be had now
        log.warning("secret %s: %s", name, type(error).__name__)
        return None
    return value


def store_secret(name: str, value: str) -> None:
    """Keep ``value`` under ``name``. Raises StoreError when there is no store. Blocking."""
    from ranvier.keys.remember import system_backend

    system_backend().set_password(SERVICE, name, value)
