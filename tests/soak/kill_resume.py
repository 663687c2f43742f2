#!/usr/bin/python3
"""Kills a training at random moments and resumes it, again and again, until it has been killed often enough and ends.
Each time the checkpoint, if there is one, must load; at the end its bytes must be those of an undisturbed training.

    NIBBLE=build/release/nibble tests/soak/kill_resume.py --kills 50 [--data sst2] [--seed 1] [-- options of nibble train]

Ends with 0 when all was well. tests/resume_test.py does the same in small.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from program import NIBBLE  # noqa: E402


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".partial"))


def run_killed(command, seconds):
    """Starts a training and kills it after so many seconds; whether it was killed before its end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            _, problem = running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.communicate()
            return True
    if running.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {running.returncode}: {problem.decode()}")
    return False


def kill_and_resume(folder, arguments, kills, seed, report=lambda line: None):
    """Trains with these arguments, undisturbed and killed `kills` times; returns how often there was something to resume.

    A training that ends before the kill is begun anew, so that every kill is one of a training under way.
    """
    draw = random.Random(seed)
    whole, parts = folder / "whole" / "checkpoint.pt", folder / "parts" / "checkpoint.pt"
    for path in (whole, parts):
        path.parent.mkdir(parents=True)
    train = [NIBBLE, "train", *arguments, "--checkpoint-every", "1", "--quiet"]
    begun = time.monotonic()
    if run_killed([*train, "-o", whole], None):
        raise AssertionError("nobody killed this one")
    duration = time.monotonic() - begun
    expected = whole.read_bytes()
    resumed = killed = ended = 0
    while True:
        going_on = parts.exists()
        command = [*train, "-o", parts, *(["--resume", parts] if going_on else [])]
        was_killed = run_killed(command, draw.uniform(0, 0.7 * duration) if killed < kills else None)
        resumed += going_on
        killed += was_killed
        if was_killed:
            if parts.exists():
                subprocess.run([NIBBLE, "inspect", parts], check=True, capture_output=True)
            report(f"kill {killed}: {'resumed' if going_on else 'begun anew'}, "
                   f"{'a checkpoint stands' if parts.exists() else 'no checkpoint yet'}")
            # Killed between its last write and its end, there is nothing left to resume.
            if parts.exists() and parts.read_bytes() == expected:
                ended += 1
                parts.unlink()
            continue
        ended += 1
        if parts.read_bytes() != expected:
            raise AssertionError(f"after {killed} kills (seed {seed}) the bytes differ: {whole} and {parts}")
        if killed >= kills:
            report(f"{killed} kills, {resumed} resumptions, {ended} trainings ended, each with the bytes of the undisturbed "
                   f"one ({duration:.1f} s); files left by killed writers: {len(leftovers(parts.parent))}")
            return resumed
        parts.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--data", default="sst2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*", help="further options of nibble train, after --")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nibble-soak-") as scratch:
        kill_and_resume(Path(scratch), [given.data, *given.options], given.kills, given.seed,
                        lambda line: print(line, flush=True))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main()
