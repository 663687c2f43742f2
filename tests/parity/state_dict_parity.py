"""State_dicts beyond plain float Linear layers against real PyTorch, both ways: BatchNorm folded, layers without bias,
prefixes and keys, float16 and bfloat16, networks from quantize_dynamic per tensor and per channel.

NIBBLE names the program; CTest sets it. The part on SST-2 needs the data set ($NIBBLE_DATA/sst2 or ../shared/data/sst2).
"""
import sys
import unittest

try:
    import torch
    from sklearn.feature_extraction.text import CountVectorizer
    from torch import nn
    from torch.quantization import per_channel_dynamic_qconfig, quantize_dynamic
except ImportError as error:
    print(f"skipped: {error}; install python3-torch and python3-sklearn to compare with PyTorch")
    sys.exit(77)

from program import SMALL, find_sst2, nibble, sentences_of, text_rows
from torch_program import CheckpointTest, sequential, torch_logits

PER_TENSOR, PER_CHANNEL = {nn.Linear}, {nn.Linear: per_channel_dynamic_qconfig}


class NamedNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.bn1, self.fc2 = nn.Linear(3, 17), nn.BatchNorm1d(17), nn.Linear(17, 2)

    def forward(self, rows):
        return self.fc2(torch.relu(self.bn1(self.fc1(rows))))


def one_by_one(network, rows):
    """A dynamic scale is that of a whole batch, so that rows have to come alone."""
    return torch.cat([torch_logits(network, [row]) for row in rows])


class ReadFromTorch(CheckpointTest):
    def setUp(self):
        torch.manual_seed(1)
        self.path = self.folder / "theirs.pt"
        self.rows = (torch.randn(40, 3) * 2).tolist()
        self.lines = "".join(",".join(map(str, row)) + "\n" for row in self.rows)

    def plain(self):
        return nn.Sequential(nn.Linear(3, 17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 5), nn.ReLU(), nn.Dropout(0.3),
                             nn.Linear(5, 2)).eval()

    def trained(self, network):
        """Running figures and weights as if after training."""
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.1, 3)
                if module.affine:
                    nn.init.normal_(module.weight)
                    nn.init.normal_(module.bias)
        return network.eval()

    def logits(self, *options):
        lines = self.run_well("predict", self.path, "--logits", "--batch", "1", *options, input=self.lines.encode())
        return torch.tensor([[float(number) for number in line.split("\t")[2:]] for line in lines.splitlines()])

    def assert_reads(self, network, tolerance=1e-5, state=None):
        torch.save(network.state_dict() if state is None else state, self.path)
        self.assert_close(self.logits(), one_by_one(network, self.rows), tolerance)

    def assert_refused(self, content, *words, options=()):
        torch.save(content, self.path)
        done = nibble("predict", self.path, *options, input=self.lines.encode())
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_batch_norm_after_a_linear_layer(self):
        for norm in (nn.BatchNorm1d(17), nn.BatchNorm1d(17, affine=False)):
            self.assert_reads(self.trained(nn.Sequential(nn.Linear(3, 17), norm, nn.ReLU(), nn.Linear(17, 2))))
        self.assert_reads(self.trained(nn.Sequential(nn.Linear(3, 17, bias=False), nn.BatchNorm1d(17), nn.ReLU(),
                                                     nn.Linear(17, 2), nn.BatchNorm1d(2))))
        self.assert_reads(self.trained(NamedNet()))

    def test_batch_norm_before_a_linear_layer(self):
        self.assert_reads(self.trained(nn.Sequential(nn.Linear(3, 17), nn.ReLU(), nn.BatchNorm1d(17), nn.Linear(17, 2))))
        self.assert_reads(self.trained(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 17), nn.ReLU(), nn.Linear(17, 2))))
        self.assert_reads(self.trained(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 17), nn.BatchNorm1d(17), nn.ReLU(),
                                                     nn.Linear(17, 2))))

    def test_batch_norm_that_cannot_be_folded_is_refused_by_name(self):
        for network in (nn.Sequential(nn.Linear(3, 17), nn.BatchNorm1d(17), nn.Linear(17, 2)),
                        nn.Sequential(nn.Linear(3, 17), nn.ReLU(), nn.BatchNorm1d(17), nn.ReLU(), nn.Linear(17, 2)),
                        nn.Sequential(nn.Linear(3, 17), nn.ReLU(), nn.BatchNorm1d(17))):
            name = next(key.rsplit(".", 1)[0] for key in network.state_dict() if "running" in key)
            self.assert_refused(network.state_dict(), f"BatchNorm '{name}'", "cannot be folded")
        self.assert_refused(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)).state_dict(), "'1'")
        self.assert_refused(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(5)).state_dict(), "'1'", "5 features")

    def test_prefixes_keys_and_missing_biases(self):
        network = self.plain()
        state = network.state_dict()
        self.assert_reads(network, state={f"module.{key}": tensor for key, tensor in state.items()})
        self.assert_reads(network, state={f"_orig_mod.net.{key}": tensor for key, tensor in state.items()})
        self.assert_reads(nn.Sequential(nn.Linear(3, 9, bias=False), nn.ReLU(), nn.Linear(9, 2, bias=False)).eval())
        everything = {"net": state, "ema": {key: tensor * 0 for key, tensor in state.items()}, "epoch": 3}
        self.assert_refused(everything, "a dict under 'net'", "--key net")
        self.assert_close(self.logits("--key", "net"), one_by_one(network, self.rows), 1e-5)
        self.assertEqual(self.logits("--key", "ema").abs().max(), 0)
        self.assert_refused(everything, "'epoch' of the checkpoint is a whole number", options=("--key", "epoch"))
        self.assert_refused(everything, "no 'nothing'", options=("--key", "nothing"))
        for verb in (("inspect",), ("quantize", "--scheme", "int8", "-o", self.folder / "q.safetensors")):
            self.run_well(verb[0], self.path, "--key", "net", *verb[1:])

    def test_layers_out_of_order_are_refused(self):
        state = self.plain().state_dict()
        self.assert_refused(dict(reversed(state.items())), "do not chain", "'6'", "'3'")

    def test_any_layout_and_type(self):
        network = self.plain()
        for dtype, tolerance in ((torch.float64, 1e-5), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)):
            self.assert_reads(network, tolerance, {key: tensor.to(dtype) for key, tensor in network.state_dict().items()})
        with torch.no_grad():
            network[6].weight.copy_(network[6].weight[:1].expand(2, 5))
            network[6].bias.copy_(network[6].bias[:1].expand(2))
        state = network.state_dict()
        state["6.weight"] = state["6.weight"][:1].clone().expand(2, 5)
        state["6.bias"] = state["6.bias"][:1].clone().expand(2)
        state["3.weight"] = torch.stack([state["3.weight"], state["3.weight"] + 1]).permute(1, 2, 0)[..., 0]
        self.assert_reads(network, state=state)

    def test_quantized_per_tensor_gives_the_very_logits(self):
        quantized = quantize_dynamic(self.plain(), PER_TENSOR)
        self.assert_reads(quantized, 1e-6)
        self.assert_reads(quantized, 1e-6, {"model_state_dict": quantized.state_dict()})
        self.assertIn("int8-torch", self.run_well("inspect", self.path))

    def test_quantized_per_channel(self):
        # A row with a single 1 is exact in nibble's int8: its logits are a column of the weights that the codes stand for.
        network = nn.Sequential(nn.Linear(3, 17)).eval()
        with torch.no_grad():
            network[0].weight[:5, 1] = -2.0  # the largest, and negative: the code -128
        quantized = quantize_dynamic(network, PER_CHANNEL)
        self.assertEqual(quantized[0].weight().int_repr().min(), -128)
        torch.save(quantized.state_dict(), self.path)
        self.lines = "1,0,0\n0,1,0\n0,0,1\n"
        self.assert_close(self.logits(), quantized[0].weight().dequantize().t() + network[0].bias, 1e-6)
        self.assertIn("Stored as  int8\n", self.run_well("inspect", self.path))

    def test_quantized_to_float16(self):
        # Made by hand: Debian's PyTorch lacks fbgemm, which packs float16. linear_unpack_fp16 gives float32 tensors.
        network = self.plain()
        state = {}
        for place in (0, 3, 6):
            with torch.no_grad():
                network[place].weight.copy_(network[place].weight.half())
            state[f"{place}.scale"], state[f"{place}.zero_point"] = torch.tensor(1.0), torch.tensor(0)
            state[f"{place}._packed_params.dtype"] = torch.float16
            state[f"{place}._packed_params._packed_params"] = (network[place].weight, network[place].bias)
        self.assert_reads(network, state=state)

    def test_what_is_not_dynamic_int8_is_refused(self):
        network = self.plain()
        self.assert_refused(quantize_dynamic(network, {"0": torch.quantization.default_dynamic_qconfig}).state_dict(),
                            "'3'", "float", "int8-torch")
        static = nn.Sequential(torch.quantization.QuantStub(), nn.Linear(3, 2), torch.quantization.DeQuantStub()).eval()
        static.qconfig = torch.quantization.default_qconfig
        prepared = torch.quantization.prepare(static)
        prepared(torch.randn(9, 3))
        state = torch.quantization.convert(prepared).state_dict()
        self.assert_refused(state, "the tensor '0.")
        self.assert_refused({key: value for key, value in state.items() if not key.startswith("0.")}, "'1'", "statically")

    def test_a_pickled_module_says_how_to_save_a_state_dict(self):
        self.assert_refused(self.plain(), "nothing of it was run", "torch.save(model.state_dict(), path)")
        self.assert_refused(quantize_dynamic(self.plain(), PER_TENSOR), "torch.save(model.state_dict(), path)")


def labels(logits):
    return logits.argmax(dim=1)


class WrittenForTorch(CheckpointTest):
    """What save_model writes is opened by load_state_dict of the network that PyTorch itself would make."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if find_sst2() is None:
            cls.sentences = sentences_of(text_rows(300, seed=2))
            data, settings = cls.folder / "texts.tsv", SMALL
            data.write_text(text_rows(200))
        else:
            cls.sentences = sentences_of((find_sst2() / "test.tsv").read_text(encoding="utf-8"))
            data, settings = find_sst2(), ["--epochs", "1", "--quiet"]
        cls.float_model = cls.folder / "float.pt"
        done = nibble("train", data, "-o", cls.float_model, *settings)
        assert done.returncode == 0, done.stderr.decode()
        checkpoint = torch.load(cls.float_model)
        cls.network = sequential(checkpoint["model_state_dict"])
        cls.counts = CountVectorizer(vocabulary=checkpoint["vocabulary"]).transform(cls.sentences).toarray()

    def written(self, scheme):
        path = self.folder / f"{scheme}.pt"
        self.run_well("quantize", self.float_model, "--scheme", scheme, "-o", path)
        return path

    def ours(self, path):
        lines = self.run_well("predict", path, "--logits", "--batch", "1", input=("\n".join(self.sentences) + "\n").encode())
        return torch.tensor([[float(number) for number in line.split("\t")[2:]] for line in lines.splitlines()])

    def test_half_state_dicts(self):
        for scheme, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16)):
            path = self.written(scheme)
            state = torch.load(path, weights_only=True)["model_state_dict"]
            self.assertEqual({state[key].dtype for key in state if key.endswith("weight")}, {dtype})
            network = sequential({key: tensor.float() for key, tensor in self.network.state_dict().items()})
            network.load_state_dict(state)
            theirs = torch_logits(network, self.counts)
            self.assert_close(self.ours(path), theirs, 2e-3)
            self.assertTrue(torch.equal(labels(self.ours(path)), labels(theirs)))

    def test_quantized_per_tensor(self):
        path = self.written("int8-torch")
        network = quantize_dynamic(self.network, PER_TENSOR)
        before = one_by_one(network, self.counts)
        fresh = quantize_dynamic(sequential(self.network.state_dict()).apply(
            lambda module: module.reset_parameters() if isinstance(module, nn.Linear) else None), PER_TENSOR)
        fresh.load_state_dict(torch.load(path)["model_state_dict"])
        theirs = one_by_one(fresh, self.counts)
        self.assert_close(theirs, before, 0)  # our codes and scales are PyTorch's own
        self.assert_close(self.ours(path), theirs, 1e-4)
        self.assertTrue(torch.equal(labels(self.ours(path)), labels(theirs)))

    def test_quantized_per_channel(self):
        path = self.written("int8")
        network = quantize_dynamic(self.network, PER_CHANNEL)
        network.load_state_dict(torch.load(path)["model_state_dict"])
        weight = network[0].weight()
        self.assertEqual(weight.qscheme(), torch.per_channel_affine)
        self.assertLessEqual((weight.dequantize() - self.network[0].weight).abs().max(),
                             weight.q_per_channel_scales().max() * 0.5001)
        # PyTorch rounds activations to 7 bits, nibble to 8, and counts not at all.
        same = (labels(self.ours(path)) == labels(one_by_one(network, self.counts))).float().mean().item()
        self.assertGreaterEqual(same, 0.998)

    def test_what_torch_saves_again_is_the_same_model(self):
        for scheme in ("f16", "bf16", "int8", "int8-torch"):
            path, again = self.written(scheme), self.folder / "again.pt"
            torch.save(torch.load(path), again)
            self.assertTrue(torch.equal(self.ours(path), self.ours(again)))

    def test_four_bits_are_not_for_torch(self):
        done = nibble("quantize", self.float_model, "--scheme", "int4", "-o", self.folder / "int4.pt")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no Linear layer with int4 weights", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
