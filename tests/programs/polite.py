"""Takes half a second to end when it is asked to by SIGINT, and says so; dies of anything else."""

import os
import signal
import sys
import time


def end(_number: int, _frame: object) -> None:
    os.write(1, b"saving\n")  # it may come inside the print below, where a second one is refused
    time.sleep(0.5)
    os.write(1, b"saved\n")
    sys.exit(0)


signal.signal(signal.SIGINT, end)
print("ready", flush=True)
while True:
    time.sleep(1)
