"""What the comparisons with PyTorch share: networks for state_dicts, and the logits of both sides."""

import torch
from program import ProgramTest


def sequential(state):
    """nn.Sequential(Linear, ReLU, Dropout, ..., Linear) that takes this state_dict without a word."""
    places = [key for key in state if key.endswith(".weight")]
    modules = []
    for key in places:
        outputs, inputs = state[key].shape
        modules += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU(), torch.nn.Dropout(0.3)]
    network = torch.nn.Sequential(*modules[:-2])
    network.load_state_dict(state, strict=True)
    return network.eval()


def torch_logits(network, rows):
    with torch.no_grad():
        return network(torch.as_tensor(rows, dtype=torch.float32))


class CheckpointTest(ProgramTest):
    def train(self, data, name, *options):
        path = self.folder / name
        self.run_well("train", data, "-o", path, *options)
        return path

    def nibble_logits(self, model, rows, *options):
        """From the lines of `rows`: label TAB probability TAB logits."""
        lines = self.run_well(*options, "predict", model, "--logits", input=rows.encode()).splitlines()
        return torch.tensor([[float(number) for number in line.split("\t")[2:]] for line in lines])

    def assert_close(self, ours, theirs, tolerance):
        self.assertEqual(ours.shape, theirs.shape)
        self.assertLessEqual((ours - theirs).abs().max().item(), tolerance)
