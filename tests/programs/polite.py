"""Takes half a second to end when it is asked to by SIGINT, and says so; dies of anything else."""

import signal
import sys
import time


def end(_number: int, _frame: object) -> None:
    print("saving", flush=True)
    time.sleep(0.5)
    print("saved", flush=True)
    sys.exit(0)


signal.signal(signal.SIGINT, end)
print("ready", flush=True)
while True:
    time.sleep(1)
