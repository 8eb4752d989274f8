"""`alone.py FIGURES COMMAND…`: run a command, and write what it used as JSON. A script: found from any folder.

It stands between a benchmark and the command because Linux counts the memory of whoever starts a program as that
program's own (`ru_maxrss` keeps what was resident before the exec), and who has made a large estate is large.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    begun = time.perf_counter()
    process = subprocess.Popen(sys.argv[2:])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
    figures = {
        "code": process.returncode,
        "wall": time.perf_counter() - begun,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }
    Path(sys.argv[1]).write_text(json.dumps(figures), encoding="utf-8")
