"""Write 64 kB over a file where the system allows 4 kB: argv = file. Prints the error for people."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from ranvier.core.errors import StorageError
from ranvier.core.files import write_atomic

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then the write fails with EFBIG instead of ending us
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 65_536)
except StorageError as error:
    print(error)
