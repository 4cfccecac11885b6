"""A miner owner's life through the official SDK; run by test_official.py with the SDK's own Python. Prints JSON."""

import asyncio
import json
import sys
import urllib.request

import bittensor as bt
from bittensor import calls, intents
from wallet import make

URL, FOLDER = sys.argv[1:3]
TAO = 10**9
# Reads of what does not exist here: beta baskets, crowdloans, leases, locks, collateral, EVM, the MEV shield.
MISSING = ("StorageFunctionNotFound", "not found in registry")


def rpc(method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(URL.replace("ws", "http", 1), body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=5))["result"]


async def reads(client, cold, hot):
    found = {"answered": [], "missing": [], "broken": {}}
    for one in client.reads():
        values = {}
        for name, kind in one["params"].items():
            if name in ("uid", "mechid", "mecid"):
                values[name] = 0
            elif name.endswith("ss58s"):
                values[name] = [cold]
            elif "hotkey" in name:
                values[name] = hot
            elif kind in ("integer", "number"):
                values[name] = 1
            else:
                values[name] = [1] if kind == "array" else False if kind == "boolean" else cold
        try:
            await asyncio.wait_for(client.read(one["name"], **values), 10)
            found["answered"].append(one["name"])
        except Exception as error:  # noqa: BLE001  # whatever a read raises is reported
            text = f"{type(error).__name__}: {error}"
            if any(word in text for word in MISSING):
                found["missing"].append(one["name"])
            else:
                found["broken"][one["name"]] = text[:200]
    return found


async def life(client, mine, cold, hot, validators):
    steps = {}

    async def do(name, doing):
        try:
            result = await asyncio.wait_for(doing, 20)
        except Exception as error:  # noqa: BLE001  # whatever a step raises is reported
            steps[name] = f"{type(error).__name__}: {error}"[:200]
        else:
            steps[name] = "done" if result.success else str(result.message)[:200]

    first, second = validators[:2]
    await do("transfer", client.execute(intents.Transfer(dest_ss58=hot, amount_tao=1), mine))
    register = calls.SubtensorModule.burned_register(netuid=1, hotkey=hot)
    await do("register", client.submit_call(register, mine))
    await do("add_stake", client.execute(intents.AddStake(hotkey_ss58=first, netuid=1, amount_tao=10), mine))
    await do("add_root", client.execute(intents.AddStake(hotkey_ss58=first, netuid=0, amount_tao=5), mine))
    limit = intents.AddStakeLimit(hotkey_ss58=first, netuid=1, amount_tao=1, limit_price_rao=TAO)
    await do("add_stake_limit", client.execute(limit, mine))
    await do("remove_stake", client.execute(intents.RemoveStake(hotkey_ss58=first, netuid=1, amount_alpha=20), mine))
    move = intents.MoveStake(
        origin_hotkey_ss58=first, dest_hotkey_ss58=second, origin_netuid=1, dest_netuid=1, amount_alpha=5
    )
    await do("move_stake", client.execute(move, mine))
    swap = intents.SwapStake(hotkey_ss58=first, origin_netuid=1, dest_netuid=0, amount_alpha=5)
    await do("swap_stake", client.execute(swap, mine))
    await do("set_auto_stake", client.execute(intents.SetAutoStake(netuid=1, hotkey_ss58=hot), mine))
    await do("unstake_all", client.execute(intents.UnstakeAll(hotkey_ss58=first), mine))
    # Last: the SDK keeps counting nonces from before the two that a shielded transaction uses.
    await do("shielded", client.submit_shielded(intents.Transfer(dest_ss58=first, amount_tao=1), mine))
    return steps


async def main():
    mine = make(FOLDER)
    cold, hot = mine.coldkeypub.ss58_address, mine.hotkey.ss58_address
    rpc("sandbox_fund", cold, 500 * TAO)
    validators = rpc("sandbox_info")["validators"]
    async with bt.Client(URL) as client:
        while not (await client.read("balance", coldkey_ss58=cold)).rao:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.2)
        steps = await life(client, mine, cold, hot, validators)
        graph = await client.subnets.metagraph(1)
        left = await client.read("stake_for_coldkey", coldkey_ss58=cold)
        told = {
            "steps": steps,
            "seated": [neuron.hotkey for neuron in graph.neurons][-1] == hot,
            "positions": [[one.hotkey, one.netuid] for one in left],
            "second": validators[1],
            "reads": await reads(client, cold, hot),
        }
    sys.stdout.write(json.dumps(told))


asyncio.run(main())
