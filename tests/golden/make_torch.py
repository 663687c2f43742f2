#!/usr/bin/python3
"""Makes the checkpoints of a folder torch-* with the PyTorch that is here: small ones of every kind that nibble reads, each
with PyTorch's own logits for three rows. They are also seeds of tests/fuzz.

    tests/golden/make_torch.py tests/golden/torch-1.13
"""
import sys
from pathlib import Path

import torch
from torch import nn
from torch.quantization import per_channel_dynamic_qconfig, quantize_dynamic


ROWS = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-1.5, 0.25, 2.0]]


def logits(network, state):
    network.load_state_dict(state)
    with torch.no_grad():  # one row at a time: a dynamic scale is that of a whole batch
        return [network(torch.tensor([row]))[0].tolist() for row in ROWS]


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Dropout(0.3), nn.Linear(5, 2)).eval()
    normed = nn.Sequential(nn.Linear(3, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2)).eval()
    state = network.state_dict()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    whole = torch.cat([tensor.flatten() for tensor in state.values()])
    parts = whole.split([tensor.numel() for tensor in state.values()])
    contents = {
        "plain": state,
        "batch-norm": normed.state_dict(),
        "half": {key: tensor.half() for key, tensor in state.items()},
        "bfloat16": {key: tensor.bfloat16() for key, tensor in state.items()},
        "double": {key: tensor.double() for key, tensor in state.items()},
        "shared": {key: part.view(tensor.shape) for part, (key, tensor) in zip(parts, state.items())},
        "transposed": {key: tensor.t().contiguous().t() for key, tensor in state.items()},
        "nested": {"model_state_dict": {f"module.{key}": tensor for key, tensor in state.items()}, "epoch": 3, "loss": 0.25,
                   "optimizer": optimizer.state_dict(), "labels": ["no", "yes"]},
        "per-tensor": quantize_dynamic(network, {nn.Linear}).state_dict(),
        "per-channel": quantize_dynamic(network, {nn.Linear: per_channel_dynamic_qconfig}).state_dict(),
    }
    networks = {"batch-norm": normed, "per-tensor": quantize_dynamic(network, {nn.Linear}),
                "per-channel": quantize_dynamic(network, {nn.Linear: per_channel_dynamic_qconfig})}
    (folder / "rows.input").write_text("".join(",".join(map(str, row)) + "\n" for row in ROWS))
    for name, content in contents.items():
        torch.save(content, folder / f"{name}.pt")
        answers = logits(networks.get(name, network), state if name == "nested" else content)
        (folder / f"{name}.logits").write_text("".join("\t".join(map(repr, row)) + "\n" for row in answers))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
