#!/usr/bin/python3
"""What each quantization costs over several seeds, paired with the same seed's Original; see README.md."""
import argparse
import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"sst2": [], "fashion-mnist": ["--learning-rate", "1e-3", "--schedule", "cosine", "--dropout", "0.1"]}
NEAREST = ["f16", "bf16", "int8", "fp8", "int4", "nf4", "int3", "int2", "ternary", "1bit", "pq4", "pq8"]
ROUNDED = ["int3", "int2", "1bit", "int3:channel", "int2:channel"]  # importance tells apart only the weights of several inputs
ROUNDINGS = ["importance", "second-order"]
RULES = ["minmax", "percentile", "mse"]
AWARE = ["int2", "ternary", "1bit"]


class Bench:
    def __init__(self, options, folder):
        self.nibble, self.data, self.folder, self.epochs = options.nibble, options.data, Path(folder), options.epochs
        self.models, self.only = options.models or self.folder, re.compile(options.only)

    def run(self, *arguments):
        done = subprocess.run([self.nibble, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"nibble {' '.join(map(str, arguments))}\n{done.stderr}")
        return done.stdout

    def accuracy(self, model):
        return float(re.search(r"Accuracy\s+([\d.]+)", self.run("eval", model, self.data))[1])

    def model(self, seed):
        """Trained anew, unless the folder of models has it."""
        path = self.models / f"{self.data}-{seed}.pt"
        if not path.exists():
            self.run("train", self.data, "-o", path, "--seed", seed, "--quiet", *SETTINGS[self.data])
        return path

    def variants(self, model):
        """Accuracy, bytes and seconds by name."""
        results = {"Original": (self.accuracy(model), model.stat().st_size, 0.0)}
        for name, arguments in self.ways():
            if not self.only.fullmatch(name):
                continue
            output = self.folder / "variant.safetensors"
            start = time.monotonic()
            self.run(*arguments(model, output))
            results[name] = (self.accuracy(output), output.stat().st_size, time.monotonic() - start)
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


def p_value(differences):
    """Of the paired t test; 1 when nothing differs."""
    if len(differences) < 2 or len(set(differences)) == 1:
        return 1.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def print_table(runs):
    print(f"{'':<22}{'accuracy':>9}{'less it':>9}{'s.d.':>7}{'p':>8}{'bytes':>12}{'seconds':>9}")
    for name in runs[0]:
        values = [run[name] for run in runs]
        differences = [run[name][0] - run["Original"][0] for run in runs]
        deviation = statistics.stdev(differences) if len(runs) > 1 else 0.0
        print(f"{name:<22}{statistics.mean(v[0] for v in values):9.2f}{statistics.mean(differences):+9.2f}{deviation:7.2f}"
              f"{p_value(differences):8.3f}{statistics.mean(v[1] for v in values):12,.0f}"
              f"{statistics.mean(v[2] for v in values):9.1f}")


def print_pairs(runs):
    for scheme in ROUNDED:
        for way in ["bias", *ROUNDINGS]:
            if scheme in runs[0] and f"{scheme}, {way}" in runs[0]:
                differences = [run[f"{scheme}, {way}"][0] - run[scheme][0] for run in runs]
                print(f"{scheme}: {way} less nearest {statistics.mean(differences):+.2f} points, p {p_value(differences):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="sst2", choices=SETTINGS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4, help="of training with rounded weights")
    parser.add_argument("--json", type=Path, help="every figure, into this file")
    parser.add_argument("--models", type=Path, help="a folder that keeps the trained networks for the next time")
    parser.add_argument("--only", default=".*", help="regular expression of the names to measure, as the table has them")
    parser.add_argument("--nibble", default=ROOT / "build/release/nibble", type=Path)
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory(prefix="nibble-quantization-") as folder:
        bench = Bench(options, folder)
        for seed in range(options.seeds):
            runs.append(bench.variants(bench.model(seed)))
            if options.json:
                options.json.write_text(json.dumps(runs, indent=1))
    print_table(runs)
    print_pairs(runs)


if __name__ == "__main__":
    main()
