"""What looking costs, and whether the serving client is the bottleneck: figures beside other tools on the same fakes.

    python3 dev.py bench hardware [--json] [--seconds 5] [--vulkan-icd FILE --vulkan-libraries DIR]

Needs gcc and Linux. nvitop, gpustat, httpx and wgpu come into a scratch environment made by uv, never into ours. The
fake driver answers from a text file, so its own cost is in every figure; the same for every tool.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "app"), str(ROOT / "tests")]

CARD = """\
{n}.name NVIDIA GeForce RTX 4090
{n}.uuid GPU-0000000{n}-0000-0000-0000-000000000000
{n}.total 25757220864
{n}.used 8589934592
{n}.reserved 478150656
{n}.util 97
{n}.memutil 60
{n}.temp 63
{n}.power 431250
{n}.limit 450000
{n}.default_limit 450000
{n}.clock 2235
{n}.memclock 10251
{n}.fan 60
{n}.pstate 2
{n}.pcie 4
{n}.pcie_max 4
{n}.lanes 16
{n}.lanes_max 16
{n}.energy 123456789
{n}.capability 89
{n}.reasons 0x4
"""
# Microseconds measured on an RTX 4090 laptop (see the facts of this project): process lists 4500, fan 137, memory 12.
DELAYS = "us.pids 4500\nus.screens 4500\nus.fan 137\nus.total 12\nus.util 3\nus.power 20\nus.temp 20\nus.clock 5\n"

OURS = """
import resource, sys, time
from ranvier.hardware.nvidia import NvmlProbe
probe, end, count = NvmlProbe(), time.monotonic() + float(sys.argv[1]), 0
assert len(probe.read().gpus) == 2
start, cpu = time.monotonic(), time.process_time()
while time.monotonic() < end:
    probe.read(); count += 1
print(count / (time.monotonic() - start), (time.process_time() - cpu) / count * 1000)
"""
NVITOP = """
import sys, time
from nvitop import Device
devices, end, count = Device.all(), time.monotonic() + float(sys.argv[1]), 0
assert len(devices) == 2
[device.as_snapshot() for device in devices]
start, cpu = time.monotonic(), time.process_time()
while time.monotonic() < end:
    for device in devices:
        device.as_snapshot(); device.processes()
    count += 1
print(count / (time.monotonic() - start), (time.process_time() - cpu) / count * 1000)
"""
GPUSTAT = """
import sys, time
from gpustat import GPUStatCollection
end, count = time.monotonic() + float(sys.argv[1]), 0
assert len(GPUStatCollection.new_query().gpus) == 2
start, cpu = time.monotonic(), time.process_time()
while time.monotonic() < end:
    GPUStatCollection.new_query(); count += 1
print(count / (time.monotonic() - start), (time.process_time() - cpu) / count * 1000)
"""
HTTPX = """
import asyncio, codecs, json, statistics, sys, time
import httpx
url, streams, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
async def one(client, number, out):
    sent, arrivals, rest = time.perf_counter(), [], ""
    body = {"model": "m", "messages": [{"role": "user", "content": f"{number} hello"}], "max_tokens": tokens,
            "stream": True, "stream_options": {"include_usage": True}}
    decoder = codecs.getincrementaldecoder("utf-8")()
    async with client.stream("POST", url + "/chat/completions", json=body) as answer:
        async for piece in answer.aiter_raw():
            now = time.perf_counter()
            *events, rest = (rest + decoder.decode(piece)).split("\\n\\n")
            for event in events:
                data = event.removeprefix("data: ")
                if data != "[DONE]":
                    for choice in json.loads(data)["choices"]:
                        if choice["delta"].get("content"):
                            arrivals.append(now)
    out.append((arrivals[0] - sent, len(arrivals), arrivals[-1]))
async def main():
    out, limits = [], httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=120) as client:
        await one(client, -1, [])
        cpu, start = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one(client, n, out) for n in range(streams)))
    made = sum(count for _, count, _ in out)
    ttft = sorted(t for t, _, _ in out)
    print(json.dumps({"ttft_ms": statistics.median(ttft) * 1000, "ttft_p99_ms": ttft[-1] * 1000,
        "tokens_s": made / (max(end for *_, end in out) - start),
        "cpu_us_chunk": (time.process_time() - cpu) / made * 1e6}))
asyncio.run(main())
"""


def scratch(folder: Path, *packages: str) -> Path:
    """A throw-away environment with these packages; returns its Python."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "-q", "-p", python, *packages], check=True)
    return python


def fake_driver(folder: Path) -> dict[str, str]:
    """Environment variables with which a child finds the make-believe NVML."""
    library = folder / "libnvidia-ml.so.1"
    source = ROOT / "tests" / "hardware" / "fake_nvml.c"
    command = ["gcc", "-O2", "-shared", "-fPIC", "-w", "-Wl,-soname,libnvidia-ml.so.1", "-o", library, source]
    subprocess.run(command, check=True)
    (folder / "gpus.txt").write_text("count 2\n" + CARD.format(n=0) + CARD.format(n=1) + DELAYS)
    return {"LD_LIBRARY_PATH": str(folder), "FAKE_NVML": str(folder / "gpus.txt"), "PYTHONPATH": str(ROOT / "app")}


def looking(python: Path, variables: dict[str, str], seconds: float) -> list[dict[str, object]]:
    """Samples per second and CPU for each, two cards, as fast as each tool can.

    Ours asks for process lists, fans and links every five seconds only, the others each time: that is the difference
    shown, and on a real card these lists are what disturbs. gpustat also waits for its programs' CPU share.
    """
    rows = []
    for name, program, code in (
        ("ranvier", sys.executable, OURS), ("nvitop", python, NVITOP), ("gpustat", python, GPUSTAT),
    ):  # fmt: skip
        environment = {**os.environ, **variables}
        done = subprocess.run(
            [program, "-c", code, str(seconds)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            rows.append({"tool": name, "failed": done.stderr.strip().splitlines()[-1:]})
            continue
        rate, cpu = done.stdout.split()
        rows.append({"tool": name, "samples_s": round(float(rate), 1), "cpu_ms_sample": round(float(cpu), 3)})
    return rows


def polling(folder: Path, variables: dict[str, str], seconds: float) -> dict[str, object]:
    """CPU of the agent's sampler and its reader at 1 Hz with one card, in percent of one core; and nobody looking."""
    import psutil

    from ranvier.hardware.nvml_child import NvmlChild
    from ranvier.hardware.sampler import Sampler

    (folder / "gpus.txt").write_text("count 1\n" + CARD.format(n=0) + DELAYS)
    probe = NvmlChild(environment=variables, possible=lambda: True)

    async def run() -> dict[str, object]:
        sampler = Sampler(folder, probe)
        for _ in range(3):
            sample = await sampler.sample()
            await asyncio.sleep(1)
        child = psutil.Process(psutil.Process().children()[0].pid)
        before, cpu, start = sum(child.cpu_times()[:2]), time.process_time(), time.monotonic()
        for _ in range(int(seconds)):
            sample = await sampler.sample()
            await asyncio.sleep(1)
        wall = time.monotonic() - start
        assert len(sample.gpus) == 1
        figures = {
            "sampler_cpu_percent": round(100 * (time.process_time() - cpu) / wall, 3),
            "reader_cpu_percent": round(100 * (sum(child.cpu_times()[:2]) - before) / wall, 3),
            "reader_rss_mb": round(child.memory_info().rss / 1e6, 1),
        }
        sampler.close()
        return {**figures, "children_after_close": len(psutil.Process().children())}

    return asyncio.run(run())


def serving(python: Path, streams: int = 48, tokens: int = 100) -> list[dict[str, object]]:
    """The same load (true: 100 ms to the first token, 50 tokens a second each) by our client and by httpx."""
    from ranvier.benchmark.plans import ServingPlan
    from ranvier.benchmark.serving import measure

    rows: list[dict[str, object]] = [{"client": "true", "ttft_ms": 100.0, "tokens_s": round(streams * tokens / 2.08)}]
    command = [sys.executable, str(ROOT / "tests" / "benchmark" / "fake_stream.py"), "0.1", "0.02"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url = server.stdout.readline().strip()
        plan = ServingPlan(url, requests=streams, concurrency=streams, output_tokens=tokens, warmup=1, timeout_s=120)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = asyncio.run(measure(plan))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert result.ttft is not None
        cpu = result.client.cpu_percent / 100 * (result.duration)
        rows.append({
            "client": "ranvier", "ttft_ms": round(result.ttft.median, 1), "ttft_p99_ms": round(result.ttft.p99, 1),
            "tokens_s": round(result.output_throughput), "cpu_us_chunk": round(cpu / result.output_tokens * 1e6, 1),
            "failed": result.failed, "client_cpu_percent": result.client.cpu_percent,
            "whole_child_cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        })  # fmt: skip
        done = subprocess.run(
            [python, "-c", HTTPX, url, str(streams), str(tokens)], capture_output=True, text=True, check=True
        )
        rows.append({"client": "httpx", **{key: round(value, 1) for key, value in json.loads(done.stdout).items()}})
        server.stdin.close()
    return rows


def shaders(python: Path, icd: str, libraries: str) -> dict[str, object]:
    """The wgpu suite on a software Vulkan: a test of right results, not of speed."""
    request = json.dumps({"side": 128, "size_mib": 4, "check_s": 2.0, "processor_too": True})
    variables = {"VK_ICD_FILENAMES": icd, "LD_LIBRARY_PATH": libraries, "PYTHONPATH": str(ROOT / "app")}
    start = time.monotonic()
    done = subprocess.run(
        [python, "-m", "ranvier.benchmark.child", "wgpu"], input=request + "\n", env={**os.environ, **variables},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    figures = {row["name"]: f"{statistics.median(row['samples']):.4g} {row['unit']}" for row in result["figures"]}
    return {"device": result["device"]["name"], **figures, "wrong": result["skipped"],
            "seconds": round(time.monotonic() - start, 1)}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--vulkan-icd")
    parser.add_argument("--vulkan-libraries", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = ["nvitop", "gpustat", "httpx"]
        if options.vulkan_icd:
            packages += ["wgpu", "numpy", "msgspec", "psutil", "platformdirs", "aiohttp"]
        python = scratch(folder, *packages)
        variables = fake_driver(folder)
        found: dict[str, object] = {
            "load_before": os.getloadavg()[0],
            "looking at two cards, as fast as possible": looking(python, variables, options.seconds),
            "polling one card at 1 Hz": polling(folder, variables, max(10.0, 2 * options.seconds)),
            "48 streams of 50 tokens/s": serving(python),
        }
        if options.vulkan_icd:
            found["shaders on software Vulkan"] = shaders(python, options.vulkan_icd, options.vulkan_libraries)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for title, rows in found.items():
        print(title)
        for row in rows if isinstance(rows, list) else [rows]:
            print("  " + ("  ".join(f"{k} {v}" for k, v in row.items()) if isinstance(row, dict) else str(row)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
