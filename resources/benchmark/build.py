"""Makes the PTX files from ``kernels.cu``. Needs nvcc of CUDA 12 or 13; users never run this.

The PTX version that the compiler writes is lowered to the first one that knows the instructions used, so that drivers
older than the compiler accept the files; ``ptxas`` then proves for each listed card generation that it still assembles.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# PTX file: virtual architecture, PTX version, card generations that must assemble it.
TARGETS = {
    "kernels_75.ptx": ("compute_75", "6.5", ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90")),
    "kernels_80.ptx": ("compute_80", "7.0", ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")),
}


def main() -> int:
    for name, (architecture, version, cards) in TARGETS.items():
        target = HERE / name
        subprocess.run(["nvcc", f"-arch={architecture}", "-O3", "-ptx", HERE / "kernels.cu", "-o", target], check=True)
        text, changed = re.subn(r"(?m)^\.version .*$", f".version {version}", target.read_text("ascii"))
        if changed != 1:
            sys.exit(f"{name}: no single .version line")
        text = "\n".join(line for line in text.splitlines() if not line.startswith("//")).strip() + "\n"
        target.write_text(text, "ascii")
        for card in cards:
            subprocess.run(["ptxas", f"-arch={card}", target, "-o", "/dev/null"], check=True)
        sys.stdout.write(f"{name}: PTX {version}, assembles for {', '.join(cards)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
