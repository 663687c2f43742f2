#!/usr/bin/python3
"""Measures the same trained network, single layers and text to label in nibble and its peers: README.md."""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

try:
    import torch
    from rows import layers_of, test_part, write_rows
except ImportError as missing:
    sys.exit(f"bench/peers needs python3-torch, python3-sklearn and python3-numpy of Debian, run by /usr/bin/python3: {missing}")

import bars
import layers
import networks
import texts
from program import NIBBLE, Failure, debian_version, describe, machine, nibble, python_version
from table import figure, table

PEERS = ("torch", "onnx", "onednn", "fasttext")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: bench/peers/run --rounds 7 --json peers.json")
    parser.add_argument("--data", help="sst2, fashion-mnist, or a folder with train.tsv and test.tsv (default: sst2 where it is to be had)")
    parser.add_argument("--rounds", type=int, default=5, help="alternations; medians are over them (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.1, help="how long each figure is measured (default: 0.1)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--without", default="", help=f"peers to leave out, with commas: {', '.join(PEERS)}")
    parser.add_argument("--modules", help="the folder whose node_modules holds onnxruntime-node")
    parser.add_argument("--layers", help="the program layer_peers (bench/peers/run builds it)")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it works, measures nothing")
    given = parser.parse_args()
    given.threads = sorted({int(count) for count in given.threads.split(",")})
    given.without = set(filter(None, given.without.split(",")))
    if given.quick:
        given.rounds, given.seconds = 1, 0.01
    return given


def leave_out_missing(given):
    """Peers that are not on this machine are left out, each with a sentence."""
    present = {"onnx": given.modules and shutil.which("node") and python_version("onnx"),
               "onednn": given.layers and os.access(given.layers, os.X_OK), "fasttext": shutil.which("fasttext")}
    for peer, found in present.items():
        if not found and peer not in given.without:
            print(f"{peer} is left out: it is not on this machine (bench/peers/run installs it)", file=sys.stderr)
            given.without.add(peer)


def default_data():
    try:
        nibble("data", "get", "sst2")
        return "sst2"
    except Failure:
        print("sst2 is not to be had here, so this run uses fashion-mnist", file=sys.stderr)
        return "fashion-mnist"


def onnxruntime_version(modules):
    package = Path(modules or "") / "node_modules/onnxruntime-node/package.json"
    return json.loads(package.read_text(encoding="utf-8"))["version"] if package.exists() else None


def versions(given):
    return {"PyTorch": torch.__version__, "PyTorch's quantized engine": torch.backends.quantized.engine,
            "ONNX Runtime": onnxruntime_version(given.modules), "oneDNN": debian_version("libdnnl2"),
            "OpenBLAS": debian_version("libopenblas0-pthread"), "fastText": debian_version("fasttext")}


class Run:
    """What is made once, and a round's figures on demand."""

    def __init__(self, given, scratch):
        self.given = given
        self.data = given.data or default_data()
        self.models = networks.train(self.data, scratch, 2 if given.quick else 10)
        checkpoint = torch.load(self.models["f32"])
        part = test_part(self.data, checkpoint)
        self.input = "dense" if part.texts is None else "sparse"
        write_rows(part.rows, scratch)
        if "onnx" not in given.without:
            from onnx_models import write_networks  # not every machine has python3-onnx
            write_networks(scratch, layers_of(checkpoint))
        self.workers = networks.start_workers(given.threads, given.without, self.models["f32"], scratch,
                                              given.modules, part.rows.shape[1])
        self.agreement = networks.agreements(self.models, part, checkpoint["labels"], self.workers, scratch)
        self.batches = layers.BATCHES[::5] if given.quick else layers.BATCHES
        with_texts = part.texts is not None and "fasttext" not in given.without
        self.texts = texts.prepare(self.data, scratch) if with_texts else None

    def round(self):
        given = self.given
        times, reports = networks.measure(self.models, self.data, self.workers, given.threads, given.seconds, self.input)
        found = {"networks": times, "reports": reports, "input": self.input, "layers": {}, "texts": {}, "lines": 0}
        if "onednn" not in given.without:
            found["layers"] = layers.measure(given.layers, layers.cases(given.threads, self.batches), given.seconds)
        if self.texts:
            found["texts"] = texts.measure(self.texts, self.models, given.threads)
            found["lines"] = self.texts.count
        return found


def medians(rounds, section):
    """Median over the rounds of every figure."""
    return {key: statistics.median(one[section][key] for one in rounds) for key in rounds[0][section]}


def network_table(rounds):
    times = medians(rounds, "networks")
    rows = []
    for peer, form, batch, threads in times:
        if batch == 1:
            cells = [figure(times.get((peer, form, size, threads))) for size in networks.BATCHES]
            ratios = [times.get((peer, form, size, threads), None) for size in networks.BATCHES]
            int8 = [times.get(("nibble", "int8", size, threads)) for size in networks.BATCHES]
            rows.append([f"{peer} {form}", threads, *cells,
                         *[figure(ratio / ours if ratio and ours else None) for ratio, ours in zip(ratios, int8)]])
    head = [f"batch {size}" for size in networks.BATCHES]
    return table(["Network, microseconds a call", "threads", *head, *[f"/ int8, {size}" for size in networks.BATCHES]], rows)


def layer_table(rounds):
    times = medians(rounds, "layers")
    rows = []
    for library, kind, count, inputs, outputs, threads in times:
        us = times[library, kind, count, inputs, outputs, threads] / 1e3
        ours = times["nibble", kind, count, inputs, outputs, threads] / 1e3
        rate = 2e-3 * count * inputs * outputs / us
        rows.append([f"{count} x {inputs} x {outputs} {kind} {library}", threads, figure(us), figure(rate), figure(us / ours)])
    return table(["Layer: rows x inputs x outputs", "threads", "us", "GOP/s", "/ nibble"], rows)


def text_table(rounds):
    whole = {key: statistics.median(one["texts"][key][0] for one in rounds) for key in rounds[0]["texts"]}
    start = {key: statistics.median(one["texts"][key][1] for one in rounds) for key in rounds[0]["texts"]}
    lines = rounds[0]["lines"]
    rows = [[" ".join(filter(None, key[:2])), key[2], figure(1e3 * whole[key]), figure(1e3 * start[key]),
             figure(lines / whole[key] / 1e6), figure((lines - 1) / (whole[key] - start[key]) / 1e6)] for key in whole]
    return table([f"Text to label, {lines:,} lines", "threads", "ms", "ms, one line", "M lines/s", "M lines/s inside"], rows)


def bar_table(all_bars):
    unit = lambda bar, value: "–" if value is None else f"{figure(value)} {bar.unit}"
    rows = [[f"{bar.number}. {bar.what}", unit(bar, bar.target), unit(bar, bar.measured), bar.verdict] for bar in all_bars]
    return table(["Bar", "at least", "measured", ""], rows)


def noise_remark(rounds):
    noisy = sum(report["noise"]["noisy"] for one in rounds for report in one["reports"].values())
    count = sum(len(one["reports"]) for one in rounds)
    return f"NOISY MACHINE in {noisy} of {count} runs of nibble bench: stop other programs and measure again" if noisy else ""


def show(run, rounds, facts, all_bars):
    print(describe(facts))
    print(", ".join(f"{name} {version}" for name, version in versions(run.given).items() if version))
    print(f"{run.data}; medians of {len(rounds)} rounds, {run.given.seconds} s for each figure\n")
    tables = [network_table(rounds), layer_table(rounds) if rounds[0]["layers"] else "",
              text_table(rounds) if rounds[0]["texts"] else "", bar_table(all_bars), noise_remark(rounds)]
    print("\n\n".join(filter(None, tables)))


def keyed(figures):
    """Keys that JSON can hold."""
    return {" ".join(map(str, key)): value for key, value in figures.items()}


def write_json(path, run, rounds, facts, all_bars):
    plain = [{**one, **{section: keyed(one[section]) for section in ("networks", "layers", "texts")}} for one in rounds]
    content = {"machine": facts, "versions": versions(run.given), "data": run.data, "agreement": keyed(run.agreement),
               "settings": {"rounds": len(rounds), "seconds": run.given.seconds, "threads": run.given.threads},
               "bars": [{**vars(bar), "verdict": bar.verdict} for bar in all_bars], "rounds": plain}
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def measure(given, scratch):
    facts = machine()
    run = Run(given, scratch)
    rounds = []
    for count in range(given.rounds):
        start = time.perf_counter()
        rounds.append(run.round())
        print(f"round {count + 1} of {given.rounds}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    all_bars = bars.all_bars(rounds, run.batches)
    show(run, rounds, facts, all_bars)
    if given.json:
        write_json(given.json, run, rounds, facts, all_bars)


def main():
    given = arguments()
    leave_out_missing(given)
    if not NIBBLE.exists():
        sys.exit(f"{NIBBLE} is not there; bench/peers/run builds it")
    try:
        with tempfile.TemporaryDirectory(prefix="nibble-peers-") as scratch:
            measure(given, Path(scratch))
    except Failure as failure:
        sys.exit(f"bench/peers: {failure}")


if __name__ == "__main__":
    main()
