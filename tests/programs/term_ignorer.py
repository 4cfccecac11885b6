"""Ignores every polite request."""

import signal
import time

for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
print("ignoring", flush=True)
while True:
    time.sleep(1)
