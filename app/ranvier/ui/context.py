"""What a page is given: handles, made once in ``root.py``. No page looks anything up elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ranvier.agent.api.client import AgentClient
from ranvier.core.paths import Paths
from ranvier.core.settings import Settings
from ranvier.core.tasks import Tasks
from ranvier.ui.bridge import Bridge

Run = Callable[[Coroutine[Any, Any, Any], str], None]


@dataclass(frozen=True, slots=True)
class Context:
    """Handles for pages and dialogs.

    ``run(work, name)`` starts a coroutine under the window's one task owner; its errors end in the message bar.
    ``say(text)`` shows a passing note there, ``show_error(error)`` an error with its hint. ``go("earnings")`` opens a
    page by its key, ``go("miners/ID")`` with that miner chosen.
    """

    paths: Paths
    settings: Settings
    client: AgentClient
    bridge: Bridge
    tasks: Tasks
    run: Run
    say: Callable[[str], None]
    show_error: Callable[[BaseException], None]
    go: Callable[[str], None]
