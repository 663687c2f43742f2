#!/usr/bin/python3
"""What each quantization costs over several seeds, paired with the same seed's Original; see README.md."""
import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import program
from answers import TestRows, output_error
from pairs import p_value, pairs_text

SETTINGS = {"sst2": [], "fashion-mnist": ["--learning-rate", "1e-3", "--schedule", "cosine", "--dropout", "0.1"]}
NEAREST = ["f16", "bf16", "int8", "fp8", "int4", "nf4", "int3", "int2", "ternary", "1bit", "pq4", "pq8"]
ROUNDED = ["int3", "int2", "1bit", "int3:channel", "int2:channel"]  # importance tells apart only the weights of several inputs
ROUNDINGS = ["importance", "second-order"]
RULES = ["minmax", "percentile", "mse"]
AWARE = ["int2", "ternary", "1bit"]
QUICK = {"train": ["--hidden", "16,8", "--epochs", "3", "--learning-rate", "0.01"], "only": "int2(, (second-order|trained))?"}


class Bench:
    def __init__(self, options, folder):
        self.data, self.folder, self.epochs = options.data, Path(folder), options.epochs
        self.models, self.only = options.models or self.folder, re.compile(options.only)
        self.settings = QUICK["train"] if options.quick else SETTINGS.get(options.data, [])
        self.rows = TestRows(options.data, self.folder)

    def logits(self, model):
        return self.rows.logits(program.nibble("predict", model, self.rows.file, "--logits"))

    def checked(self, model):
        """Original's logits. `nibble eval` reads the test rows by itself: it tells whether predict was given the same."""
        logits = self.logits(model)
        said = re.search(r"Accuracy +([\d.]+)", program.nibble("eval", model, self.data))[1]
        if said != f"{self.rows.accuracy(logits):.2f}":
            raise program.Failure(f"eval is right on {said} % of the test rows, predict on {self.rows.accuracy(logits):.2f} %")
        return logits

    def model(self, seed):
        """Trained anew, unless the folder of models has it."""
        path = self.models / f"{Path(self.data).name}-{seed}.pt"
        if not path.exists():
            program.nibble("train", self.data, "-o", path, "--seed", seed, "--quiet", *self.settings)
        return path

    def figures(self, model, original, seconds):
        logits = self.logits(model)
        return {"accuracy": self.rows.accuracy(logits), "bytes": model.stat().st_size, "seconds": seconds,
                "error": output_error(logits, original), "cross_entropy": self.rows.cross_entropy(logits)}

    def variants(self, model):
        """Figures by name."""
        original = self.checked(model)
        results = {"Original": self.figures(model, original, 0.0)}
        for name, arguments in self.ways():
            if self.only.fullmatch(name):
                output = self.folder / "variant.safetensors"
                start = time.monotonic()
                program.nibble(*arguments(model, output))
                results[name] = self.figures(output, original, time.monotonic() - start)
        return results

    def ways(self):
        def quantize(scheme, *further):
            return lambda model, output: ["quantize", model, "--scheme", scheme, "-o", output, *further]
        yield from ((scheme, quantize(scheme)) for scheme in NEAREST)
        yield from ((scheme, quantize(scheme)) for scheme in ROUNDED if scheme not in NEAREST)
        for scheme in ROUNDED:
            yield f"{scheme}, bias", quantize(scheme, "--bias-correction", "--data", self.data)
            for rounding in ROUNDINGS:
                yield f"{scheme}, {rounding}", quantize(scheme, "--rounding", rounding, "--data", self.data)
        for rule in RULES:
            yield f"int8, static:{rule}", quantize("int8", "--activations", f"static:{rule}", "--data", self.data)
        yield "int8, lean", quantize("int8", "--without-dead-neurons", "--data", self.data)
        for scheme in AWARE:
            yield f"{scheme}, trained", quantize(scheme, "--epochs", self.epochs, "--data", self.data)
        yield "shrink", lambda model, output: ["shrink", model, self.data, "-o", output, "--quiet"]


def print_table(runs):
    print(f"{'':<27}{'accuracy':>9}{'less it':>9}{'s.d.':>7}{'p':>8}{'bytes':>12}{'seconds':>9}")
    for name in runs[0]:
        means = {what: statistics.fmean(run[name][what] for run in runs) for what in runs[0][name]}
        differences = [run[name]["accuracy"] - run["Original"]["accuracy"] for run in runs]
        deviation = statistics.stdev(differences) if len(runs) > 1 else 0.0
        print(f"{name:<27}{means['accuracy']:9.2f}{statistics.fmean(differences):+9.2f}{deviation:7.2f}"
              f"{p_value(differences):8.3f}{means['bytes']:12,.0f}{means['seconds']:9.1f}")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="sst2", help="sst2, fashion-mnist, or a folder with train.tsv and test.tsv")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4, help="of training with rounded weights")
    parser.add_argument("--json", type=Path, help="every figure, into this file")
    parser.add_argument("--models", type=Path, help="a folder that keeps the trained networks for the next time")
    parser.add_argument("--only", default=".*", help="regular expression of the names to measure, as the table has them")
    parser.add_argument("--nibble", default=program.NIBBLE, type=Path)
    parser.add_argument("--quick", action="store_true", help="as small as it gets: shows that it works, measures nothing")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.epochs, options.only = 2, 1, QUICK["only"]
    return options


def measure(options):
    runs = []
    with tempfile.TemporaryDirectory(prefix="nibble-quantization-") as folder:
        bench = Bench(options, folder)
        for seed in range(options.seeds):
            runs.append(bench.variants(bench.model(seed)))
            if options.json:
                options.json.write_text(json.dumps(runs, indent=1), encoding="utf-8")
    return runs


def main():
    options = parsed()
    program.NIBBLE = options.nibble.resolve()
    try:
        print(program.describe(program.machine()))
        runs = measure(options)
    except program.Failure as failure:
        sys.exit(str(failure))
    print_table(runs)
    print("\n" + pairs_text(runs, ROUNDED, ["bias", *ROUNDINGS]))


if __name__ == "__main__":
    main()
