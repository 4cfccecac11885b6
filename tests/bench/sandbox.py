"""How fast the practice network is: ``python3 tests/bench/sandbox.py`` (``--json``; ``--quick`` leaves the growth out).

Chains are made in this process, without a clock; the cold start and the long runs are processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from ranvier.core.processes import child_environment
from ranvier.sandbox.maths import yuma
from ranvier.sandbox.node.chain import Chain
from ranvier.sandbox.node.genesis import Cast, genesis
from ranvier.sandbox.node.journal import Journal
from ranvier.sandbox.node.node import Node
from ranvier.sandbox.node.play_keys import PlayKeys
from ranvier.sandbox.pallets.subtensor.storage import Subtensor
from ranvier.sandbox.runtime.machine import Machine

_RUN = "import sys; from ranvier.sandbox.main import main; sys.exit(main(sys.argv[1:]))"
Rows = list[tuple[str, float, str]]


def made(neurons: int, subnets: int, folder: Path | None = None, tempo: int = 360) -> Node:
    """A node with full subnets of so many neurons."""
    keys = PlayKeys(b"bench")
    cast = Cast.of(keys, 8, 0).with_crowd(keys, neurons - 9, None)
    chain = Chain(Machine(1000, cast.author.public_key), Journal(folder) if folder is not None else None)
    chain.begin(genesis(cast, tempo, subnets=subnets))
    return Node(chain, cast.practice(tempo), cast.faucet)


def blocks_per_second(node: Node, seconds: float) -> float:
    began, made_blocks = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        node.make_block(node.next_time())
        made_blocks += 1
    return made_blocks / spent


def cold_start() -> float:
    """Seconds from the start of a process to its ready line; the first block follows within a block time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _RUN, "--data", folder, "--no-life", "--block-time", "0.02"]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment(), text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            seconds = time.perf_counter() - began
            process.terminate()
            process.stdout.read()
    return seconds


def extrinsics_per_second(count: int = 800) -> float:
    """Sign-checked transfers from the pool into blocks; signing is not counted."""
    node = made(16, 1)
    dest = {"dest": ("Id", b"\x07" * 32), "value": 10**9}
    signed = []
    for nonce in range(count):
        node.waiting.next_index = lambda account, nonce=nonce: nonce  # type: ignore[method-assign,misc]
        signed.append(node.sign(node.faucet, "Balances", "transfer_keep_alive", dest))
    began = time.perf_counter()
    for one in signed:
        node.waiting.submit(one)
    while next(iter(node.waiting), None) is not None:
        node.make_block(node.next_time())
    return count / (time.perf_counter() - began)


def epoch_seconds(neurons: int) -> float:
    """Yuma alone: 64 validators, each with weights on every neuron."""
    row = tuple((uid, 1 + uid * 251 % 65_535) for uid in range(neurons))
    validators = min(64, neurons)
    inputs = yuma.EpochInputs(
        block=10_000,
        tempo=360,
        stake_rao=tuple(10**12 - uid * 10**6 if uid < validators else 0 for uid in range(neurons)),
        weights=tuple(row if uid < validators else () for uid in range(neurons)),
        bonds=tuple(row if uid < validators else () for uid in range(neurons)),
        last_update=(9_900,) * neurons,
        block_at_registration=(1,) * neurons,
        validator_permit=tuple(uid < validators for uid in range(neurons)),
        emission_rao=360 * 10**9,
    )
    times = []
    for _ in range(3):
        began = time.perf_counter()
        yuma.epoch(inputs)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def epoch_block_seconds(neurons: int) -> tuple[float, float]:
    """(an epoch's block, an ordinary one) of a chain on which up to 64 validators have set weights on every neuron.

    The weights come by signed ``set_weights``, as any validator's. Medians of three epochs and of the blocks between.
    """
    keys = PlayKeys(b"bench")
    validators = min(64, neurons // 2)
    cast = Cast.of(keys, validators, 0).with_crowd(keys, neurons - validators - 1, None)
    chain = Chain(Machine(1000, cast.author.public_key), None)
    chain.begin(genesis(cast, 10, subnets=1))
    node = Node(chain, cast.practice(10), cast.faucet)
    node.make_block(1_700_000_000_000)
    for place, (_, hotkey) in enumerate(cast.validators):
        weights = [1 + (uid * 251 + place) % 65_535 for uid in range(neurons)]
        values = {"netuid": 1, "dests": list(range(neurons)), "weights": weights, "version_key": 0}
        node.send(hotkey, "SubtensorModule", "set_weights", values)
    while next(iter(node.waiting), None) is not None:
        node.make_block(node.next_time())
    rows = sum(1 for _ in Subtensor.Weights.items(chain.store, 1))
    assert rows == validators, (rows, validators)
    epochs: list[float] = []
    others: list[float] = []
    while len(epochs) < 4:
        before = Subtensor.LastMechansimStepBlock.get(chain.store, 1)
        began = time.perf_counter()
        node.make_block(node.next_time())
        spent = time.perf_counter() - began
        (epochs if Subtensor.LastMechansimStepBlock.get(chain.store, 1) != before else others).append(spent)
    assert sum(Subtensor.Incentive.get(chain.store, 1)) > 0, "nobody earned: the weights were not used"
    return statistics.median(epochs[1:]), statistics.median(others)


def after_blocks(count: int) -> tuple[float, float, float]:
    """(seconds for the blocks, MiB of memory, MiB on disk) of a fresh process that makes them with a journal."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import sys, time, psutil; from pathlib import Path\n"
            "sys.path[:0] = [sys.argv[3]]; from sandbox import made\n"
            "node = made(16, 1, Path(sys.argv[1]), 20); began = time.perf_counter()\n"
            "for _ in range(int(sys.argv[2])): node.make_block(node.next_time())\n"
            "print(time.perf_counter() - began, psutil.Process().memory_info().rss / 2**20)"
        )
        command = [sys.executable, "-c", code, folder, str(count), str(Path(__file__).parent)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment())
        seconds, memory = map(float, answer.stdout.split())
        disk = sum(path.stat().st_size for path in Path(folder).iterdir()) / 2**20
    return seconds, memory, disk


def measure(quick: bool) -> Rows:
    rows: Rows = []
    starts = [cold_start() for _ in range(4)][1:]
    rows.append(("cold start to ready", statistics.median(starts), f"s, {min(starts):.2f} to {max(starts):.2f}"))
    rows.append(("blocks, 256 neurons x 8 subnets", blocks_per_second(made(256, 8), 5), "1/s"))
    rows.append(("extrinsics, checked and included", extrinsics_per_second(), "1/s"))
    for neurons in (64, 256, 1024):
        rows.append((f"growth: epoch's rules alone, {neurons} neurons", epoch_seconds(neurons), "s"))
        epoch_block, ordinary = epoch_block_seconds(neurons)
        text = f"s, against {ordinary * 1000:.1f} ms for an ordinary block"
        rows.append((f"growth: epoch's block, {neurons} neurons, weights set", epoch_block, text))
        rows.append((f"growth: blocks, {neurons} neurons, 1 subnet", blocks_per_second(made(neurons, 1), 2), "1/s"))
    for count in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        seconds, memory, disk = after_blocks(count)
        rows.append(
            (f"growth: {count} blocks, journal", count / seconds, f"1/s, RSS {memory:.0f} MiB, disk {disk:.1f} MiB")
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rows = measure(given.quick)
    if given.json:
        print(json.dumps({name: {"value": value, "unit": unit} for name, value, unit in rows}, indent=2))
        return
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {psutil.virtual_memory().total >> 30} GiB")
    width = max(len(name) for name, _, _ in rows)
    for name, value, unit in rows:
        print(f"{name:<{width}}  {value:10.3f}  {unit}")


if __name__ == "__main__":
    main()
