"""Takes memory until somebody stops it: memory_eater.py [MB]; ends with a MemoryError beyond that many."""

import resource
import sys
import time

most = int(sys.argv[1]) << 20 if len(sys.argv) > 1 else 0
if most:
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
held = []
while True:
    held.append(bytearray(b"x" * (8 << 20)))
    time.sleep(0.005)
