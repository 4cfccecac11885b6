"""Prints numbered lines on both streams: talker.py [LINES|-1] [PAUSE_S] [PAD]; ends with code 0 after the last."""

import sys
import time

lines = int(sys.argv[1]) if len(sys.argv) > 1 else -1
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
pad = "x" * (int(sys.argv[3]) if len(sys.argv) > 3 else 0)
number = 0
while number != lines:
    stream = sys.stderr if number % 10 == 9 else sys.stdout
    print(f"line {number} {pad}", file=stream, flush=True)
    number += 1
    if pause:
        time.sleep(pause)
