"""One training by PyTorch or scikit-learn; prints its figures as a line of JSON.

    trainers.py PEER DATA CHECKPOINT SEED THREADS EPOCHS

PEER: torch-dense, torch-bag (EmbeddingBag, dense Adam), torch-bag-sparse (EmbeddingBag, SparseAdam), sklearn. CHECKPOINT is
any of nibble's for this data set: its vocabulary, labels, hidden sizes and settings are taken. The clock runs from the first step to
the last evaluation; reading, features and the test rows are outside.
"""
import copy
import json
import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch

from rows import layers_of, split_training, test_part


@dataclass
class Settings:
    """nibble's, as far as the peers have them."""
    batch: int
    learning_rate: float
    dropout: float
    cosine: bool

    def rate(self, step, steps):
        """Step 0, 1, ... of so many: nibble's schedule without warm-up (docs/training.md)."""
        return self.learning_rate * (0.5 * (1 + math.cos(math.pi * step / steps)) if self.cosine else 1)


def settings_of(checkpoint):
    stored = checkpoint["hyperparameters"]
    schedule = stored.get("schedule", "constant")
    if schedule not in ("constant", "cosine") or stored.get("optimizer", "adam") != "adam":
        raise SystemExit(f"the peers here know no optimizer but adam and no schedule but constant and cosine: {stored}")
    return Settings(stored["batch"], float(stored["learning_rate"]), float(stored["dropout"]), schedule == "cosine")


class BagLayer(torch.nn.Module):
    """A first layer that reads, of its matrix, the rows of the words alone. Starts as torch.nn.Linear does."""

    def __init__(self, inputs, outputs, sparse):
        super().__init__()
        start = torch.nn.Linear(inputs, outputs)
        self.bag = torch.nn.EmbeddingBag(inputs, outputs, mode="sum", sparse=sparse)
        self.bag.weight = torch.nn.Parameter(start.weight.detach().t().contiguous())
        self.bias = torch.nn.Parameter(start.bias.detach().clone())

    def forward(self, rows):
        return self.bag(*rows) + self.bias


def network(sizes, first, dropout):
    modules = [first]
    for inputs, outputs in zip(sizes[1:], sizes[2:]):
        modules += [torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(inputs, outputs)]
    return torch.nn.Sequential(*modules)


class DenseRows:
    """All rows as one matrix, made before the clock starts."""

    def __init__(self, part):
        self.rows = torch.from_numpy(part.rows.toarray())
        self.labels = torch.from_numpy(part.labels)

    def batches(self, order, size):
        for first in range(0, len(order), size):
            chosen = order[first:first + size]
            yield self.rows[chosen], self.labels[chosen]


class BagRows:
    """Columns, starts and counts, as EmbeddingBag takes them."""

    def __init__(self, part):
        self.rows = part.rows
        self.labels = torch.from_numpy(part.labels)

    def batches(self, order, size):
        ordered = self.rows[order.numpy()]
        columns = torch.from_numpy(ordered.indices.astype(np.int64))
        starts = torch.from_numpy(ordered.indptr.astype(np.int64))
        counts = torch.from_numpy(ordered.data)
        labels = self.labels[order]
        for first in range(0, len(order), size):
            last = min(first + size, len(order))
            inside = slice(starts[first], starts[last])
            yield (columns[inside], starts[first:last] - starts[first], counts[inside]), labels[first:last]


class TorchTraining:
    def __init__(self, peer, sizes, settings, seed):
        torch.manual_seed(seed)
        self.settings = settings
        self.bags = peer != "torch-dense"
        sparse = peer == "torch-bag-sparse"
        first = BagLayer(sizes[0], sizes[1], sparse) if self.bags else torch.nn.Linear(sizes[0], sizes[1])
        self.model = network(sizes, first, settings.dropout)
        bag = [parameter for name, parameter in self.model.named_parameters() if sparse and name.endswith("bag.weight")]
        others = [parameter for parameter in self.model.parameters() if all(parameter is not one for one in bag)]
        self.optimizers = [torch.optim.Adam(others, lr=settings.learning_rate)]
        if bag:
            self.optimizers.append(torch.optim.SparseAdam(bag, lr=settings.learning_rate))
        self.steps = 0

    def rows(self, part):
        return BagRows(part) if self.bags else DenseRows(part)

    def epoch(self, rows, epochs):
        self.model.train()
        batch = self.settings.batch
        steps = epochs * math.ceil(len(rows.labels) / batch)
        for inputs, labels in rows.batches(torch.randperm(len(rows.labels)), batch):
            for optimizer in self.optimizers:
                optimizer.param_groups[0]["lr"] = self.settings.rate(self.steps, steps)
                optimizer.zero_grad()
            self.steps += 1
            torch.nn.functional.cross_entropy(self.model(inputs), labels).backward()
            for optimizer in self.optimizers:
                optimizer.step()

    def evaluate(self, rows):
        """(accuracy in per cent, loss)"""
        self.model.eval()
        with torch.inference_mode():
            parts = [self.model(inputs) for inputs, _ in rows.batches(torch.arange(len(rows.labels)), 256)]
        logits = torch.cat(parts)
        right = (logits.argmax(1) == rows.labels).double().mean().item()
        return 100 * right, torch.nn.functional.cross_entropy(logits, rows.labels).item()

    def weights(self):
        return copy.deepcopy(self.model.state_dict())

    def restore(self, weights):
        self.model.load_state_dict(weights)


class SklearnTraining:
    """MLPClassifier on sparse rows. It knows no dropout, and its Adam is dense."""

    def __init__(self, sizes, settings, seed):
        from sklearn.neural_network import MLPClassifier
        self.classes = np.arange(sizes[-1])
        # A RandomState, since partial_fit would start from a number anew and repeat one order of the rows.
        self.model = MLPClassifier(sizes[1:-1], alpha=0, batch_size=settings.batch,
                                   learning_rate_init=settings.learning_rate,
                                   random_state=np.random.RandomState(seed))

    def rows(self, part):
        return part

    def epoch(self, rows, epochs):
        self.model.partial_fit(rows.rows, rows.labels, self.classes)

    def evaluate(self, rows):
        chances = self.model.predict_proba(rows.rows)
        loss = -np.log(np.maximum(chances[np.arange(len(rows.labels)), rows.labels], 1e-30)).mean()
        return 100 * float((chances.argmax(1) == rows.labels).mean()), float(loss)

    def weights(self):
        return copy.deepcopy((self.model.coefs_, self.model.intercepts_))

    def restore(self, weights):
        self.model.coefs_, self.model.intercepts_ = weights


def run(training, parts, epochs):
    """The best epoch by validation accuracy, then by loss, as nibble chooses."""
    train, validation, test = (training.rows(part) for part in parts)
    best = (-1.0, 0.0)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        training.epoch(train, epochs)
        accuracy, loss = training.evaluate(validation)
        if (accuracy, -loss) > best:
            best, best_epoch, weights = (accuracy, -loss), epoch, training.weights()
    seconds = time.perf_counter() - start
    training.restore(weights)
    return {"seconds": seconds, "validation": best[0], "test": training.evaluate(test)[0], "epoch": best_epoch}


def main(peer, data, checkpoint_path, seed, threads, epochs):
    torch.set_num_threads(int(threads))
    checkpoint = torch.load(checkpoint_path)
    layers = layers_of(checkpoint)
    sizes = [layers[0][0].shape[1], *(weight.shape[0] for weight, _ in layers)]
    parts = (*split_training(data, checkpoint), test_part(data, checkpoint))
    settings = settings_of(checkpoint)
    training = (SklearnTraining(sizes, settings, int(seed)) if peer == "sklearn"
                else TorchTraining(peer, sizes, settings, int(seed)))
    print(json.dumps(run(training, parts, int(epochs))))


if __name__ == "__main__":
    main(*sys.argv[1:])
