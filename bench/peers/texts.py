"""Raw text to label by whole processes: fastText's predict beside nibble's."""
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from program import NIBBLE, Failure, environment
from rows import folder_of, read_texts

REPEATS = 20


@dataclass
class Texts:
    """Files with all lines and with the first alone, and fastText's model."""
    all: Path
    first: Path
    count: int
    model: Path


def fasttext(*arguments):
    done = subprocess.run(["fasttext", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"fasttext {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def train_fasttext(train, scratch):
    marked = scratch / "fasttext-training.txt"
    marked.write_text("".join(f"__label__{label} {text}\n" for text, label in zip(*read_texts(train))), encoding="utf-8")
    fasttext("supervised", "-input", marked, "-output", scratch / "fasttext", "-lr", 0.5, "-thread", 1, "-verbose", 0)
    return scratch / "fasttext.bin"


def accuracy(texts, labels):
    """fastText's share of right labels: it has a model of its own, so it is held to the truth, not to Original."""
    answers = fasttext("predict", texts.model, texts.all).splitlines()[:len(labels)]
    return sum(answer == f"__label__{label}" for answer, label in zip(answers, labels)) / len(labels)


def prepare(data, scratch):
    folder = folder_of(data)
    lines, labels = read_texts(folder / "test.tsv")
    texts = Texts(scratch / "lines.txt", scratch / "line.txt", len(lines) * REPEATS, train_fasttext(folder / "train.tsv", scratch))
    texts.all.write_text("".join(f"{line}\n" for line in lines) * REPEATS, encoding="utf-8")
    texts.first.write_text(f"{lines[0]}\n", encoding="utf-8")
    if accuracy(texts, labels) < 0.75:
        raise Failure("fastText gets less than 75 % of the test rows right; its model is not one to compare with")
    return texts


def seconds(command):
    start = time.perf_counter()
    subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, check=True, env=environment(1))
    return time.perf_counter() - start


def commands(texts, models, threads):
    """name: command without its file. Models are nibble's, by scheme."""
    found = {("nibble", scheme, count): [NIBBLE, "predict", "--threads", count, models[scheme]]
             for scheme in ("f32", "int8", "int4") if scheme in models for count in threads}
    return {("fasttext", "", 1): ["fasttext", "predict", texts.model], **found}


def measure(texts, models, threads):
    """{(library, scheme, threads): (seconds for all lines, seconds for one)}, each process alone."""
    return {name: (seconds([*command, texts.all]), seconds([*command, texts.first]))
            for name, command in commands(texts, models, threads).items()}
