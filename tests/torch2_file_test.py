#!/usr/bin/python3
"""Checkpoints with the layout of PyTorch 2.x (torch_file.py) are read, whatever that layout allows, and give the logits of
plain loops. Where a PyTorch is installed, it reads the same files: what this test writes is what it says.
tools/torch2-check does the same with a real PyTorch 2.x.
"""
import random
import struct
import subprocess
import unittest
import zipfile

from program import ProgramTest, nibble
from torch_file import Tensor, save, state_dict

SIZES = [3, 17, 9, 2]
ROWS = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0], [-3.0, 0.25, 1.0]]
LINES = "".join(",".join(map(str, row)) + "\n" for row in ROWS).encode()


def rounded(number, storage):
    """To what a storage of this type keeps."""
    if storage == "BFloat16Storage":
        return struct.unpack("<f", b"\0\0" + struct.pack("<f", number)[2:])[0]
    kind = {"DoubleStorage": "f", "FloatStorage": "f", "HalfStorage": "e"}[storage]
    return struct.unpack(f"<{kind}", struct.pack(f"<{kind}", number))[0]


def layers(storage="FloatStorage"):
    draw = random.Random(1)
    return [([[rounded(draw.gauss(0, 0.5), storage) for _ in range(inputs)] for _ in range(outputs)],
             [rounded(draw.gauss(0, 0.5), storage) for _ in range(outputs)]) for inputs, outputs in zip(SIZES, SIZES[1:])]


def tensors(network, storage="FloatStorage", prefix=""):
    """As of nn.Sequential(Linear, ReLU, Dropout, Linear, ...)."""
    state = {}
    for number, (weight, bias) in enumerate(network):
        shape = (len(weight), len(weight[0]))
        state[f"{prefix}{3 * number}.weight"] = Tensor(shape, [x for row in weight for x in row], storage)
        state[f"{prefix}{3 * number}.bias"] = Tensor(shape[:1], bias, storage)
    return state_dict(state)


def logits(network, row):
    for number, (weight, bias) in enumerate(network):
        row = [sum(x * w for x, w in zip(row, line)) + b for line, b in zip(weight, bias)]
        if number + 1 < len(network):
            row = [max(x, 0.0) for x in row]
    return row


class Torch2File(ProgramTest):
    def assert_reads(self, path, network, *options):
        lines = self.run_well(*options, "predict", path, "--logits", input=LINES).splitlines()
        self.assertEqual(len(lines), len(ROWS))
        for line, row in zip(lines, ROWS):
            for ours, expected in zip(map(float, line.split("\t")[2:]), logits(network, row)):
                self.assertAlmostEqual(ours, expected, delta=1e-5)

    def test_state_dicts_plain_and_nested(self):
        network = layers()
        self.assert_reads(save(tensors(network), self.folder / "plain.pt"), network)
        nested = {"epoch": 3, "model_state_dict": tensors(network, prefix="module."), "loss": 0.25, "best": None}
        self.assert_reads(save(nested, self.folder / "nested.pth"), network)

    def test_every_float_type(self):
        for storage in ("DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage"):
            with self.subTest(storage=storage):
                network = layers(storage)
                path = save(tensors(network, storage), self.folder / "typed.pt")
                # Some CPU levels round the inputs of bfloat16 layers, too; plain loops do not.
                self.assert_reads(path, network, "--cpu", "scalar")
                if storage != "BFloat16Storage":
                    self.assert_reads(path, network)

    def test_any_alignment_and_no_byteorder(self):
        network = layers()
        for options in ({"alignment": 4096}, {"alignment": 1}, {"byteorder": None}):
            with self.subTest(**options):
                self.assert_reads(save(tensors(network), self.folder / "other.pt", **options), network)

    def test_storages_lie_where_the_layout_says(self):
        for alignment in (64, 4096):
            path = save(tensors(layers()), self.folder / "aligned.pt", alignment=alignment)
            content = path.read_bytes()
            with zipfile.ZipFile(path) as archive:
                self.assertIsNone(archive.testzip())
                self.assertEqual([entry.filename.split("/", 1)[1] for entry in archive.infolist()],
                                 ["data.pkl", ".format_version", ".storage_alignment", "byteorder"] +
                                 [f"data/{number}" for number in range(6)] + ["version", ".data/serialization_id"])
                for entry in archive.infolist():
                    name, extra = struct.unpack("<HH", content[entry.header_offset + 26:entry.header_offset + 30])
                    self.assertEqual((entry.header_offset + 30 + name + extra) % alignment, 0)

    def test_big_endian_is_refused(self):
        done = nibble("inspect", save(tensors(layers()), self.folder / "big.pt", byteorder="big"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("written on a big-endian machine", done.stderr.decode())

    def test_pytorch_reads_the_same_files(self):
        network = layers()
        path = save({"model_state_dict": tensors(network)}, self.folder / "theirs.pt")
        program = ("import sys, torch\nstate = torch.load(sys.argv[1], weights_only=True)['model_state_dict']\n"
                   "assert list(state) == ['0.weight', '0.bias', '3.weight', '3.bias', '6.weight', '6.bias'], list(state)\n"
                   "print(*[x for tensor in state.values() for x in tensor.flatten().tolist()])")
        done = subprocess.run(["/usr/bin/python3", "-c", program, path], capture_output=True, check=False, text=True)
        if "No module named 'torch'" in done.stderr:
            self.skipTest("python3-torch is not installed")
        self.assertEqual(done.returncode, 0, done.stderr)
        numbers = [x for weight, bias in network for x in [w for row in weight for w in row] + bias]
        self.assertEqual([float(x) for x in done.stdout.split()], numbers)


if __name__ == "__main__":
    unittest.main()
