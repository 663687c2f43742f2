"""The same training by nibble, PyTorch, scikit-learn and fastText: time and accuracy over seeds."""
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

import processes
from intervals import difference, mean, median_ratio
from program import nibble
from rows import folder_of, marked_texts
from table import figure, table

# (trainer, threads). nibble's first: the others are held against it.
TEXT_TRAINERS = [("nibble", 1), ("nibble", 2), ("torch-bag-sparse", 1), ("torch-bag", 1), ("torch-bag", 2), ("sklearn", 2),
                 ("fasttext", 1), ("fasttext-pairs", 1), ("torch-dense", 2)]
IMAGE_TRAINERS = [("nibble", 1), ("nibble", 2), ("torch-dense", 1), ("torch-dense", 2)]


# Fashion-MNIST, chosen on validation rows: the reference's 1e-4 is too slow for ten epochs of images. Peers read the
# settings from the checkpoint.
IMAGE_OPTIONS = ["--learning-rate", 1e-3, "--schedule", "cosine", "--dropout", 0.1]


@dataclass
class Setting:
    data: str
    scratch: Path
    epochs: int
    options: list  # of nibble train
    checkpoint: Path = None
    marked: dict = field(default_factory=dict)


def prepare(data, scratch, epochs, options):
    setting = Setting(data, scratch, epochs, options, scratch / "untrained.pt")
    nibble("train", data, *options, "-o", setting.checkpoint, "--epochs", 0, "--quiet")
    if (folder_of(data) / "train.tsv").exists():
        setting.marked = marked_texts(data, scratch)
    return setting


def seeds_of(name, threads, given):
    """How many rounds a trainer takes part in: all, or fewer where a training takes a minute."""
    if not given.data_is_text:
        return given.seeds
    few = {("torch-dense", 2): given.dense_seeds, ("torch-bag", 2): given.dense_seeds, ("sklearn", 2): given.sklearn_seeds}
    return min(given.seeds, few.get((name, threads), given.seeds))


def left_out(name, given):
    return name in given.without or (name.startswith("fasttext") and not shutil.which("fasttext"))


def measure(setting, trainers, given):
    """{(trainer, threads): {seed: figures}}; each round is one seed, everyone in turn."""
    found = {key: {} for key in trainers}
    for place in range(given.seeds):
        for name, threads in trainers:
            if not left_out(name, given) and place < seeds_of(name, threads, given):
                figures = processes.train(name, setting, given.seed + place, threads)
                found[name, threads][given.seed + place] = figures
                print(f"seed {given.seed + place}  {name}, {threads} threads: {figures['seconds']:.2f} s, validation "
                      f"{figures['validation']:.2f}, test {figures['test']:.2f}", file=sys.stderr, flush=True)
    return {key: runs for key, runs in found.items() if runs}


def values(runs, what):
    return [figures[what] for figures in runs.values()]


def with_interval(pair):
    middle, half = pair
    return f"{middle:+.2f}" if half is None else f"{middle:+.2f} ± {half:.2f}"


def accuracy_cells(name, what, runs, ours):
    less = "" if name == "nibble" else with_interval(difference(values(ours, what), values(runs, what)))
    return [f"{mean(values(runs, what)):.2f}", less]


def row(key, runs, ours):
    return [key[0], key[1], len(runs), *[figure(statistics.median(values(runs, what))) for what in ("seconds", "process")],
            figure(median_ratio(runs, ours)), *accuracy_cells(key[0], "validation", runs, ours),
            *accuracy_cells(key[0], "test", runs, ours), figure(max(values(runs, "peak_bytes")) / 2 ** 20)]


def text_of(found):
    ours = found["nibble", 1]
    head = ["Training", "threads", "seeds", "seconds", "whole process", "/ nibble, 1", "validation", "nibble's less it", "test",
            "nibble's less it", "peak MB"]
    return table(head, [row(key, runs, ours) for key, runs in found.items()])


def ratio(found, slow, quick):
    return median_ratio(found.get(slow, {}), found.get(quick, {}))


def verdict(measured, target):
    if measured is None:
        return "not measured"
    return "met" if measured >= target else "not met"


def speed_bars(found):
    """(what, target, measured)"""
    one, two, dense = ("nibble", 1), ("nibble", 2), ("torch-dense", 2)
    return [("1. nibble on one thread beside PyTorch dense on two", 80, ratio(found, dense, one)),
            ("1. nibble on two threads beside PyTorch dense on two", 130, ratio(found, dense, two)),
            ("1. nibble on one thread beside EmbeddingBag with SparseAdam", 5, ratio(found, ("torch-bag-sparse", 1), one)),
            ("1. nibble on two threads beside one", 1.7, ratio(found, one, two))]


def accuracy_bars(found):
    """PyTorch's seeds are those of EmbeddingBag with dense Adam, which is the dense training with the zeros left out."""
    ours, theirs = found["nibble", 1], found.get(("torch-bag", 1), {})
    return [(f"2. {what}: nibble's mean less PyTorch's (dense Adam)", 0,
             difference(values(ours, what), values(theirs, what))[0] if theirs else None) for what in ("validation", "test")]


def image_bars(found):
    ours = found["nibble", 1]
    return [("4. Fashion-MNIST: mean test accuracy", 88.5, mean(values(ours, "test"))),
            *[(f"4. Fashion-MNIST: nibble beside PyTorch, threads: {threads}", 1.0,
               ratio(found, ("torch-dense", threads), ("nibble", threads))) for threads in (1, 2)]]


def bars_text(bars):
    return table(["Bar", "at least", "measured", ""],
                 [[what, figure(target), figure(measured), verdict(measured, target)] for what, target, measured in bars])


def bars_of(found, is_text):
    return speed_bars(found) + accuracy_bars(found) if is_text else image_bars(found)
