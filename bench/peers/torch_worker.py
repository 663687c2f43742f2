"""Answers for PyTorch (worker.py): {"form", "batch", "seconds"} with {"us"}, {"form", "labels"} with {"labels"}.

    torch_worker.py CHECKPOINT FOLDER THREADS     FOLDER holds the rows that rows.write_rows left there
"""
import json
import statistics
import sys
import time
from pathlib import Path

import torch

from rows import layers_of, read_rows
from torch_models import forms

ROTATED = 64  # calls with different rows: dense ones still stay in a cache, as rows just made would


def calls_of(network, make_input, rows, batch):
    """Functions of which each answers one batch, input ready."""
    count = max(1, min(ROTATED, rows.shape[0] // batch))
    inputs = [make_input(rows[first * batch:(first + 1) * batch]) for first in range(count)]
    return [lambda given=given: network(*given) for given in inputs]


def median_us(calls, seconds):
    for call in calls[:3]:
        call()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        call = calls[len(times) % len(calls)]
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def labels_of(network, make_input, rows):
    parts = [rows[first:first + 256] for first in range(0, rows.shape[0], 256)]
    return torch.cat([network(*make_input(part)).argmax(1) for part in parts]).tolist()


def answer(question, networks, rows):
    if "form" not in question:
        return {"forms": list(networks)}
    network, make_input = networks[question["form"]]
    if question.get("labels"):
        return {"labels": labels_of(network, make_input, rows)}
    return {"us": median_us(calls_of(network, make_input, rows, question["batch"]), question["seconds"])}


def main(checkpoint, folder, threads):
    torch.set_num_threads(int(threads))
    layers = layers_of(torch.load(checkpoint))
    rows = read_rows(Path(folder), layers[0][0].shape[1])
    networks = {name: (make(layers).eval(), make_input) for name, (make, make_input) in forms(rows).items()}
    with torch.inference_mode():
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line), networks, rows)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
