#!/usr/bin/python3
"""Measures training in nibble and its peers: README.md."""
import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

try:
    import compare
    import scaling
except ImportError as missing:
    sys.exit(f"bench/training needs python3-sklearn and python3-numpy of Debian, run by /usr/bin/python3: {missing}")

from program import NIBBLE, Failure, debian_version, describe, machine, nibble

PACKAGES = ("python3-torch", "python3-sklearn", "libopenblas0-pthread", "fasttext")


def numbers(text):
    return [int(part) for part in text.split(",")]


def names(text):
    return [part for part in text.split(",") if part]


def add_common(verb):
    verb.add_argument("--json", help="write all figures to this file")
    verb.add_argument("--quick", action="store_true", help="as small as it gets: shows that it works, measures nothing")
    verb.add_argument("--data", help="a data set by name, or a folder (default: sst2, for images fashion-mnist)")
    verb.add_argument("--epochs", type=int, default=10, help="default: 10")


def add_compare(verbs, name, about, seeds):
    verb = verbs.add_parser(name, help=about, description=about)
    add_common(verb)
    verb.add_argument("--seeds", type=int, default=seeds, help=f"trainings of each kind (default: {seeds})")
    verb.add_argument("--seed", type=int, default=0, help="the first one (default: 0)")
    verb.add_argument("--dense-seeds", type=int, default=1, help="of PyTorch dense, and of its EmbeddingBag on two threads (default: 1)")
    verb.add_argument("--sklearn-seeds", type=int, default=1, help="of scikit-learn (default: 1)")
    verb.add_argument("--without", type=names, default=[], help="trainers to leave out, with commas: torch-dense, torch-bag, "
                      "torch-bag-sparse, sklearn, fasttext, fasttext-pairs")


def add_scaling(verbs):
    about = "How nibble's time and memory grow with rows, vocabulary and hidden size."
    verb = verbs.add_parser("scaling", help=about, description=about)
    add_common(verb)
    verb.add_argument("--what", type=names, default=list(scaling.MODES), help="default: rows,vocabulary,hidden")
    verb.add_argument("--rows", type=numbers, default=[10_000, 100_000, 1_000_000, 10_000_000], help="default: 10 k to 10 M")
    verb.add_argument("--seen", type=int, default=200_000, help="rows seen at least: few rows are gone through several times, "
                      "or starting up would be all there is (default: 200 k)")
    verb.add_argument("--vocabulary", type=numbers, default=[1_000, 10_000, 100_000, 1_000_000], help="default: 1 k to 1 M")
    verb.add_argument("--vocabulary-rows", type=int, default=1_000_000, help="made-up rows for each vocabulary (default: 1 M)")
    verb.add_argument("--hidden", type=numbers, default=[128, 256, 512, 1024, 2048], help="sizes of the first hidden layer")
    verb.add_argument("--threads", type=int, default=1, help="default: 1")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: bench/training/run compare --seeds 10 --json out.json")
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_compare(verbs, "compare", "Time and accuracy on SST-2 beside PyTorch, scikit-learn and fastText.", 10)
    add_compare(verbs, "images", "Time and accuracy on Fashion-MNIST beside PyTorch.", 3)
    add_scaling(verbs)
    return make_quick(parser.parse_args())


def make_quick(given):
    if given.quick:
        given.epochs, given.seeds, given.seen = 1, 1, 2_000
        given.rows, given.vocabulary, given.vocabulary_rows, given.hidden = [1_000, 2_000], [100, 200], 1_000, [64, 128]
    given.data = given.data or ("fashion-mnist" if given.verb == "images" else "sst2")
    given.data_is_text = given.verb != "images"
    return given


def run_compare(given, scratch):
    setting = compare.prepare(given.data, scratch, given.epochs, [] if given.data_is_text else compare.IMAGE_OPTIONS)
    found = compare.measure(setting, compare.TEXT_TRAINERS if given.data_is_text else compare.IMAGE_TRAINERS, given)
    bars = compare.bars_of(found, given.data_is_text)
    print(f"{given.data}, {given.epochs} epochs, medians and means over seeds\n")
    print(compare.text_of(found), compare.bars_text(bars), sep="\n\n")
    runs = [{"trainer": name, "threads": threads, "seed": seed, **figures}
            for (name, threads), seeds in found.items() for seed, figures in seeds.items()]
    return {"runs": runs, "bars": [{"what": what, "at_least": target, "measured": measured} for what, target, measured in bars]}


def run_scaling(given, scratch):
    found = scaling.measure(given, scratch)
    print(f"nibble on {given.threads} thread{'s' if given.threads > 1 else ''}\n")
    print(scaling.text_of(found), scaling.bars_text(found), sep="\n\n")
    return {"runs": found, "bars": [{"what": what, "at_most": most, "measured": measured}
                                    for what, most, measured in scaling.bars(found)]}


def main():
    given = arguments()
    if not NIBBLE.exists():
        sys.exit(f"{NIBBLE} is not there; bench/training/run builds it")
    try:
        nibble("data", "show", given.data)
        facts = {**machine(), "versions": {name: debian_version(name) for name in PACKAGES}}
        print(describe(facts), ", ".join(f"{name} {version}" for name, version in facts["versions"].items()), sep="\n")
        with tempfile.TemporaryDirectory(prefix="nibble-training-") as scratch:
            figures = (run_scaling if given.verb == "scaling" else run_compare)(given, Path(scratch))
    except Failure as failure:
        sys.exit(f"bench/training: {failure}")
    if given.json:
        content = {"machine": facts, "data": given.data, "epochs": given.epochs, **figures}
        Path(given.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
