"""How fast wallets are listed and unlocked, in one run: ``python3 dev.py bench keys``.

Listing: 500 wallets with 5 hotkeys each, real files, each time a process of its own, in turns with ``btcli wallet
list`` of bittensor 11.3 on the same folder (its environment is made with uv; left out where that cannot be). Unlock: in
turns with the plain argon2i call, so that a busy machine slows both. Compare the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ranvier import __main__ as entry
from ranvier.core.processes import child_environment, own_command
from ranvier.keys import content, encryption, listing, watching
from ranvier.keys.content import SecretPart
from ranvier.keys.signing import LocalSigner

REAL = "bittensor==11.3.*"
PASSWORD = "zebra lantern 47"
Rows = list[tuple[str, str, str]]  # what, value, remark


def make_wallets(folder: Path, wallets: int, hotkeys: int) -> None:
    """Files as the tools write them; no derivation is needed to list them."""
    key = os.urandom(32)

    def secret() -> SecretPart:
        seed = os.urandom(32)
        return SecretPart(LocalSigner.from_seed(seed), None, seed)

    for number in range(wallets):
        path = folder / f"wallet-{number}"
        (path / "hotkeys").mkdir(parents=True)
        coldkey = secret()
        (path / "coldkey").write_bytes(encryption.encrypt(content.secret_json(coldkey), key))
        (path / "coldkeypub.txt").write_bytes(content.public_json(coldkey.public))
        for hotkey_number in range(hotkeys):
            hotkey = secret()
            (path / "hotkeys" / f"miner-{hotkey_number}").write_bytes(content.secret_json(hotkey))
            (path / "hotkeys" / f"miner-{hotkey_number}pub.txt").write_bytes(content.public_json(hotkey.public))


def measure(command: Sequence[str], row: str, environment: dict[str, str]) -> dict[str, float]:
    """Seconds to the first line that names a wallet and to the end, and the most memory the process held."""
    started = time.perf_counter()
    first = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        rows = 0
        for line in process.stdout:
            if row.encode() in line:
                first = first or time.perf_counter() - started
                rows += 1
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    total = time.perf_counter() - started
    if process.returncode or not rows:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}, {rows} rows")
    return {"first_row_s": first, "total_s": total, "rss_mb": usage.ru_maxrss / 1024, "rows": rows}


def own_list(folder: Path, home: Path) -> list[str]:
    if "keys" in entry._HOMED:
        return own_command("--home", str(home), "keys", "list", "--folder", str(folder))
    code = (
        "import sys; from pathlib import Path; "
        "from ranvier.core.paths import Paths; from ranvier.keys.cli import main; "
        "sys.exit(main(['list', '--folder', sys.argv[2]], Paths.under(Path(sys.argv[1]))))"
    )
    return [sys.executable, "-c", code, str(home), str(folder)]


def real_tool(cache: Path) -> Path | None:
    """``btcli`` in an environment of its own; None where it cannot be installed."""
    from uv import find_uv_bin

    folder = cache / "ranvier-bench-bittensor-11.3"
    btcli = folder / "bin" / "btcli"
    if not btcli.exists():
        for command in (
            ["venv", "--clear", str(folder)],
            ["pip", "install", "--python", str(folder / "bin/python"), REAL],
        ):
            if subprocess.run([find_uv_bin(), *command], capture_output=True, check=False).returncode:
                return None
    return btcli


def median_of(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def listings(folder: Path, home: Path, runs: int, btcli: Path | None) -> dict[str, Any]:
    """Both tools in turns; the first turn only warms the disk cache."""
    own: list[dict[str, float]] = []
    real: list[dict[str, float]] = []
    environment = child_environment({"HOME": str(home), "COLUMNS": "300"})
    environment_of_real = {**os.environ, "HOME": str(home), "COLUMNS": "300"}
    for turn in range(runs + 1):
        ours = measure(own_list(folder, home), "wallet-", environment)
        theirs = None
        if btcli is not None:
            command = [str(btcli), "wallet", "list", "--wallet-path", str(folder)]
            theirs = measure(command, "wallet-", environment_of_real)
        if turn:
            own.append(ours)
            real += [theirs] if theirs is not None else []
    found: dict[str, Any] = {"ranvier": median_of(own)}
    if real:
        found["btcli"] = median_of(real)
        found["ratio"] = {
            name: found["ranvier"][name] / found["btcli"][name] for name in ("first_row_s", "total_s", "rss_mb")
        }
    return found


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_process(folder: Path) -> dict[str, float]:
    """What the window pays: first wallet, all of them, and a scan when nothing changed."""
    first = seconds(lambda: next(listing.iter_wallets(folder)))
    whole = statistics.median(seconds(lambda: listing.list_wallets(folder)) for _ in range(5))
    watcher = watching.Watcher([folder])
    watcher.scan()
    scan = statistics.median(seconds(watcher.scan) for _ in range(5))
    return {"first_wallet_s": first, "list_s": whole, "unchanged_scan_s": scan}


def unlock(folder: Path, runs: int) -> dict[str, float]:
    """Our whole unlock against the bare derivation."""
    import nacl.pwhash

    from ranvier.keys import storing, wallets

    wallet = asyncio.run(storing.store_coldkey(folder, "w", SecretPart(LocalSigner.from_seed(bytes(32))), PASSWORD))
    cost = encryption.FULL_COST

    def bare() -> None:
        nacl.pwhash.argon2i.kdf(
            32, PASSWORD.encode(), encryption._SALT, opslimit=cost.passes, memlimit=cost.memory_bytes
        )

    bare_s, own_s = [], []
    for _ in range(runs):
        bare_s.append(seconds(bare))
        own_s.append(seconds(lambda: asyncio.run(wallets.unlock_coldkey(wallet.path, PASSWORD))))
    pairs = [own / plain for own, plain in zip(own_s, bare_s, strict=True)]
    return {
        "argon2_s": statistics.median(bare_s),
        "unlock_s": statistics.median(own_s),
        "ratio": statistics.median(pairs),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(found: dict[str, Any]) -> str:
    rows: Rows = []
    lists = found["list"]
    for name in ("ranvier", "btcli"):
        if name in lists:
            run = lists[name]
            rows += [
                (f"{name}: first row", f"{run['first_row_s']:.2f} s", ""),
                (f"{name}: whole list", f"{run['total_s']:.2f} s", f"{int(run['rows'])} rows"),
                (f"{name}: most memory", f"{run['rss_mb']:.0f} MB", ""),
            ]
    if "ratio" in lists:
        ratio = lists["ratio"]
        text = f"{ratio['first_row_s']:.2f} / {ratio['total_s']:.2f} / {ratio['rss_mb']:.2f}"
        rows.append(("ratio to btcli", text, "first row / whole / memory"))
    else:
        rows.append(("ratio to btcli", "unknown", f"{REAL} cannot be installed here"))
    inside = found["in_process"]
    rows += [
        ("in the window: first wallet", f"{inside['first_wallet_s'] * 1000:.1f} ms", ""),
        ("in the window: all wallets", f"{inside['list_s'] * 1000:.0f} ms", ""),
        ("in the window: scan, no change", f"{inside['unchanged_scan_s'] * 1000:.0f} ms", ""),
        ("plain argon2i", f"{found['unlock']['argon2_s']:.2f} s", ""),
        ("unlock", f"{found['unlock']['unlock_s']:.2f} s", f"ratio {found['unlock']['ratio']:.3f}"),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {remark}".rstrip() for what, value, remark in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--wallets", type=int, default=500)
    parser.add_argument("--hotkeys", type=int, default=5)
    parser.add_argument("--btcli", type=Path, help="use this btcli instead of installing one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home, folder = Path(temporary) / "home", Path(temporary) / "wallets"
        home.mkdir()
        make_wallets(folder, options.wallets, options.hotkeys)
        btcli = options.btcli or real_tool(Path(tempfile.gettempdir()))
        found = {
            "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "wallets": options.wallets,
            "hotkeys": options.hotkeys,
            "list": listings(folder, home, options.runs, btcli),
            "in_process": in_process(folder),
            "unlock": unlock(Path(temporary) / "one", options.runs),
        }
    print(json.dumps(found, indent=2) if options.json else table(found))


if __name__ == "__main__":
    main()
