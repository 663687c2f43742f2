"""ONNX files against the real ONNX Runtime, both ways: what nibble writes is opened there and gives nibble's labels and
logits; what PyTorch's exporter, scikit-learn's converter and ONNX Runtime's quantizer write is read by nibble and gives
theirs.

NIBBLE names the program; CTest sets it. Needs node, npm (once, for onnxruntime-node) and python3-onnx; the part on SST-2
needs the data set ($NIBBLE_DATA/sst2 or ../shared/data/sst2). Where one of them is missing the test says so and is skipped.
"""
import json
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

try:
    import numpy as np
    import torch
    import onnx
    from sklearn.feature_extraction.text import CountVectorizer
except ImportError as error:
    print(f"skipped: {error}; install python3-numpy, python3-torch, python3-sklearn and python3-onnx")
    sys.exit(77)

import onnx_graphs
from program import NIBBLE, SMALL, ProgramTest, find_sst2, nibble, number_rows, sentences_of, text_rows

PACKAGE = "onnxruntime-node@1.30.0"
WORKER = Path(__file__).with_name("onnx_worker.mjs")


def modules_folder():
    """A folder whose node_modules hold ONNX Runtime; installs it once, into the build folder."""
    folder = NIBBLE.parent / "onnxruntime"
    if (folder / "node_modules/onnxruntime-node").is_dir():
        return folder
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("skipped: node or npm is not installed (nodejs, npm)")
        sys.exit(77)
    folder.mkdir(parents=True, exist_ok=True)
    # The compiled code comes inside the package; its install script would only fetch code for GPUs.
    done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, PACKAGE],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"skipped: npm cannot install {PACKAGE} here: {done.stderr.strip().splitlines()[-1:]}")
        sys.exit(77)
    return folder


def torch_network(layers):
    modules = []
    for weight, bias in layers:
        linear = torch.nn.Linear(*weight.shape)
        linear.weight.data, linear.bias.data = torch.tensor(weight.T), torch.tensor(bias)
        modules += [linear, torch.nn.ReLU(), torch.nn.Dropout(0.3)]
    return torch.nn.Sequential(torch.nn.Flatten(), *modules[:-2]).eval()


def export_from_torch(layers, path):
    torch.onnx.export(torch_network(layers), torch.zeros(2, layers[0][0].shape[0]), path, input_names=["x"],
                      output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})


class OnnxTest(ProgramTest):
    def run_onnx(self, model, rows):
        """What ONNX Runtime answers: a dict of arrays by the outputs' names."""
        answers = self.folder / "answers.json"
        given = self.folder / "given"
        if isinstance(rows, list):
            given.write_text("\n".join(rows) + "\n", encoding="utf-8")
            columns = "text"
        else:
            given.write_bytes(np.ascontiguousarray(rows, np.float32).tobytes())
            columns = str(rows.shape[1])
        done = subprocess.run(["node", WORKER, MODULES, model, given, columns, answers], capture_output=True, text=True,
                              check=False, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(answers.read_text())
        return {name: np.array(each["values"]).reshape(each["shape"]) for name, each in found.items()}

    def nibble_answers(self, model, rows):
        """Labels and logits; rows are sentences or an array of numbers."""
        lines = rows if isinstance(rows, list) else [",".join(map(repr, row)) for row in np.asarray(rows).tolist()]
        printed = self.run_well("predict", model, "--logits", input=("\n".join(lines) + "\n").encode())
        parts = [line.split("\t") for line in printed.splitlines()]
        return [part[0] for part in parts], np.array([part[2:] for part in parts], np.float64)

    def assert_close(self, ours, theirs, tolerance):
        self.assertEqual(ours.shape, theirs.shape)
        self.assertLessEqual(np.abs(ours - theirs).max(), tolerance)

    def counts_of(self, model, sentences):
        vocabulary = torch.load(model, weights_only=True)["vocabulary"]
        return CountVectorizer(vocabulary=vocabulary).transform(sentences).toarray()


@unittest.skipIf(find_sst2() is None, "SST-2 is neither in $NIBBLE_DATA nor in ../shared/data/sst2")
class WrittenByNibble(OnnxTest):
    """All 1,821 test rows of SST-2, the reference network (5,293,122 parameters) after two epochs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.checkpoint = cls.folder / "sst2.pt"
        done = nibble("train", find_sst2(), "-o", cls.checkpoint, "--epochs", "2", "--quiet")
        assert done.returncode == 0, done.stderr.decode()
        cls.sentences = sentences_of((find_sst2() / "test.tsv").read_text(encoding="utf-8"))
        assert len(cls.sentences) == 1821
        cls.counts = cls().counts_of(cls.checkpoint, cls.sentences)

    def compare(self, scheme, tolerance, differing_labels, *convert):
        """Ours is the stored model that the ONNX file was made from, or reads back as."""
        path = self.folder / f"{scheme}.onnx"
        self.run_well("convert", self.checkpoint, "--scheme", scheme, "-o", path, *convert)
        labels, logits = self.nibble_answers(path, self.sentences)
        theirs = self.run_onnx(path, self.counts)["logits"]
        self.assert_close(logits, theirs, tolerance)
        differing = np.flatnonzero(theirs.argmax(1) != np.array(labels, int))
        self.assertLessEqual(len(differing), differing_labels, scheme)
        print(f"{scheme}: {len(differing)} of 1821 labels differ, logits by {np.abs(logits - theirs).max():.2g}")
        back = self.folder / f"{scheme}-back.safetensors"
        self.run_well("convert", path, "-o", back)
        self.assertEqual(self.nibble_answers(back, self.sentences)[0], labels)

    def test_f32(self):
        self.compare("f32", 1e-4, 0)

    def test_f16(self):
        self.compare("f16", 2e-3, 0)

    def test_bf16(self):
        """Where the CPU has bfloat16 dot products nibble rounds each layer's inputs to bf16; ONNX Runtime does not."""
        self.compare("bf16", 0.05, 3)

    # In 8 and 4 bits the arithmetic differs by design (nibble/formats/onnx.h): ONNX Runtime quantizes what enters a hidden
    # layer with one scale for all rows of the call, MatMulNBits with one for each 32 inputs, nibble with one for each row. At
    # least 99.8 % of the labels are the same: 3 of 1,821 may differ.
    def test_int8(self):
        self.compare("int8", 0.05, 3)

    def test_int8_torch(self):
        self.compare("int8-torch", 0.1, 3)

    def test_int4(self):
        self.compare("int4", 0.05, 3)

    def test_int4_with_groups_along_the_outputs(self):
        stored = self.folder / "grouped.safetensors"
        self.run_well("quantize", self.checkpoint, "--scheme", "int4", "-o", stored)
        path = self.folder / "grouped.onnx"
        self.run_well("convert", stored, "-o", path)
        labels, logits = self.nibble_answers(stored, self.sentences)
        theirs = self.run_onnx(path, self.counts)["logits"]
        self.assert_close(logits, theirs, 0.05)
        self.assertLessEqual(np.count_nonzero(theirs.argmax(1) != np.array(labels, int)), 3)

    def test_text_in_label_out(self):
        """The words that ONNX Runtime cuts are nibble's, in every script but for what onnx.h names."""
        noise = np.random.default_rng(5)
        ranges = [range(32, 127), range(160, 0x600), range(0x1e00, 0x2100), range(0x4e00, 0x4f00), range(0x1d400, 0x1d500)]
        texts = ["".join(chr(noise.choice(ranges[noise.integers(len(ranges))])) for _ in range(40)) for _ in range(300)]
        sentences = self.sentences + [text.translate({0x130: None, 0x3a3: None}) + " film" for text in texts]
        # ... and characters that are final sigma or newer than Unicode 14 do not occur in these ranges.
        for scheme, tolerance in (("f32", 1e-4), ("int8", 0.05)):
            path = self.folder / f"text-{scheme}.onnx"
            self.run_well("convert", self.checkpoint, "--scheme", scheme, "--text", "-o", path)
            labels, logits = self.nibble_answers(path, sentences)
            answers = self.run_onnx(path, sentences)
            self.assert_close(logits, answers["logits"], tolerance)
            differing = sum(ours != theirs for ours, theirs in zip(labels, answers["label"].tolist()))
            self.assertLessEqual(differing, 0 if scheme == "f32" else 3)
            self.assertAlmostEqual(answers["probabilities"].sum(), len(sentences), places=2)

    def test_networks_that_others_wrote(self):
        """The same network as PyTorch exports it and as ONNX Runtime's quantizers write it; rows of counts as numbers."""
        state = torch.load(self.checkpoint, weights_only=True)["model_state_dict"]
        layers = [(state[key].numpy().T, state[key.replace("weight", "bias")].numpy()) for key in state if "weight" in key]
        rows, path = self.folder / "rows.npy", self.folder / "theirs.onnx"
        np.save(rows, self.counts.astype(np.float32))
        for write, differing_labels in (
                (lambda: export_from_torch(layers, path), 0),
                (lambda: onnx_graphs.write_dynamic(path, layers, True, False, False), 3),
                (lambda: onnx_graphs.write_dynamic(path, layers, True, True, True), 3),
                (lambda: onnx_graphs.write_blocks(path, layers, 4, 32, True), 0)):
            write()
            printed = self.run_well("predict", path, rows)
            labels = np.array([int(line.split("\t")[0]) for line in printed.splitlines()])
            theirs = next(iter(self.run_onnx(path, self.counts).values())).argmax(1)
            self.assertLessEqual(np.count_nonzero(labels != theirs), differing_labels)

    def test_the_file_is_one_that_onnx_knows(self):
        path = self.folder / "checked.onnx"
        self.run_well("convert", self.checkpoint, "-o", path)
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        checkpoint = torch.load(self.checkpoint, weights_only=True)
        self.assertEqual(json.loads(metadata["nibble.labels"]), checkpoint["labels"])
        self.assertEqual(metadata["nibble.vocabulary"].split("\n"), checkpoint["vocabulary"])
        self.assertEqual(metadata["nibble.featurizer"], "bag_of_words")
        rows = model.graph.input[0].type.tensor_type.shape.dim
        self.assertEqual((rows[0].dim_param, rows[1].dim_value), ("rows", 10000))

    def test_it_goes_there_and_back_without_a_changed_byte(self):
        first, second = self.folder / "first.safetensors", self.folder / "second.safetensors"
        for scheme in ("f32", "f16", "bf16", "int8", "int8-torch", "int4"):
            self.run_well("quantize", self.checkpoint, "--scheme", scheme, "-o", first)
            self.run_well("convert", first, "-o", self.folder / "between.onnx")
            self.run_well("convert", self.folder / "between.onnx", "-o", second)
            self.assertEqual(first.read_bytes(), second.read_bytes(), scheme)


class NumbersWrittenByNibble(OnnxTest):
    def test_every_scheme(self):
        data = self.write("numbers.csv", number_rows(240))
        checkpoint = self.folder / "numbers.pt"
        self.run_well("train", data, "-o", checkpoint, *SMALL)
        rows = np.random.default_rng(1).normal(0, 1.5, (100, 3)).astype(np.float32)
        for scheme, tolerance in (("f32", 1e-5), ("f16", 1e-5), ("bf16", 0.05), ("int8", 0.1), ("int8-torch", 0.3),
                                  ("int4", 0.1)):
            with self.subTest(scheme=scheme):
                path = self.folder / f"numbers-{scheme}.onnx"
                self.run_well("convert", checkpoint, "--scheme", scheme, "-o", path)
                self.assert_close(self.nibble_answers(path, rows)[1], self.run_onnx(path, rows)["logits"], tolerance)


class WrittenByOthers(OnnxTest):
    """A network of random weights, written as each program does; ours against ONNX Runtime on the very file."""
    SIZES = (20, 33, 17, 3)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        draw = np.random.default_rng(3)
        cls.layers = [(draw.normal(0, 0.3, (inputs, outputs)).astype(np.float32),
                       draw.normal(0, 0.1, outputs).astype(np.float32))
                      for inputs, outputs in zip(cls.SIZES, cls.SIZES[1:])]
        cls.rows = np.abs(draw.normal(0, 1, (500, cls.SIZES[0]))).astype(np.float32)

    def compare(self, path, tolerance, output=None, share=1.0):
        labels, logits = self.nibble_answers(path, self.rows)
        answers = self.run_onnx(path, self.rows)
        theirs = answers[output] if output else next(iter(answers.values()))
        self.assert_close(logits, theirs, tolerance)
        same = np.mean(theirs.argmax(1) == logits.argmax(1))
        self.assertGreaterEqual(same, share)
        return labels, answers

    def torch_network(self):
        return torch_network(self.layers)

    def test_pytorchs_exporter(self):
        path = self.folder / "torch.onnx"
        for options in ({"opset_version": 9}, {"opset_version": 13}, {"opset_version": 17},
                        {"do_constant_folding": False}, {"keep_initializers_as_inputs": True},
                        {"export_params": True, "training": torch.onnx.TrainingMode.EVAL}):
            torch.onnx.export(self.torch_network(), torch.zeros(2, self.SIZES[0]), path,
                              dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, input_names=["x"], output_names=["y"], **options)
            _, answers = self.compare(path, 1e-5)
            with torch.no_grad():
                self.assert_close(answers["y"], self.torch_network()(torch.tensor(self.rows)).numpy(), 1e-5)

    def test_pytorch_with_softmax_and_argmax_behind(self):
        path = self.folder / "ends.onnx"
        for end in (torch.nn.Softmax(dim=1), torch.nn.LogSoftmax(dim=-1)):
            torch.onnx.export(torch.nn.Sequential(self.torch_network(), end), torch.zeros(2, self.SIZES[0]), path,
                              dynamic_axes={"x": {0: "n"}}, input_names=["x"])
            labels, _ = self.nibble_answers(path, self.rows)
            self.assertEqual([int(label) for label in labels],
                             next(iter(self.run_onnx(path, self.rows).values())).argmax(1).tolist())

    def test_matmul_and_add_in_every_number_type(self):
        for kind in ("raw f32", "typed f32", "f64", "f16", "typed f16", "bf16"):
            with self.subTest(kind=kind):
                path = self.folder / "plain.onnx"
                onnx_graphs.write_float(path, self.layers, kind)
                # nibble rounds a bf16 layer's inputs to bf16, too, where the CPU has dot products for that.
                self.compare(path, *((0.05, None, 0.99) if kind == "bf16" else (1e-5,)))

    def test_scikit_learns_converter(self):
        for names in (["0", "1", "2"], ["bad", "fair", "good"]):
            path = self.folder / "sklearn.onnx"
            onnx_graphs.write_sklearn(path, self.layers, names)
            labels, _ = self.nibble_answers(path, self.rows)
            self.assertEqual(labels, [str(label) for label in self.run_onnx(path, self.rows)["label"].tolist()])

    def test_scikit_learns_binary_classifier(self):
        path = self.folder / "binary.onnx"
        last = (self.layers[-1][0][:, :1], self.layers[-1][1][:1])
        onnx_graphs.write_sklearn(path, [*self.layers[:-1], last], ["no", "yes"])
        labels, _ = self.nibble_answers(path, self.rows)
        self.assertEqual(labels, self.run_onnx(path, self.rows)["label"].tolist())

    def test_onnx_runtimes_dynamic_quantizer(self):
        """Weights int8 symmetric, uint8 with zero points, one scale or one for each output; as the quantizer writes them and
        as ONNX Runtime saves them when it has fused them. Activations are rounded to 255 steps of the whole call there."""
        path = self.folder / "dynamic.onnx"
        for signed in (True, False):
            for per_channel in (True, False):
                for fused in (True, False):
                    with self.subTest(signed=signed, per_channel=per_channel, fused=fused):
                        onnx_graphs.write_dynamic(path, self.layers, signed, per_channel, fused)
                        self.compare(path, 0.1, share=0.98)

    def test_onnx_runtimes_four_bit_quantizer(self):
        path = self.folder / "bits.onnx"
        for bits, block, symmetric in ((4, 32, True), (4, 32, False), (4, 16, True), (8, 32, True)):
            with self.subTest(bits=bits, block=block, symmetric=symmetric):
                onnx_graphs.write_blocks(path, self.layers, bits, block, symmetric)
                self.compare(path, 1e-4)


class RefusedFiles(OnnxTest):
    def assert_refused(self, path, *words):
        done = nibble("inspect", path)
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_other_networks_by_the_operators_name(self):
        path = self.folder / "other.onnx"
        linear = torch.nn.Linear(4, 2)
        for network, name in ((torch.nn.Sequential(linear, torch.nn.Tanh()), "Tanh"),
                              (torch.nn.Sequential(torch.nn.LayerNorm(4), linear), "ReduceMean"),
                              (torch.nn.Sequential(linear, torch.nn.ReLU(), torch.nn.BatchNorm1d(2)).eval(),
                               "BatchNormalization")):
            torch.onnx.export(network, torch.zeros(2, 4), path, dynamic_axes={"x": {0: "n"}}, input_names=["x"],
                              opset_version=13)
            self.assert_refused(path, f"'{name}'")

    def test_external_data(self):
        path = self.folder / "external.onnx"
        torch.onnx.export(torch.nn.Linear(40, 30), torch.zeros(2, 40), path)
        onnx.save(onnx.load(path), str(path), save_as_external_data=True, size_threshold=0)
        self.assert_refused(path, "external data", "one file")


if __name__ == "__main__":
    MODULES = modules_folder()
    unittest.main()
