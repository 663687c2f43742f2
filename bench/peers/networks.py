"""The whole trained network in nibble, PyTorch and ONNX Runtime."""
import json
import tempfile
from pathlib import Path

import numpy as np

from program import Failure, nibble
from worker import Worker

SCHEMES = ("f32", "int8", "int4", "f16", "bf16")
BATCHES = (1, 32, 256)
HERE = Path(__file__).resolve().parent
# The share of test rows that must get the label that nibble's Original gives them, by bits. Four bits flip 0.5 % on SST-2;
# with ten labels to choose from, PyTorch's eight flip 0.3 % and nibble's four 1 %.
AGREEMENT = {"two labels": (0.998, 0.99), "more": (0.99, 0.97)}


def train(data, folder, epochs):
    """nibble's model file for each scheme; the float32 one is the checkpoint."""
    models = {"f32": folder / "checkpoint.pt"}
    nibble("train", data, "-o", models["f32"], "--epochs", epochs, "--quiet")
    for scheme in SCHEMES[1:]:
        models[scheme] = folder / f"{scheme}.safetensors"
        nibble("quantize", models["f32"], "--scheme", scheme, "-o", models[scheme])
    return models


def write_inputs(part, folder):
    """The test rows as `nibble predict` reads them."""
    if part.texts is not None:
        path = folder / "inputs.txt"
        path.write_text("".join(f"{text}\n" for text in part.texts), encoding="utf-8")
    else:
        path = folder / "inputs.npy"
        np.save(path, np.rint(255 * part.rows.toarray()))  # the model itself divides by 255
    return path


def nibble_labels(model, inputs, names):
    return np.array([names.index(line.split("\t")[0]) for line in nibble("predict", model, inputs).splitlines()])


def start_workers(threads, without, checkpoint, folder, modules, columns):
    """{(peer, threads): Worker}"""
    workers = {}
    for count in threads:
        if "torch" not in without:
            command = ["/usr/bin/python3", HERE / "torch_worker.py", checkpoint, folder, count]
            workers["torch", count] = Worker(command, count)
        if "onnx" not in without:
            workers["onnx", count] = Worker(["node", HERE / "onnx_worker.mjs", modules, folder, count, columns], count)
    return workers


def check_labels(name, form, found, original):
    share = float(np.mean(np.asarray(found) == original))
    wanted = AGREEMENT["two labels" if original.max() < 2 else "more"][form == "int4"]
    if share < wanted:
        raise Failure(f"{name} {form} agrees with nibble's Original on {100 * share:.2f} % of the test rows, "
                      f"less than the {100 * wanted:.1f} % that make its time worth comparing")
    return share


def agreements(models, part, names, workers, folder):
    """{(peer, form, threads): share of rows labelled as Original labels them}; a Failure if too low."""
    inputs = write_inputs(part, folder)
    original = nibble_labels(models["f32"], inputs, names)
    shares = {("nibble", scheme, 0): check_labels("nibble", scheme, nibble_labels(model, inputs, names), original)
              for scheme, model in models.items()}
    for (peer, threads), worker in workers.items():
        for form in worker.ask({})["forms"]:
            if form != "empty":
                found = worker.ask({"form": form, "labels": True})["labels"]
                shares[peer, form, threads] = check_labels(peer, form, found, original)
    return shares


def bench(model, data, threads, seconds):
    """`nibble bench`'s report on one model."""
    with tempfile.TemporaryDirectory(prefix="nibble-peers-") as scratch:
        path = Path(scratch) / "bench.json"
        nibble("bench", model, "--data", data, "--batches", ",".join(map(str, BATCHES)), "--layer-batches", "none",
               "--threads", max(threads), "--seconds", seconds, "--json", path, "--quiet")
        return json.loads(path.read_text(encoding="utf-8"))


def peer_times(workers, seconds):
    """{(peer, form, batch, threads): microseconds of a call}"""
    times = {}
    for (peer, threads), worker in workers.items():
        for form in worker.ask({})["forms"]:
            for batch in (1,) if form == "empty" else BATCHES:
                times[peer, form, batch, threads] = worker.ask({"form": form, "batch": batch, "seconds": seconds})["us"]
    return times


def nibble_times(report, scheme, input_kind):
    return {("nibble", scheme, run["batch"], run["threads"]): run["median_us"]
            for run in report["runs"] if run["input"] == input_kind}


def measure(models, data, workers, threads, seconds, input_kind):
    """One round: (times as in peer_times, nibble's reports by scheme), one program after the other."""
    reports = {}
    times = {}
    for scheme, model in models.items():
        reports[scheme] = bench(model, data, threads, seconds)
        times.update(nibble_times(reports[scheme], scheme, input_kind))
    times.update(peer_times(workers, seconds))
    return times, reports
