"""Says nothing and stays."""

import time

time.sleep(600)
