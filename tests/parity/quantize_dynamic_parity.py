"""int8-torch against real PyTorch: torch.quantization.quantize_dynamic on the engine onednn.

A network of the reference sizes is trained for one epoch on SST-2's bags of words, so that labels
mean something. Weights (integers, scale), every layer's input (scale, zero point, integers) and the
label of every test row must be identical.

Outputs must agree to float rounding where the engine saw the same integers. That is not everywhere:
fbgemm, which int8-torch follows, and torch.quantize_per_tensor multiply by 1 / float32(scale), the
engine onednn by float32(1 / scale) of the scale in float64. When the two differ in the last bit, a
few values in a million that lie next to a tie round to the neighbouring integer. onednn also adds
the bias before it scales the sum, fbgemm after.

DUMP_QUANTIZED names the program that shows what nibble computes inside; CTest sets it. The data set
is looked for in $NIBBLE_DATA/sst2, then in ../shared/data/sst2 beside the source root.
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import numpy as np
    import torch
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer
except ImportError as error:
    print(f"skipped: {error}; install python3-torch and python3-sklearn to compare with PyTorch")
    sys.exit(77)

ROOT = Path(__file__).resolve().parent.parent.parent
DUMP = Path(os.environ.get("DUMP_QUANTIZED", ROOT / "build/release/tests/dump_quantized"))
HIDDEN = [512, 256, 128, 64]
FEATURES = 10000


def data_folder():
    folders = [ROOT.parent / "shared/data/sst2"]
    if "NIBBLE_DATA" in os.environ:
        folders.insert(0, Path(os.environ["NIBBLE_DATA"]) / "sst2")
    return next((folder for folder in folders if (folder / "train.tsv").exists()), None)


def read_rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    texts, labels = zip(*(line.rsplit("\t", 1) for line in lines))
    return texts, torch.tensor([int(label) for label in labels])


def linears(model):
    return [module for module in model if hasattr(module, "weight")]


def untrained(sizes):
    torch.manual_seed(0)
    modules = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        modules += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def train_one_epoch(model, rows, labels):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for chosen in torch.randperm(len(labels)).split(32):
        x = torch.from_numpy(rows[chosen.numpy()].toarray())
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), labels[chosen]).backward()
        optimizer.step()


def quantized_by_pytorch(model):
    torch.backends.quantized.engine = "onednn"
    return torch.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


def onednn_codes(x):
    """The integers of a non-negative input as the engine onednn rounds them."""
    scale, _ = torch._choose_qparams_per_tensor(x, reduce_range=True)
    return np.rint(x.numpy() * np.float32(1 / scale))


def run_dump(what, content, folder):
    given, made = Path(folder) / "in", Path(folder) / "out"
    given.write_bytes(content)
    subprocess.run([DUMP, what, given, made], check=True)
    return made.read_bytes()


class Layer:
    """What dump_quantized says about one layer."""

    def __init__(self, take, inputs, outputs, rows):
        self.weight_scale = float(take(np.float32, 1)[0])
        self.weight_codes = take(np.int8, inputs * outputs).reshape(inputs, outputs).T
        self.scale = float(take(np.float32, 1)[0])
        self.zero_point = int(take(np.int32, 1)[0])
        self.codes = take(np.uint8, rows * inputs).reshape(rows, inputs)
        self.outputs = torch.from_numpy(take(np.float32, rows * outputs).reshape(rows, outputs).copy())


def nibble_layers(model, rows):
    """Layers and logits as nibble computes them for `rows`, a SciPy CSR matrix of float32."""
    layers = linears(model)
    sizes = [layers[0].in_features] + [layer.out_features for layer in layers]
    content = " ".join(map(str, [len(layers), *sizes, rows.shape[0], rows.nnz])).encode() + b"\n"
    for layer in layers:
        content += layer.weight.detach().numpy().T.tobytes() + layer.bias.detach().numpy().tobytes()
    content += rows.indptr.astype(np.uint64).tobytes() + rows.indices.astype(np.uint32).tobytes() + rows.data.tobytes()
    with tempfile.TemporaryDirectory(prefix="nibble-parity-") as folder:
        made = run_dump("network", content, folder)
    place = 0

    def take(kind, count):
        nonlocal place
        values = np.frombuffer(made, kind, count, place)
        place += values.nbytes
        return values

    dumped = [Layer(take, *pair, rows.shape[0]) for pair in zip(sizes, sizes[1:])]
    logits = torch.from_numpy(take(np.float32, rows.shape[0] * sizes[-1]).reshape(-1, sizes[-1]).copy())
    return dumped, logits


class ReferenceNetwork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = data_folder()
        texts, labels = read_rows(folder / "train.tsv")
        test_texts, cls.labels = read_rows(folder / "test.tsv")
        vectorizer = CountVectorizer(max_features=FEATURES, dtype=np.float32)
        cls.model = untrained([FEATURES, *HIDDEN, 2])
        train_one_epoch(cls.model, vectorizer.fit_transform(texts), labels)
        rows = vectorizer.transform(test_texts)
        cls.inputs = torch.from_numpy(rows.toarray())
        cls.layers, cls.logits = nibble_layers(cls.model, rows)
        cls.pytorch = quantized_by_pytorch(cls.model)
        with torch.no_grad():
            cls.pytorch_logits = cls.pytorch(cls.inputs)

    def inputs_of_layers(self):
        return [self.inputs] + [layer.outputs.relu() for layer in self.layers[:-1]]

    def test_weights_are_identical(self):
        for ours, theirs in zip(self.layers, linears(self.pytorch)):
            weight = theirs.weight()
            self.assertEqual(ours.weight_scale, weight.q_scale())
            self.assertEqual(weight.q_zero_point(), 0)
            self.assertTrue(np.array_equal(ours.weight_codes, weight.int_repr().numpy()))

    def test_inputs_of_every_layer_are_identical(self):
        for index, (ours, x) in enumerate(zip(self.layers, self.inputs_of_layers())):
            scale, zero_point = torch._choose_qparams_per_tensor(x, reduce_range=True)
            codes = torch.quantize_per_tensor(x, scale, zero_point, torch.quint8).int_repr()
            self.assertEqual(ours.scale, np.float32(scale), index)
            self.assertEqual(ours.zero_point, zero_point, index)
            self.assertTrue(np.array_equal(ours.codes, codes.numpy()), index)

    def test_outputs_of_every_layer_agree_to_float_rounding(self):
        for index, (ours, theirs, x) in enumerate(zip(self.layers, linears(self.pytorch), self.inputs_of_layers())):
            expected = theirs(x)
            difference = (ours.outputs - expected).abs()
            moved = np.abs(onednn_codes(x) - ours.codes)
            same_row = moved.sum(axis=1) == 0
            print(f"layer {index}: onednn rounds {moved.sum():.0f} of {moved.size} inputs otherwise; largest difference "
                  f"of outputs {difference[same_row].max():.3g} in rows without those, "
                  f"{difference.max():.3g} in all, beside {expected.abs().max():.3g}")
            self.assertLess(difference[same_row].max(), 4e-7 * expected.abs().max())
            self.assertLessEqual(moved.max(), 1)
            one_step = ours.scale * ours.weight_scale * 128
            self.assertLess(difference.max(), 1.01 * one_step * max(1, moved.sum(axis=1).max()))

    def test_labels_are_identical(self):
        ours, theirs = self.logits, self.pytorch_logits
        self.assertTrue(torch.equal(ours, self.layers[-1].outputs))
        difference = (ours - theirs).abs().max().item()
        accuracy = 100 * (ours.argmax(1) == self.labels).float().mean().item()
        print(f"{len(ours)} test rows: largest difference of logits {difference:.3g}, of at most "
              f"{theirs.abs().max():.3g}; accuracy {accuracy:.2f} %")
        self.assertTrue(torch.equal(ours.argmax(1), theirs.argmax(1)))
        self.assertGreater(accuracy, 70.0, "the labels must mean something")


class SignedInputs(unittest.TestCase):
    def test_zero_point_is_added_before_rounding(self):
        rows = csr_matrix(np.random.default_rng(1).normal(size=(301, 100)).astype(np.float32))
        first = nibble_layers(untrained([100, 33, 2]), rows)[0][0]
        x = torch.from_numpy(rows.toarray())
        scale, zero_point = torch._choose_qparams_per_tensor(x, reduce_range=True)
        self.assertEqual((first.scale, first.zero_point), (np.float32(scale), zero_point))
        self.assertGreater(zero_point, 0)
        # fbgemm: one rounding of x / scale + zero point to float32, then one to a whole number. A
        # product of float32 numbers is exact in float64.
        steps = x.numpy().astype(np.float64) * (np.float32(1) / np.float32(scale)) + zero_point
        self.assertTrue(np.array_equal(first.codes, np.rint(steps.astype(np.float32))))
        # PyTorch without fbgemm rounds first and adds then: the same but next to a tie.
        codes = torch.quantize_per_tensor(x, scale, zero_point, torch.quint8).int_repr().numpy()
        to_tie = np.abs(steps - np.floor(steps) - 0.5)
        self.assertTrue(np.array_equal(first.codes[to_tie > 1e-5], codes[to_tie > 1e-5]))


class Ranges(unittest.TestCase):
    def test_scale_and_zero_point_are_identical(self):
        draw = np.random.default_rng(1)
        ends = draw.normal(size=(20000, 2)) * 10.0 ** draw.uniform(-8, 6, size=(20000, 2))
        ends[:2000, 0] = 0.0
        ends[2000:4000, 1] = 0.0
        ends = np.sort(ends.astype(np.float32), axis=1)
        with tempfile.TemporaryDirectory(prefix="nibble-parity-") as folder:
            made = run_dump("ranges", ends.tobytes(), folder)
        ours = np.frombuffer(made, np.dtype([("scale", np.float32), ("zero_point", np.int32)]))
        for pair, mine in zip(torch.from_numpy(ends), ours):
            scale, zero_point = torch._choose_qparams_per_tensor(pair, reduce_range=True)
            self.assertEqual((mine["scale"], mine["zero_point"]), (np.float32(scale), zero_point), pair)


if __name__ == "__main__":
    if data_folder() is None:
        print("skipped: SST-2 is neither in $NIBBLE_DATA/sst2 nor in ../shared/data/sst2")
        sys.exit(77)
    if "onednn" not in torch.backends.quantized.supported_engines:
        print("skipped: this PyTorch has no onednn engine")
        sys.exit(77)
    unittest.main()
