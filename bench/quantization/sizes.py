#!/usr/bin/python3
"""How small fastText's compressed models and nibble's become, and how often they are right; see README.md."""
import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(BENCH / "common"), str(BENCH / "training")]

import program
from processes import succeeded, timed
from program import Failure
from rows import marked_texts
from table import table

DIMENSIONS = [100, 10, 2]  # fastText's own, and two that leave less to store: a centroid has 4 bytes for each
CUTOFFS = [256, 1000, 3000]  # 256 centroids are learned from the words: fastText refuses fewer
TUNED_SIZES = ["64K", "232K", "689K"]


@dataclass
class Way:
    """One way to a model: `make` writes it, and gives its path and the seconds it took."""
    name: str
    make: callable
    seeds: int


def fasttext(verb, *arguments, limit=600):
    """Its figures; a Failure also when it runs for more seconds than that: an autotune may, long past its duration."""
    figures = timed(["timeout", limit, "fasttext", verb, *arguments], program.peer_environment(1))
    if figures["exit_code"] == 124:
        raise Failure(f"still running after {limit} s")
    return succeeded(figures, f"fasttext {verb}")


class FastText:
    """The first training's rate is that of bench/training/processes.py. Of rates 0.1 and 0.5 and 1 and 5 epochs, LATER are best
    on the validation rows to go on with after a cutoff, narrowly. fastText's seeds 0 and 1 draw the same numbers, so it gets the
    next one."""
    FIRST = ["-lr", 0.5]
    LATER = ["-lr", 0.1, "-epoch", 5]

    def __init__(self, marked, scratch, duration):
        self.marked, self.output, self.duration = marked, scratch / "fasttext", duration

    def run(self, verb, *options, limit=600):
        common = ["-input", self.marked["train"], "-output", self.output, "-thread", 1, "-verbose", 0]
        return fasttext(verb, *common, *options, limit=limit)["seconds"]

    def whole(self, seed, dimensions):
        seconds = self.run("supervised", "-dim", dimensions, "-seed", seed + 1, *self.FIRST)
        return self.output.with_suffix(".bin"), seconds

    def quantized(self, seed, dimensions, *options):
        _, first = self.whole(seed, dimensions)
        return self.output.with_suffix(".ftz"), first + self.run("quantize", "-qnorm", *options)

    def tuned(self, seed, size):
        return self.output.with_suffix(".ftz"), self.run(
            "supervised", "-seed", seed + 1, "-autotune-validation", self.marked["validation"], "-autotune-modelsize", size,
            "-autotune-duration", self.duration, limit=4 * self.duration)

    def accuracy(self, model, part):
        return share_right(fasttext("predict", model, self.marked[part])["output"], self.marked[part])


def share_right(printed, marked):
    """In points, exactly; `fasttext test` rounds to a tenth. A row without a known word gets no label and counts as wrong."""
    expected = [line.split(" ", 1)[0] for line in marked.read_text(encoding="utf-8").splitlines()]
    return 100 * statistics.fmean(one == other for one, other in zip(printed.split("\n"), expected))


class Nibble:
    def __init__(self, data, marked, scratch):
        self.data, self.marked, self.scratch, self.network = data, marked, scratch, scratch / "network.pt"
        self.texts = {part: self.plain(part) for part in ("validation", "test")}

    def plain(self, part):
        """The texts alone, as `nibble predict` takes them."""
        path = self.scratch / f"{part}-texts.txt"
        lines = self.marked[part].read_text(encoding="utf-8").splitlines()
        path.write_text("".join(line.split(" ", 1)[1] + "\n" for line in lines), encoding="utf-8")
        return path

    def run(self, *arguments):
        return succeeded(timed([program.NIBBLE, *arguments], program.environment(1)), f"nibble {arguments[0]}")

    def whole(self, seed):
        return self.network, self.run("train", self.data, "-o", self.network, "--seed", seed, "--quiet")["seconds"]

    def shrunk(self, seed, *limits):
        _, first = self.whole(seed)
        output = self.scratch / "shrunk.safetensors"
        return output, first + self.run("shrink", self.network, self.data, "-o", output, "--quiet", *limits)["seconds"]

    def accuracy(self, model, part):
        printed = self.run("predict", model, self.texts[part])["output"]
        return share_right("\n".join("__label__" + line.split("\t")[0] for line in printed.splitlines()), self.marked[part])


def fasttext_ways(maker, options):
    for size in DIMENSIONS:
        yield Way(f"fastText {size}", lambda seed, size=size: maker.whole(seed, size), options.seeds)
        yield Way(f"fastText {size}, quantized", lambda seed, size=size: maker.quantized(seed, size), options.seeds)
        for cutoff in CUTOFFS:
            further = ["-cutoff", cutoff, "-retrain", *maker.LATER]
            yield Way(f"fastText {size}, {cutoff} words",
                      lambda seed, size=size, further=further: maker.quantized(seed, size, *further), options.seeds)
    tuned_seeds = min(options.tuned_seeds, options.seeds)
    for limit in TUNED_SIZES:
        yield Way(f"fastText, autotuned to {limit}", lambda seed, limit=limit: maker.tuned(seed, limit), tuned_seeds)


def nibble_ways(maker, options):
    yield Way("nibble f32", maker.whole, options.seeds)
    limits = ["--max-drop", 0.5, "--minutes", options.minutes]
    yield Way("nibble shrink --max-drop 0.5", lambda seed: maker.shrunk(seed, *limits), options.seeds)


def figures_of(way, maker, seed):
    try:
        model, seconds = way.make(seed)
    except Failure as failure:
        return {"refused": str(failure)}
    return {"bytes": model.stat().st_size, "seconds": seconds,
            "validation": maker.accuracy(model, "validation"), "test": maker.accuracy(model, "test")}


def measure(options, scratch):
    """{way: [figures of each seed]}"""
    marked = marked_texts(options.data, scratch)
    makers = [(FastText(marked, scratch, options.duration), fasttext_ways), (Nibble(options.data, marked, scratch), nibble_ways)]
    found = {}
    for seed in range(options.seeds):
        for maker, ways in makers:
            for way in ways(maker, options):
                if seed < way.seeds:
                    found.setdefault(way.name, []).append(figures_of(way, maker, seed))
                    print(seed, way.name, found[way.name][-1], file=sys.stderr, flush=True)
    return found


def refusals(runs):
    """The last line of each, which has the reason."""
    return sorted({run["refused"].strip().splitlines()[-1].strip() for run in runs if "refused" in run})


def row(name, runs):
    """Means over the seeds that gave a model."""
    made = [run for run in runs if "refused" not in run]
    seeds = str(len(runs)) if len(made) == len(runs) else f"{len(made)} of {len(runs)}"
    if not made:
        return [name, seeds, "refused", *[""] * 4]
    means = {what: statistics.fmean(run[what] for run in made) for what in made[0]}
    deviation = f"{statistics.stdev(run['test'] for run in made):.2f}" if len(made) > 1 else ""
    return [name, seeds, f"{means['bytes']:,.0f}", f"{means['validation']:.2f}", f"{means['test']:.2f}", deviation,
            f"{means['seconds']:.1f}"]


def print_found(found):
    print(table(["Model", "seeds", "bytes", "validation", "test", "s.d.", "seconds"], [row(*item) for item in found.items()]))
    for name, runs in found.items():
        for reason in refusals(runs):
            print(f"{name}, refused: {reason}")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="sst2", help="a data set of texts by name, or a folder with train.tsv and test.tsv")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tuned-seeds", type=int, default=3, help="of fastText's autotune, a minute each (default: 3)")
    parser.add_argument("--duration", type=int, default=60, help="seconds of an autotune (default: 60)")
    parser.add_argument("--minutes", type=float, default=2, help="of nibble's search at most (default: 2)")
    parser.add_argument("--json", type=Path, help="every figure, into this file")
    parser.add_argument("--nibble", default=program.NIBBLE, type=Path)
    parser.add_argument("--quick", action="store_true", help="as small as it gets: shows that it works, measures nothing")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.tuned_seeds, options.minutes = 1, 0, 0.02
    return options


def main():
    options = parsed()
    program.NIBBLE = options.nibble.resolve()
    try:
        print(program.describe(program.machine()) + f"; fastText {program.debian_version('fasttext')}")
        with tempfile.TemporaryDirectory(prefix="nibble-sizes-") as folder:
            found = measure(options, Path(folder))
    except Failure as failure:
        sys.exit(str(failure))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print_found(found)


if __name__ == "__main__":
    main()
