"""checkpoint.pt against real PyTorch, both ways: what nibble writes is opened by torch.load(weights_only=True) and gives
nibble's logits to 1e-4; what torch.save writes is read by nibble and gives PyTorch's; what could run code is refused.

NIBBLE names the program; CTest sets it. The part on SST-2 needs the data set ($NIBBLE_DATA/sst2 or ../shared/data/sst2).
"""
import io
import os
import sys
import unittest
import zipfile

try:
    import torch
    from sklearn.feature_extraction.text import CountVectorizer
except ImportError as error:
    print(f"skipped: {error}; install python3-torch and python3-sklearn to compare with PyTorch")
    sys.exit(77)

from program import SMALL, find_sst2, nibble, number_rows, sentences_of, text_rows
from torch_program import CheckpointTest, sequential, torch_logits

KEYS = ["model_state_dict", "hyperparameters", "epoch", "validation_accuracy", "validation_loss", "labels", "vocabulary",
        "featurizer"]


class WrittenByNibble(CheckpointTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.texts = text_rows(200)
        data = cls.folder / "texts.tsv"
        data.write_text(cls.texts)
        cls.path = cls.folder / "check point.pt"
        done = nibble("train", data, "-o", cls.path, *SMALL)
        assert done.returncode == 0, done.stderr.decode()
        cls.checkpoint = torch.load(cls.path, weights_only=True)

    def test_it_is_a_zip_file_as_torch_writes_them(self):
        content = self.path.read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.namelist()[0], "check point/data.pkl")
            self.assertEqual(archive.read("check point/version"), b"3\n")
            for entry in archive.infolist():
                self.assertEqual(entry.compress_type, zipfile.ZIP_STORED)
                header = content[entry.header_offset:entry.header_offset + 30]
                name, extra = (int.from_bytes(header[at:at + 2], "little") for at in (26, 28))
                self.assertEqual((entry.header_offset + 30 + name + extra) % 64, 0, entry.filename)

    def test_it_holds_what_the_lab_expects(self):
        self.assertEqual(list(self.checkpoint), KEYS)
        settings = self.checkpoint["hyperparameters"]
        self.assertEqual(settings["hidden"], [16, 8])
        self.assertEqual(settings["epochs"], 3)
        self.assertEqual(float(settings["learning_rate"]), 0.01)
        self.assertEqual(float(settings["dropout"]), 0.3)
        self.assertIsInstance(self.checkpoint["epoch"], int)
        self.assertGreater(float(self.checkpoint["validation_accuracy"]), 50)
        self.assertGreater(float(self.checkpoint["validation_loss"]), 0)
        self.assertEqual(self.checkpoint["labels"], ["0", "1"])
        self.assertEqual(self.checkpoint["vocabulary"], sorted(self.checkpoint["vocabulary"]))
        self.assertEqual(self.checkpoint["featurizer"], {"kind": "bag_of_words"})

    def test_the_state_dict_is_that_of_an_nn_sequential(self):
        state = self.checkpoint["model_state_dict"]
        self.assertEqual(list(state), [f"{place}.{part}" for place in (0, 3, 6) for part in ("weight", "bias")])
        for tensor in state.values():
            self.assertEqual(tensor.dtype, torch.float32)
            self.assertTrue(tensor.is_contiguous())

    def test_it_gives_the_same_logits(self):
        sentences = sentences_of(self.texts)
        counts = CountVectorizer(vocabulary=self.checkpoint["vocabulary"]).transform(sentences).toarray()
        theirs = torch_logits(sequential(self.checkpoint["model_state_dict"]), counts)
        self.assert_close(self.nibble_logits(self.path, "\n".join(sentences) + "\n"), theirs, 1e-4)

    def test_saved_again_by_torch_it_is_the_same_model(self):
        again = self.folder / "again.pt"
        torch.save(self.checkpoint, again)
        twice = torch.load(again, weights_only=True)
        self.assertEqual(twice["hyperparameters"], self.checkpoint["hyperparameters"])
        sentences = "\n".join(sentences_of(self.texts)) + "\n"
        self.assertEqual(self.run_well("predict", again, "--logits", input=sentences.encode()),
                         self.run_well("predict", self.path, "--logits", input=sentences.encode()))

    def test_a_model_of_numbers_says_how_to_scale_them(self):
        path = self.train(self.write("numbers.csv", number_rows(120)), "numbers.pt", *SMALL)
        checkpoint = torch.load(path, weights_only=True)
        self.assertIsNone(checkpoint["vocabulary"])
        self.assertEqual(checkpoint["featurizer"]["kind"], "numeric")
        self.assertEqual(checkpoint["featurizer"]["columns"], 3)
        rows = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]]
        scaled = torch.tensor(rows) * float(checkpoint["featurizer"]["scale"])
        lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
        self.assert_close(self.nibble_logits(path, lines),
                          torch_logits(sequential(checkpoint["model_state_dict"]), scaled), 1e-4)

    @unittest.skipIf(find_sst2() is None, "SST-2 is neither in $NIBBLE_DATA nor in ../shared/data/sst2")
    def test_all_test_rows_of_sst2(self):
        path = self.train(find_sst2(), "sst2.pt", "--epochs", "1", "--quiet")
        checkpoint = torch.load(path, weights_only=True)
        state = checkpoint["model_state_dict"]
        self.assertEqual(sum(tensor.numel() for tensor in state.values()), 5_293_122)
        sentences = sentences_of((find_sst2() / "test.tsv").read_text(encoding="utf-8"))
        self.assertEqual(len(sentences), 1821)
        counts = CountVectorizer(vocabulary=checkpoint["vocabulary"]).transform(sentences).toarray()
        self.assert_close(self.nibble_logits(path, "\n".join(sentences) + "\n"), torch_logits(sequential(state), counts),
                          1e-4)


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class WrittenByTorch(CheckpointTest):
    ROWS = [[0.5, -1.0, 2.0], [0.0, 0.0, 0.0], [-3.0, 0.25, 1.0]]
    LINES = "".join(",".join(map(str, row)) + "\n" for row in ROWS)

    def setUp(self):
        torch.manual_seed(1)
        self.network = torch.nn.Sequential(torch.nn.Linear(3, 17), torch.nn.ReLU(), torch.nn.Dropout(0.3),
                                           torch.nn.Linear(17, 2)).eval()
        self.path = self.folder / "theirs.pt"

    def state_as(self, change):
        return {key: change(tensor) for key, tensor in self.network.state_dict().items()}

    def assert_reads(self, content, level="auto", **options):
        torch.save(content, self.path, **options)
        ours = self.nibble_logits(self.path, self.LINES, "--cpu", level)
        self.assert_close(ours, torch_logits(self.network, self.ROWS), 1e-6)

    def assert_refused(self, *words):
        done = nibble("predict", self.path, input=self.LINES.encode())
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_state_dicts_plain_and_nested(self):
        state = self.network.state_dict()
        self.assert_reads(state)
        self.assert_reads(dict(state))
        for key in ("model_state_dict", "state_dict", "model"):
            self.assert_reads({"epoch": 3, "loss": 0.25, "best": torch.tensor(1.0), key: state, "flag": True})
        self.assert_reads({f"module.net.{key}": tensor for key, tensor in state.items()})
        self.assert_reads(dict(self.network.named_parameters()))

    def test_with_an_optimizer_and_other_plain_things(self):
        optimizer = torch.optim.Adam(self.network.parameters())
        self.network(torch.ones(1, 3)).sum().backward()
        before = {key: tensor.clone() for key, tensor in self.network.state_dict().items()}
        optimizer.step()
        self.network.load_state_dict(before)
        self.assert_reads({"model": before, "optimizer": optimizer.state_dict(), "size": torch.Size([1, 2]),
                           "dtype": torch.float32, "device": torch.device("cpu"), "seed": 2 ** 63, "none": None})

    def test_protocols(self):
        for protocol in (2, 3, 4):
            self.assert_reads(self.network.state_dict(), pickle_protocol=protocol)

    def test_other_float_types(self):
        self.assert_reads(self.state_as(lambda tensor: tensor.double()))
        # Plain loops round no inputs of a bfloat16 layer, as some CPU levels do.
        for dtype, level in ((torch.float16, "auto"), (torch.bfloat16, "scalar")):
            self.network.load_state_dict(self.state_as(lambda tensor, to=dtype: tensor.to(to).float()))
            self.assert_reads(self.state_as(lambda tensor, to=dtype: tensor.to(to)), level)

    def test_strides_offsets_and_shared_storages(self):
        self.assert_reads(self.state_as(lambda tensor: tensor.t().contiguous().t()))
        self.assert_reads(self.state_as(lambda tensor: torch.stack([tensor + 1, tensor], dim=-1)[..., 1]))
        whole = torch.cat([tensor.flatten() for tensor in self.network.state_dict().values()])
        views, start = {}, 0
        for key, tensor in self.network.state_dict().items():
            views[key] = whole[start:start + tensor.numel()].view(tensor.shape)
            start += tensor.numel()
        self.assert_reads(views)

    def test_a_pickled_module_is_refused(self):
        torch.save(self.network, self.path)
        self.assert_refused("torch.nn.modules.container.Sequential", "nothing of it was run", "model.state_dict()")

    def test_code_is_not_run(self):
        proof = self.folder / "proof"
        torch.save({"model_state_dict": self.network.state_dict(), "extra": Hostile(f"touch {proof}")}, self.path)
        self.assert_refused("posix.system", "nothing of it was run")
        self.assertFalse(proof.exists())

    def test_torchscript_is_refused(self):
        torch.jit.save(torch.jit.script(self.network), self.path)
        self.assert_refused("TorchScript")

    def test_files_from_before_1_6_are_refused(self):
        torch.save(self.network.state_dict(), self.path, _use_new_zipfile_serialization=False)
        self.assert_refused("before PyTorch 1.6")

    def test_other_layers_are_refused_by_name(self):
        torch.save(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)).state_dict(), self.path)
        self.assert_refused("'1'", "Linear")
        torch.save(torch.nn.Sequential(torch.nn.Conv1d(3, 2, 1)).state_dict(), self.path)
        self.assert_refused("'0.weight'", "Linear")

    def test_a_compressed_archive_is_refused(self):
        buffer = io.BytesIO()
        torch.save(self.network.state_dict(), buffer)
        with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry in archive.infolist():
                packed.writestr(entry.filename, archive.read(entry))
        self.assert_refused("compressed")


if __name__ == "__main__":
    unittest.main()
