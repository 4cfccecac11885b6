"""Measures the matrix library of the Python that runs it: ``/path/to/miner/env/bin/python -I torch_child.py``.

Standard library and that environment's torch only. The answer is JSON lines, the last one a result or an error.
"""

import json
import platform
import statistics
import sys
import time

LABEL = (
    "The matrix library of this miner's own torch: what its programs get. "
    "This measurement was checked on a processor only, not yet on a real card."
)


def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def pick(torch):
    """Kind, name, function that waits for the device, free and total memory."""
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return "cuda", torch.cuda.get_device_name(0), torch.cuda.synchronize, free, total
    if getattr(torch.backends, "mps", None) is not None and torch.backends.mps.is_available():
        return "mps", "Apple GPU", torch.mps.synchronize, None, None
    if getattr(torch, "xpu", None) is not None and torch.xpu.is_available():
        return "xpu", torch.xpu.get_device_name(0), torch.xpu.synchronize, None, None
    return "cpu", platform.processor() or "processor", lambda: None, None, None


def measure(work, amount, wait, seconds=1.0, samples=7):
    """Rates of ``amount`` for each call of ``work``."""
    for _ in range(3):
        work()
    wait()
    begin = time.perf_counter()
    work()
    wait()
    inner = max(1, min(10000, int(seconds / samples / max(time.perf_counter() - begin, 1e-6))))
    rates = []
    for _ in range(samples):
        wait()
        begin = time.perf_counter()
        for _ in range(inner):
            work()
        wait()
        rates.append(amount * inner / (time.perf_counter() - begin))
    return rates, inner


def main():
    sys.stdin.readline()
    try:
        import torch
    except Exception as error:  # noqa: BLE001  # whatever a broken environment raises is the answer
        reason = f"torch cannot be loaded: {type(error).__name__}: {error}"[:300]
        say(event="error", title="No torch in this environment", message=reason, hint="Install the miner first.")
        return 1
    kind, name, wait, free, total = pick(torch)
    small = kind == "cpu"
    figures, skipped = [], {}
    with torch.inference_mode():
        size = 64 * 2**20 if small else min(2 * 2**30, (free or 8 * 2**30) // 4)
        source = torch.ones(size // 4, dtype=torch.float32, device=kind)
        target = torch.empty_like(source)
        rates, inner = measure(lambda a=source, b=target: b.copy_(a), 2 * size / 1e9, wait)
        figures.append({"name": "copy", "title": "Memory copy", "unit": "GB/s", "samples": rates, "inner": inner})
        del source, target
        side = 1024 if small else 8192
        for kind_of_number in ("float32", "float16", "bfloat16", "int8"):
            say(event="progress", test=kind_of_number)
            try:
                number = getattr(torch, kind_of_number)
                if kind_of_number == "int8":
                    a, b = (torch.randint(-5, 5, (side, side), dtype=number, device=kind) for _ in range(2))
                    rates, inner = measure(lambda a=a, b=b: torch._int_mm(a, b), 2 * side**3 / 1e12, wait)
                else:
                    a, b = (torch.randn(side, side, device=kind).to(number) for _ in range(2))
                    rates, inner = measure(lambda a=a, b=b: a @ b, 2 * side**3 / 1e12, wait)
            except Exception as error:  # noqa: BLE001  # a kind of number that this card or library does not do
                skipped[f"matmul_{kind_of_number}"] = f"{type(error).__name__}: {error}"[:160]
                continue
            unit = "TOP/s" if kind_of_number == "int8" else "TFLOP/s"
            title = f"{kind_of_number} matrix product {side}"
            row = {"name": f"matmul_{kind_of_number}", "title": title, "unit": unit, "samples": rates, "inner": inner}
            figures.append(row)
            say(event="progress", test=title, rate=statistics.median(rates))
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    for key, value in (("cuda", torch.version.cuda), ("hip", getattr(torch.version, "hip", None))):
        if value:
            versions[key] = str(value)
    device = {"uuid": kind, "name": name, "kind": f"torch-{kind}", "memory_total": total, "memory_free": free}
    result = {"device": device, "label": LABEL, "figures": figures, "versions": versions, "skipped": skipped}
    say(event="result", result=result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
