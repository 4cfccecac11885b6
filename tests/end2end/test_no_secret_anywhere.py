"""A whole life on the practice network, then everything that was written or told is searched for its keys.

Logs of all processes, ledgers and histories, a bundle for others, exports, lots and receipts, network checks, results
of benchmarks, payloads for another machine: no phrase, seed, private key or password is in any of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from end2end.conftest import ranvier
from end2end.leaks import is_hotkey, of_phrase, written
from ranvier.agent.api import messages as m
from ranvier.agent.api.client import ensure_agent
from ranvier.agent.api.miner_messages import ExportLogs, GetMinerHistory
from ranvier.chain.model import Plan
from ranvier.core.paths import Paths
from ranvier.core.settings import NETWORK, Settings
from ranvier.keys import mnemonic, offline, wallets
from ranvier.rehearsal.rehearsal import Rehearsal

COMMANDS = """
status --json
netcheck --json --network sandbox --samples 2 --settle
ledger earnings --json
ledger export --format csv
ledger export --format koinly
ledger export --format json
ledger lots --netuid 1 --csv
ledger receipts --json
miners list --json
miners logs practice -n 1000
miners why practice --json
bench device --cpu --seconds 1 --json
bench list --json
keys list --json
keys check --json
hardware --json
""".strip().splitlines()


async def live(home: Path, recipe: Path, phrases: list[str]) -> tuple[Rehearsal, list[bytes]]:
    """Rehearse, and have the agent and this process write what they write for others; what the agent answered."""
    paths = Paths.under(home)
    Settings(paths.settings_file).set(NETWORK, "sandbox")
    client = await ensure_agent(paths)

    async def consent(_plan: Plan) -> bool:
        return True

    rehearsal = Rehearsal(paths, client, on_report=lambda _: None, consent=consent, recipe=str(recipe))
    try:
        outcome = await rehearsal.run()
        answers = [
            await client.call(ExportLogs("practice", str(home / "bundle.zip"))),
            await client.call(GetMinerHistory("practice", 0.0)),
            await client.call(m.GetStatus()),
        ]
    finally:
        await client.close()
    assert outcome.alpha_rao > 0 and rehearsal.password and len(phrases) == 2
    coldkey = await wallets.unlock_coldkey(paths.practice_wallets / "practice", rehearsal.password)
    away = offline.ExportedSigner(coldkey.ss58, 1, genesis_hash="0x00", network="sandbox")
    payload = away.payload(b"a call")
    offline.write(home / "payload.json", payload)
    offline.write(home / "signature.json", offline.sign_payload(payload, coldkey))
    return rehearsal, [repr(one).encode() for one in (*answers, rehearsal.__dict__.keys(), coldkey)]


@pytest.mark.slow
@pytest.mark.limit_s(240)
async def test_what_a_life_leaves_behind_gives_no_key_away(
    home: Path, fake_model_recipe: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    phrases: list[str] = []
    make = mnemonic.generate

    def generate(*arguments: int) -> str:
        phrases.append(make(*arguments))
        return phrases[-1]

    monkeypatch.setattr(mnemonic, "generate", generate)
    rehearsal, answers = await live(home, fake_model_recipe, phrases)
    places = {"the agent's answers": b"\n".join(answers), "this process's log": caplog.text.encode()}
    for line in COMMANDS:
        result = await asyncio.to_thread(ranvier, home, *line.split(), check=False)
        assert result.stdout, (line, result.stderr)
        places[f"ranvier {line}"] = (result.stdout + result.stderr).encode()
    found = json.loads(places["ranvier bench list --json"])
    assert found, "a result was kept"
    places |= dict(written(home))
    names = "\n".join(places)
    for surface in ("agent.log", "ledger.sqlite", "hardware.sqlite", "bundle.zip: ", "payload.json", "benchmarks/"):
        assert surface in names, surface
    cold, hot = phrases
    assert rehearsal.password is not None
    own = {place for place in places if is_hotkey(place) and place.endswith("/miner")}
    assert own and of_phrase(places, hot) == own, "it is where it belongs, which proves the search, and nowhere else"
    assert of_phrase(places, cold) == set()
    assert [place for place, data in places.items() if rehearsal.password.encode() in data] == []
