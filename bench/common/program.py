"""Runs nibble, and says on what machine and beside which versions a measurement was made.

NIBBLE names the program; without it, the one that ./lab builds.
"""
import importlib
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NIBBLE = Path(os.environ.get("NIBBLE", ROOT / "build/release/nibble")).resolve()
# Set on machines whose processor old OpenBLAS builds do not know; they make it take slower kernels than its own choice.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# The C library would give a tensor of some MB back to the kernel as soon as it is freed, and ask for it again at the next
# step. Where such pages are dear (some virtual machines) PyTorch's dense training takes three times as long, its EmbeddingBag
# with dense Adam eight times. glibc takes no more than 32 MB as the first of these.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
               "MALLOC_TOP_PAD_": str(256 << 20)}


class Failure(Exception):
    """What cannot be done, in a sentence for the user."""


def environment(threads):
    """This process's environment, for a program that may use so many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in SLOWING}
    count = str(threads)
    return {**kept, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(Path(__file__).resolve().parent)}


def peer_environment(threads):
    """The same for a peer that is measured, with the memory it has had kept for it."""
    return {**environment(threads), **KEEP_MEMORY}


def nibble(*arguments):
    """Runs `nibble arguments...`; what it printed. A Failure with its words if it fails."""
    done = subprocess.run([NIBBLE, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"nibble {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def processor():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return {"cpu": processor(), "processors": len(os.sched_getaffinity(0)),
            "operating_system": f"{system}, Linux {platform.release()}", "nibble": nibble("--version").splitlines(),
            "load_before": os.getloadavg()[0]}


def debian_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False)
    return done.stdout or None


def python_version(module):
    try:
        return importlib.import_module(module).__version__
    except ImportError:
        return None


def describe(facts):
    """machine() in a line, and another where other programs were running."""
    text = f"{facts['cpu']}, {facts['processors']} processors, {facts['operating_system']}; {', '.join(facts['nibble'])}"
    if facts["load_before"] > 0.5:
        text += f"\nOTHER PROGRAMS WERE RUNNING (load {facts['load_before']:.1f} at the start): stop them and measure again"
    return text
