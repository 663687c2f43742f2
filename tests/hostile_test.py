#!/usr/bin/python3
"""Files made to do harm: each is refused with its sentence and exit code 2, within 2 s and 1 GB of address space, and
leaves nothing behind. docs/files.md shows this table; a sentence that is missing there fails the test.
"""
import gzip
import io
import json
import resource
import struct
import unittest
import zipfile

from program import ROOT, ProgramTest, nibble

GOLDEN = ROOT / "tests/golden"
CHECKPOINT = (GOLDEN / "torch-1.13/plain.pt").read_bytes()
QUANTIZED = (GOLDEN / "torch-1.13/per-tensor.pt").read_bytes()
MODEL = (GOLDEN / "1/numbers-int8.safetensors").read_bytes()
HUGE = 2 ** 63 - 1


def archive(entries, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, content in entries:
            target.writestr(name, content)
    return buffer.getvalue()


def checkpoint_with(change, original=CHECKPOINT):
    """The checkpoint with another pickle, all checksums right."""
    with zipfile.ZipFile(io.BytesIO(original)) as source:
        return archive([(name, change(source.read(name)) if name.endswith("data.pkl") else source.read(name))
                        for name in source.namelist()])


def replaced(old, new):
    def change(content):
        assert old in content, old
        return content.replace(old, new, 1)
    return change


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(begin, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def changed_model(change):
    """The model with another header and, maybe, other numbers."""
    size = struct.unpack("<Q", MODEL[:8])[0]
    header, data = json.loads(MODEL[8:8 + size]), bytearray(MODEL[8 + size:])
    change(header, data)
    return safetensors(header, bytes(data))


def set_scale(value):
    def change(header, data):
        begin = header["layers.0.scales"]["data_offsets"][0]
        data[begin:begin + 4] = struct.pack("<f", value)
    return changed_model(change)


def set_metadata(name, value):
    return changed_model(lambda header, data: header["__metadata__"].update({name: value}))


def same_entry_again():
    """A directory that names the same bytes twice, as a bomb does to unpack them again and again."""
    content = archive([("a/data.pkl", b"x" * 1000), ("b/data.pkl", b"")])
    directory = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", directory + 4)
    return content[:second + 42] + struct.pack("<I", 0) + content[second + 46:].replace(b"b/data", b"a/data")


def npy(shape, dtype="<f4"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


SYSTEM = b"\x80\x02cposix\nsystem\nX\x10\x00\x00\x00touch pwned-file\x85R."
BUILTIN = b"\x80\x02c__builtin__\neval\nX\x04\x00\x00\x001+1+\x85R."
LAYER_SHAPE = b"K\x02K\x05\x86"  # the shape of 3.weight in the pickle
LAYER_STRIDE = b"K\x03K\x01\x86"
LONG = b"\x8a\x08" + struct.pack("<q", HUGE)

# What it is, the name of the file, its bytes, what the sentence says.
HOSTILE = [
    ("a pickle that calls os.system", "m.pt", archive([("m/data.pkl", SYSTEM)]), "asks for 'posix.system'"),
    ("a pickle that calls eval", "m.pt", archive([("m/data.pkl", BUILTIN)]), "asks for '__builtin__.eval'"),
    ("an opcode that makes objects", "m.pt", archive([("m/data.pkl", b"\x80\x02)\x81.")]), "uses the opcode 0x81"),
    ("a ZIP bomb", "m.pt", archive([("m/data.pkl", bytes(50_000_000))], zipfile.ZIP_DEFLATED), "is compressed"),
    ("two entries that are the same bytes", "m.pt", same_entry_again(), "overlap"),
    ("a name that leads out of the folder", "m.pt", archive([("../../m/data.pkl", b".")]), "leads out of its folder"),
    ("the same with backslashes", "m.pt", archive([("m\\..\\..\\data.pkl", b".")]), "leads out of its folder"),
    ("an absolute name", "m.pt", archive([("/etc/data.pkl", b".")]), "the forbidden name"),
    ("two pickles", "m.pt", archive([("a/data.pkl", b"."), ("b/data.pkl", b".")]), "holds two checkpoints"),
    ("a record that is missing", "m.pt", checkpoint_with(replaced(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009")),
     "which the file lacks"),
    ("a tensor beyond its storage", "m.pt", checkpoint_with(replaced(LAYER_SHAPE, b"K\x03K\x05\x86")),
     "reaches outside of its storage"),
    ("a size of 2^63 - 1", "m.pt", checkpoint_with(replaced(LAYER_SHAPE, LONG + b"K\x05\x86")),
     "has the shape [9223372036854775807, 5]"),
    ("a negative stride", "m.pt", checkpoint_with(replaced(LAYER_STRIDE, b"J\xfd\xff\xff\xffK\x01\x86")),
     "-3 as a stride of a tensor"),
    ("a stride of 2^63 - 1", "m.pt", checkpoint_with(replaced(LAYER_STRIDE, LONG + b"K\x01\x86")),
     "reaches outside of its storage"),
    ("a scale that is NaN, from PyTorch", "m.pt",
     checkpoint_with(lambda pickle: pickle[:(at := pickle.index(b"G", pickle.index(b"per_tensor_affine"))) + 1] +
                     struct.pack(">d", float("nan")) + pickle[at + 9:], QUANTIZED), "the scales of layer 0 hold a NaN"),
    ("a pickle that opens 100,000 brackets", "m.pt", archive([("m/data.pkl", b"\x80\x02" + b"(" * 100_000 + b".")]),
     "nests deeper than 1000 levels"),
    ("a pickle of a million values", "m.pt", archive([("m/data.pkl", b"\x80\x02" + b"]" * 1_000_000 + b".")]),
     "too many for its size"),
    ("an overlap of two tensors", "m.safetensors", safetensors({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, bytes(12)),
     "but the one before it ends at 8"),
    ("a hole between two tensors", "m.safetensors", safetensors({"a": tensor(0, 4, [1]), "b": tensor(8, 12, [1])}, bytes(12)),
     "but the one before it ends at 4"),
    ("a tensor beyond the end", "m.safetensors", safetensors({"a": tensor(0, 400, [100])}, bytes(12)),
     "but its tensors need 400"),
    ("a header of 2^63 - 1 bytes", "m.safetensors", struct.pack("<Q", HUGE) + b"{}", "announces a header"),
    ("a tensor of 2^63 - 1 numbers", "m.safetensors", safetensors({"a": tensor(0, HUGE, [HUGE])}), "cannot lie at bytes"),
    ("a shape whose product wraps to 0", "m.safetensors", safetensors({"a": tensor(0, 0, [2 ** 32, 2 ** 32])}),
     "cannot lie at bytes"),
    ("a scale that is NaN", "m.safetensors", set_scale(float("nan")), "hold a NaN or an infinity"),
    ("an infinite scale", "m.safetensors", set_scale(float("inf")), "hold a NaN or an infinity"),
    ("an infinite scale of the inputs", "m.safetensors", set_metadata("input_scale", "inf"), "multiplies its inputs with inf"),
    ("a network of 2^63 - 1 inputs", "m.safetensors", set_metadata("layer_sizes", f"{HUGE},9,5,3"), "the tensor 'layers.0.weight' is"),
    ("a newer format", "m.safetensors", set_metadata("format_version", "99"), "format version 99"),
    ("a key that stands twice", "m.safetensors", safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                                            b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', b"ab"),
     "'a' twice"),
    ("a setting that stands twice", "m.safetensors", set_metadata("settings", '{"a":"1","a":"2"}'), "the key 'a' twice"),
    ("JSON that nests 100,000 deep", "m.safetensors", safetensors(b'{"a":' + b"[" * 100_000), "where none is expected"),
    ("a header that is no JSON", "m.safetensors", safetensors(b'{"a"\xff'), "is not valid JSON"),
    ("a gzip bomb of images", "train-images-idx3-ubyte.gz",
     gzip.compress(struct.pack(">IIII", 0x803, 1, 2, 2) + bytes(200_000_000)), "promises 4 bytes after its header, but more are there"),
    ("an array of 2^62 rows", "m.npy", npy("(4611686018427387904, 4)"),
     "the header promises 4611686018427387904 x 4 values, the file holds 0"),
    ("an array of Python objects", "m.npy", npy("(1, 3)", "|O"), "values of type '|O'"),
    ("images of 2^32 - 1 rows", "train-images-idx3-ubyte", struct.pack(">IIII", 0x803, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1),
     "more than the file can hold; is it cut short?"),
]


def little_memory():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


class Hostile(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:  # a program under AddressSanitizer reserves terabytes of addresses
            fits = nibble("--version", preexec_fn=little_memory).returncode == 0
        except OSError:
            fits = False
        cls.limits = {"preexec_fn": little_memory} if fits else {}

    def refused(self, verb, path, says, *more):
        before = sorted(self.folder.rglob("*"))
        done = nibble(verb, *more, path, cwd=self.folder, timeout=2 if self.limits else 60, **self.limits)
        sentence = done.stderr.decode(errors="replace")
        self.assertEqual(done.returncode, 2, f"{path.name}\n{sentence}")
        self.assertIn(says, sentence)
        self.assertEqual(sentence.count("\n"), 1, sentence)
        self.assertLess(len(sentence), 1000)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_every_file_has_its_sentence(self):
        model = self.write("good.safetensors", MODEL)
        for what, name, content, says in HOSTILE:
            with self.subTest(what=what):
                path = self.write(name, content)
                if name.endswith((".pt", ".safetensors")):
                    self.refused("inspect", path, says)
                    self.refused("verify", path, says)
                elif name.endswith(".npy"):
                    self.refused("predict", path, says, model)
                else:
                    self.refused("data", path, says, "show")
                path.unlink()

    def test_cut_short_at_every_64th(self):
        labels = struct.pack(">II", 0x801, 2) + b"\0\1"
        self.write("train-labels-idx1-ubyte", labels)
        images = struct.pack(">IIII", 0x803, 2, 28, 28) + bytes(2 * 28 * 28)
        model = self.write("good.safetensors", MODEL)
        rows = npy("(30, 3)") + bytes(360)
        graph = self.folder / "g.onnx"
        self.run_well("convert", model, "-o", graph)
        for name, content, verb in (("m.pt", CHECKPOINT, "inspect"), ("q.pt", QUANTIZED, "inspect"),
                                    ("m.safetensors", MODEL, "inspect"), ("m.onnx", graph.read_bytes(), "inspect"),
                                    ("m.npy", rows, "predict"), ("train-images-idx3-ubyte", images, "data"),
                                    ("train-images-idx3-ubyte.gz", gzip.compress(images), "data")):
            for part in range(64):
                with self.subTest(name=name, part=part):
                    path = self.write(name, content[:len(content) * part // 64])
                    self.refused(verb, path, name, *{"predict": [model], "data": ["show"]}.get(verb, []))
                    path.unlink()

    def test_the_page_shows_every_sentence(self):
        page = (ROOT / "docs/files.md").read_text(encoding="utf-8").replace("\\|", "|")
        for what, _, _, says in HOSTILE:
            self.assertIn(f"| {what} |", page)
            self.assertIn(says, page)


if __name__ == "__main__":
    unittest.main()
