"""Optimizers, schedules, clipping, label smoothing and class weights against real PyTorch: the same initial weights, the
same batches, no dropout, made-up texts; the losses step by step.

NIBBLE names the program; CTest sets it. PyTorch trains dense rows in float32 with torch.optim, torch.nn.CrossEntropyLoss,
torch.nn.utils.clip_grad_norm_ and LambdaLR; the lambdas are those of transformers' get_*_schedule_with_warmup.
"""
import csv
import math
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import torch
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.utils.class_weight import compute_class_weight
except ImportError as error:
    print(f"skipped: {error}; install python3-torch and python3-sklearn to compare with PyTorch")
    sys.exit(77)

from program import NIBBLE

ROWS = 150
BATCH = 16
EPOCHS = 4
STEPS = EPOCHS * math.ceil(ROWS / BATCH)
WORDS = [f"w{index}" for index in range(400)]


def texts(seed):
    """Sentences of common and rare words; label 1 is rarer than 0, and each goes with one half of the words."""
    draw = random.Random(seed)
    rows = []
    for _ in range(ROWS):
        label = int(draw.random() < 0.3)
        words = [WORDS[2 * int(199 * draw.random() ** 3) + (label if draw.random() < 0.7 else 1 - label)]
                 for _ in range(8)]
        rows.append((" ".join(words), str(label)))
    return rows


def constant(warmup, _steps):
    return lambda t: t / max(1, warmup) if t < warmup else 1.0


def linear(warmup, steps):
    return lambda t: t / max(1, warmup) if t < warmup else max(0.0, (steps - t) / max(1, steps - warmup))


def cosine(warmup, steps):
    return lambda t: (t / max(1, warmup) if t < warmup else
                      max(0.0, 0.5 * (1 + math.cos(math.pi * (t - warmup) / max(1, steps - warmup)))))


class Options(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="nibble-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = Path(cls.scratch.name)
        cls.data = cls.folder / "train.tsv"
        cls.rows = texts(1)
        for name, rows in (("train.tsv", cls.rows), ("validation.tsv", texts(2))):
            (cls.folder / name).write_text("".join(f"{text}\t{label}\n" for text, label in rows), encoding="ascii")
        cls.initial = cls.train("initial", "--epochs", "0")
        counts = CountVectorizer(vocabulary=cls.initial["vocabulary"]).transform([text for text, _ in cls.rows])
        cls.inputs = torch.from_numpy(counts.toarray()).float()
        cls.labels = torch.tensor([cls.initial["labels"].index(label) for _, label in cls.rows])

    @classmethod
    def train(cls, name, *options):
        path = cls.folder / f"{name}.pt"
        command = [NIBBLE, "train", cls.data, "--validation", cls.folder / "validation.tsv", "-o", path, "--hidden", "24,12",
                   "--batch", BATCH, "--dropout", "0", "--shuffle", "off", "--quiet", *options]
        subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=600)
        return torch.load(path, weights_only=True)

    def network(self):
        state = self.initial["model_state_dict"]
        modules = []
        for place in (0, 3, 6):
            weight, bias = state[f"{place}.weight"], state[f"{place}.bias"]
            linear_layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
            linear_layer.load_state_dict({"weight": weight.clone(), "bias": bias.clone()})
            modules += [linear_layer, torch.nn.ReLU()]
        return torch.nn.Sequential(*modules[:-1])

    def torch_losses(self, make_optimizer, loss, factor=None, clip=None):
        model = self.network()
        optimizer = make_optimizer(model.parameters())
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor or (lambda t: 1.0))
        losses = []
        for _ in range(EPOCHS):
            for first in range(0, ROWS, BATCH):
                value = loss(model(self.inputs[first:first + BATCH]), self.labels[first:first + BATCH])
                optimizer.zero_grad()
                value.backward()
                if clip:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
                schedule.step()
                losses.append(value.item())
        return losses

    def compare(self, options, make_optimizer, loss=torch.nn.CrossEntropyLoss(), **more):
        log = self.folder / "steps.csv"
        self.train("trained", "--init", self.folder / "initial.pt", "--epochs", EPOCHS, "--step-log", log, *options)
        with log.open(encoding="ascii") as file:
            ours = [float(row["loss"]) for row in csv.DictReader(file)]
        theirs = self.torch_losses(make_optimizer, loss, **more)
        self.assertEqual(len(ours), STEPS)
        difference = max(abs(a - b) / b for a, b in zip(ours, theirs))
        print(f"{' '.join(map(str, options))}: losses from {theirs[0]:.4f} to {theirs[-1]:.4f}, largest relative "
              f"difference {difference:.2g}")
        self.assertLessEqual(difference, 1e-5)
        self.assertGreater(abs(theirs[0] - theirs[-1]), 1e-3, "nothing was learned, so nothing was compared")

    def test_adamw(self):
        for decay in (0.0, 0.01, 1.0):
            self.compare(["--optimizer", "adamw", "--learning-rate", "0.001", "--weight-decay", decay],
                         lambda p, decay=decay: torch.optim.AdamW(p, lr=0.001, weight_decay=decay))

    def test_adam_with_other_constants(self):
        self.compare(["--learning-rate", "0.001", "--beta1", "0.8", "--beta2", "0.99", "--epsilon", "1e-6"],
                     lambda p: torch.optim.Adam(p, lr=0.001, betas=(0.8, 0.99), eps=1e-6))

    def test_sgd(self):
        for momentum, decay in ((0.0, 0.0), (0.9, 0.0), (0.0, 0.01), (0.9, 0.01)):
            self.compare(["--optimizer", "sgd", "--learning-rate", "0.02", "--momentum", momentum, "--weight-decay", decay],
                         lambda p, m=momentum, d=decay: torch.optim.SGD(p, lr=0.02, momentum=m, weight_decay=d))

    def test_schedules(self):
        for name, warmup, rule in (("constant", 10, constant), ("linear", 0, linear), ("cosine", 5, cosine)):
            self.compare(["--optimizer", "adamw", "--learning-rate", "0.002", "--weight-decay", "0.1", "--schedule", name,
                          "--warmup", warmup], lambda p: torch.optim.AdamW(p, lr=0.002, weight_decay=0.1),
                         factor=rule(warmup, STEPS))
        self.compare(["--optimizer", "sgd", "--momentum", "0.9", "--learning-rate", "0.05", "--schedule", "cosine",
                      "--warmup", "0.2"], lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
                     factor=cosine(math.ceil(0.2 * STEPS), STEPS))

    def test_clipping(self):
        for clip in (0.05, 0.5):
            self.compare(["--clip-norm", clip, "--learning-rate", "0.001"], lambda p: torch.optim.Adam(p, lr=0.001),
                         clip=clip)
            self.compare(["--clip-norm", clip, "--optimizer", "sgd", "--learning-rate", "0.1"],
                         lambda p: torch.optim.SGD(p, lr=0.1), clip=clip)

    def test_label_smoothing_and_class_weights(self):
        counts = [int((self.labels == label).sum()) for label in range(2)]
        balanced = compute_class_weight("balanced", classes=[0, 1], y=self.labels.numpy()).tolist()
        self.assertAlmostEqual(balanced[0], ROWS / (2 * counts[0]))
        for smoothing, name, weights in ((0.1, None, None), (0.0, "balanced", balanced), (0.2, "1,3.5", [1, 3.5])):
            options = ["--learning-rate", "0.001", "--label-smoothing", smoothing]
            if name:
                options += ["--class-weights", name]
            weight = torch.tensor(weights).float() if weights else None
            self.compare(options, lambda p: torch.optim.Adam(p, lr=0.001),
                         torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing))


if __name__ == "__main__":
    unittest.main()
