"""The trained network in the forms in which PyTorch can run it."""
import numpy as np
import torch


class Bag(torch.nn.Module):
    """The first layer as a sum of the few rows of its matrix that a bag of words names."""

    def __init__(self, layers):
        super().__init__()
        weight, bias = layers[0]
        self.first = torch.nn.EmbeddingBag.from_pretrained(weight.t().contiguous(), mode="sum")
        self.bias = torch.nn.Parameter(bias.clone())
        self.rest = torch.nn.Sequential(torch.nn.ReLU(), *linear_modules(layers[1:]))

    def forward(self, columns, starts, values):
        return self.rest(self.first(columns, starts, values) + self.bias)


def linear_modules(layers):
    modules = []
    for weight, bias in layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight.clone(), "bias": bias.clone()})
        modules += [linear, torch.nn.ReLU()]
    return modules[:-1]


def dense_network(layers):
    return torch.nn.Sequential(*linear_modules(layers)).eval()


def dynamic_network(layers):
    return torch.quantization.quantize_dynamic(dense_network(layers), {torch.nn.Linear}, dtype=torch.qint8)


def dense_input(rows):
    return (torch.from_numpy(rows.toarray()),)


def weighted_input(rows):
    """A word once, with its count as the weight."""
    return (torch.from_numpy(rows.indices.astype(np.int64)), torch.from_numpy(rows.indptr[:-1].astype(np.int64)),
            torch.from_numpy(rows.data))


def repeated_input(rows):
    """A word as often as it is counted, without weights: quicker, and the same sum."""
    counts = rows.data.astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(counts)])[rows.indptr]
    return (torch.from_numpy(np.repeat(rows.indices, counts).astype(np.int64)), torch.from_numpy(ends[:-1]), None)


def forms(rows):
    """name: (makes the network from its layers, makes the input from rows)."""
    known = {"dense": (dense_network, dense_input), "dynamic": (dynamic_network, dense_input),
             "bag-weights": (Bag, weighted_input)}
    if (rows.data == np.floor(rows.data)).all():
        known["bag"] = (Bag, repeated_input)
    return known
