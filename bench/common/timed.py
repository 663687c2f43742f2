"""Runs a command and prints one line of JSON: its seconds, peak memory in bytes, exit code and what it said.

    timed.py COMMAND...

A process of its own because Linux counts the memory of whoever starts a process as that process's peak: this one is small.
"""
import json
import resource
import subprocess
import sys
import time

start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True, errors="replace", check=False)
seconds = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024,
                  "exit_code": done.returncode, "output": done.stdout, "errors": done.stderr[-2000:]}))
