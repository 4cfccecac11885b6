"""Write one file again and again until killed: argv = file. Each content is one byte value repeated."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from ranvier.core.files import write_atomic

SIZE = 200_000

for number in itertools.count():
    write_atomic(Path(sys.argv[1]), bytes([number % 256]) * SIZE)
    if number == 2:
        print("writing", flush=True)
