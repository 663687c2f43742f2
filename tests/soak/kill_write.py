#!/usr/bin/python3
"""Kills nibble with SIGKILL at random moments of every kind of write, and lets the disk be full at every 16th of the file.
Each time the old file must be whole, or the new one in its place, and after the next write no temporary file may be left.

    NIBBLE=build/release/nibble tests/soak/kill_write.py [--kills 200] [--seed 1]

tests/kill_write_test.py does the same in small.
"""
import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from program import NIBBLE, text_rows  # noqa: E402


def writes(folder, hidden):
    """(what, the file, the command that writes it) for every kind of write; the command can be run again and again."""
    data, model = folder / "rows.tsv", folder / "model.pt"
    data.write_text(text_rows(400))
    subprocess.run([NIBBLE, "train", data, "-o", model, "--epochs", "1", "--quiet", "--hidden", hidden], check=True)
    int8 = folder / "model-int8.safetensors"
    subprocess.run([NIBBLE, "quantize", model, "--scheme", "int8", "-o", int8], check=True, stdout=subprocess.DEVNULL)
    train = [NIBBLE, "train", data, "--epochs", "1", "--quiet", "--hidden", hidden, "-o"]
    for what, name, command in (
            ("train", "trained.pt", train),
            ("train, with its state", "resumable.pt", [*train[:-1], "--keep-state", "-o"]),
            ("quantize", "small.safetensors", [NIBBLE, "quantize", model, "--scheme", "int4", "-o"]),
            ("quantize for PyTorch", "small.pt", [NIBBLE, "quantize", model, "--scheme", "int8-torch", "-o"]),
            ("convert to ONNX", "model.onnx", [NIBBLE, "convert", int8, "-o"]),
            ("convert to C", "model.h", [NIBBLE, "convert", int8, "--max-header", "100000000", "-o"]),
            ("convert to safetensors", "again.safetensors", [NIBBLE, "convert", model, "-o"])):
        yield what, folder / name, [*command, folder / name]


def run(command, **options):
    return subprocess.run(command, check=False, capture_output=True, **options)


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith(".partial")]


def require(holds, *what):
    if not holds:
        raise AssertionError(" ".join(map(str, what)))


def killed_at(command, seconds):
    """Whether the program was still running after so many seconds and was killed."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            running.wait(timeout=seconds)
            return False
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
            return True


def kill_again_and_again(path, command, kills, draw):
    """Kills this many times; the same command gives the same bytes, so that both old and new are known. Gives how many temporary
    files the kills left, all of which the next write removed."""
    begun = time.monotonic()
    done = run(command)
    duration = time.monotonic() - begun
    require(done.returncode == 0, command, done.stderr)
    new, old = path.read_bytes(), b"the old file, which is not a model"
    left = killed = 0
    while killed < kills:
        path.write_bytes(old)
        if killed_at(command, draw.uniform(0, duration)):
            killed += 1
        left += len(leftovers(path.parent))
        # A training writes more than once, and with its state how long it took: then it must be a whole model.
        whole = path.read_bytes() in (old, new) or run([NIBBLE, "inspect", path]).returncode == 0
        require(whole, path, "is neither the old file nor the new one")
    done = run(command)
    require(done.returncode == 0 and len(path.read_bytes()) == len(new), path, "cannot be written after a kill", done.stderr)
    require(not leftovers(path.parent), "left behind:", leftovers(path.parent))
    return left


def fill_the_disk(path, command, parts):
    """The file may grow to each 16th of its size only (RLIMIT_FSIZE, which ends a write as a full disk does)."""
    new, old = path.read_bytes(), b"the old file, which is not a model"
    for part in range(parts):
        most = len(new) * part // parts

        def limited(most=most):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        path.write_bytes(old)
        done = run(command, preexec_fn=limited)
        require(done.returncode == 2 and b"cannot" in done.stderr, path, part, done.returncode, done.stderr)
        require(path.read_bytes() == old, path, "changed on a full disk")
        require(not leftovers(path.parent), "left behind:", leftovers(path.parent))


def soak(folder, kills, seed, hidden, report=lambda line: None):
    draw = random.Random(seed)
    for what, path, command in writes(folder, hidden):
        left = kill_again_and_again(path, command, kills, draw)
        fill_the_disk(path, command, 16)
        report(f"{what}: {kills} kills and 16 full disks, the old file or the new one each time; {left} temporary files were "
               "left by kills, none after the next write")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nibble-soak-") as scratch:
        soak(Path(scratch), given.kills, given.seed, "512,256,128,64", lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
