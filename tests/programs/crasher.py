"""Says why on standard error, without a line end, and ends at once: crasher.py [CODE|SIGNAL NAME] [AFTER_S]."""

import os
import signal
import sys
import time

how = sys.argv[1] if len(sys.argv) > 1 else "1"
time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)
sys.stderr.write("Traceback: it broke")
sys.stderr.flush()
if how.isdigit():
    os._exit(int(how))
os.kill(os.getpid(), getattr(signal, how))
