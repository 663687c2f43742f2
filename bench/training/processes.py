"""One training as one process, whoever trains: seconds, peak memory, validation and test accuracy."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from program import NIBBLE, Failure, environment, peer_environment

HERE = Path(__file__).resolve().parent
TIMED = HERE.parent / "common/timed.py"


def timed(command, variables):
    """timed.py's figures of a command; it may have failed."""
    done = subprocess.run([sys.executable, "-S", TIMED, *map(str, command)], capture_output=True, text=True, check=True,
                          env=variables)
    return json.loads(done.stdout)


def succeeded(figures, what):
    if figures["exit_code"] != 0:
        raise Failure(f"{what} ended with {figures['exit_code']}: {figures['errors'].strip()}")
    return figures


def nibble_process(options, threads):
    return timed([NIBBLE, "train", *options, "--threads", threads, "--quiet"], environment(threads))


def nibble_seconds(options, output, threads, epochs):
    """(figures, seconds of training): the same process without an epoch reads, prepares and writes as much."""
    figures = nibble_process([*options, "-o", output, "--epochs", epochs], threads)
    if figures["exit_code"] != 0:
        return figures, None
    idle = succeeded(nibble_process([*options, "-o", f"{output}.start.pt", "--epochs", 0], threads), "nibble train")
    os.remove(f"{output}.start.pt")
    return figures, figures["seconds"] - idle["seconds"]


def test_accuracy(model, data, threads):
    answer = succeeded(timed([NIBBLE, "eval", model, data], environment(threads)), "nibble eval")
    return float(re.search(r"Accuracy\s+([\d.]+) %", answer["output"])[1])


def train_nibble(setting, seed, threads):
    import torch  # here, so that the scaling runs do without
    output = setting.scratch / f"nibble-{threads}.pt"
    figures, seconds = nibble_seconds([setting.data, *setting.options, "--seed", seed], output, threads, setting.epochs)
    succeeded(figures, "nibble train")
    checkpoint = torch.load(output)
    return {"seconds": seconds, "process": figures["seconds"], "peak_bytes": figures["peak_bytes"],
            "validation": float(checkpoint["validation_accuracy"]), "epoch": checkpoint["epoch"],
            "test": test_accuracy(output, setting.data, threads)}


def train_other(peer, setting, seed, threads):
    command = ["/usr/bin/python3", HERE / "trainers.py", peer, setting.data, setting.checkpoint, seed, threads, setting.epochs]
    figures = succeeded(timed(command, peer_environment(threads)), peer)
    return {**json.loads(figures["output"].splitlines()[-1]), "process": figures["seconds"], "peak_bytes": figures["peak_bytes"]}


def fasttext_accuracy(model, file, threads):
    answer = succeeded(timed(["fasttext", "test", model, file], peer_environment(threads)), "fasttext test")
    return 100 * float(re.search(r"P@1\s+([\d.]+)", answer["output"])[1])


def train_fasttext(words, setting, seed, threads):
    """fastText's own model; `words` 2 adds pairs of words. Its time is the whole process's.

    Of rates 0.1 and 0.5 and 5, 10 and 25 epochs, 0.5 and fastText's own 5 are best on the validation rows, pairs or not.
    """
    output = setting.scratch / "fasttext"
    figures = succeeded(timed(["fasttext", "supervised", "-input", setting.marked["train"], "-output", output, "-thread", threads,
                               "-seed", seed, "-wordNgrams", words, "-lr", 0.5, "-verbose", 0], peer_environment(threads)), "fasttext")
    return {"seconds": figures["seconds"], "process": figures["seconds"], "peak_bytes": figures["peak_bytes"], "epoch": None,
            "validation": fasttext_accuracy(f"{output}.bin", setting.marked["validation"], threads),
            "test": fasttext_accuracy(f"{output}.bin", setting.marked["test"], threads)}


def train(name, setting, seed, threads):
    if name == "nibble":
        return train_nibble(setting, seed, threads)
    if name.startswith("fasttext"):
        return train_fasttext(2 if name == "fasttext-pairs" else 1, setting, seed, threads)
    return train_other(name, setting, seed, threads)
