"""What a page is given: handles, made once in ``application.py``. No page looks anything up elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ranvier.agent.api.client import AgentClient
from ranvier.core.paths import Paths
from ranvier.core.settings import Settings
from ranvier.core.tasks import Tasks
from ranvier.ui.bridge import Bridge


@dataclass(frozen=True, slots=True)
class Context:
    """Handles for pages and dialogs.

    ``run(work, name)`` starts a coroutine under the window's one task owner; its errors end in the message bar.
    ``say(text)`` shows a passing note there, ``show_error(error)`` an error with its hint. ``go(page)`` opens a
    page by its key (``overview``, ``wallets``, ``miners``, ``hardware``, ``stake``, ``earnings``, ``settings``,
    ``rehearsal``), ``go("miners/ID")`` with that miner chosen.
    """

    paths: Paths
    settings: Settings
    client: AgentClient
    bridge: Bridge
    tasks: Tasks
    run: Callable[[Coroutine[Any, Any, Any], str], None]
    say: Callable[[str], None]
    show_error: Callable[[BaseException], None]
    go: Callable[[str], None]
