"""Writes checkpoints with the layout of PyTorch 2.x, without PyTorch: caffe2/serialize/inline_container.cc and
torch/serialization.py as of 2.7. Bytes of storages come in pieces, so that a file may be larger than this process.

    state = {"0.weight": Tensor((5, 3), numbers), ...}
    save(state_dict(state), path)
"""
import collections
import io
import itertools
import pickle
import struct
import sys
import types
import zlib

ELEMENT_BYTES = {"DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2}


class Tensor:
    """A tensor that fills its storage; `pieces` yields the storage's bytes and can be called again."""

    def __init__(self, shape, numbers=None, storage="FloatStorage", pieces=None):
        self.shape, self.storage = tuple(shape), storage
        self.pieces = pieces or (lambda: [encoded(numbers, storage)])

    def elements(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    def __reduce_ex__(self, protocol):
        strides = tuple(itertools.accumulate(reversed(self.shape[1:]), lambda a, b: a * b, initial=1))[::-1]
        return torch()._utils._rebuild_tensor_v2, (Storage(self), 0, self.shape, strides, False, collections.OrderedDict())


class Storage:
    def __init__(self, tensor):
        self.tensor = tensor


def encoded(numbers, storage):
    if storage == "BFloat16Storage":
        return b"".join(struct.pack("<f", number)[2:] for number in numbers)
    return struct.pack(f"<{len(numbers)}{'dfe'['DoubleStorage FloatStorage HalfStorage'.split().index(storage)]}", *numbers)


def torch():
    """Modules with the names that a pickle of PyTorch's asks for."""
    if "torch" not in sys.modules:
        module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
        for name in ELEMENT_BYTES:
            setattr(module, name, type(name, (), {"__module__": "torch"}))

        def _rebuild_tensor_v2():
            raise NotImplementedError

        _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
        utils._rebuild_tensor_v2, module._utils = _rebuild_tensor_v2, utils
        sys.modules.update({"torch": module, "torch._utils": utils})
    return sys.modules["torch"]


def state_dict(tensors):
    """As nn.Module.state_dict() gives it, with its attribute _metadata."""
    state = collections.OrderedDict(tensors)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


class Pickler(pickle.Pickler):
    def __init__(self, file):
        super().__init__(file, protocol=2)
        self.tensors = []

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        self.tensors.append(obj.tensor)
        return ("storage", getattr(torch(), obj.tensor.storage), str(len(self.tensors) - 1), "cpu", obj.tensor.elements())


class Archive:
    """miniz as PyTorch uses it: entries as they are, bytes at multiples of `alignment`, sizes behind the bytes, zip64."""

    def __init__(self, file, folder, alignment):
        self.file, self.folder, self.alignment, self.directory, self.checksums = file, folder, alignment, [], []

    def add(self, name, pieces):
        name, begin = f"{self.folder}/{name}".encode(), self.file.tell()
        padding = -(begin + 30 + len(name) + 4) % self.alignment
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        head = struct.pack("<HHHHH", 0, 0x0808, 0, 0, 0)  # version, flags: sizes follow, UTF-8; method, time, date
        self.file.write(b"PK\3\4" + head + struct.pack("<IIIHH", 0, 0, 0, len(name), len(extra)) + name + extra)
        size = crc = 0
        for piece in pieces:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            self.file.write(piece)
        self.file.write(b"PK\7\10" + struct.pack("<III", crc, size, size))
        self.directory.append(b"PK\1\2" + struct.pack("<H", 0) + head +
                              struct.pack("<IIIHHHHHII", crc, size, size, len(name), 0, 0, 0, 0, 0, begin) + name)
        self.checksums.append(crc)

    def finish(self):
        begin = self.file.tell()
        for entry in self.directory:
            self.file.write(entry)
        end, count = self.file.tell(), len(self.directory)
        self.file.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, end - begin, begin))
        self.file.write(b"PK\6\7" + struct.pack("<IQI", 0, end, 1))
        self.file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, end - begin, begin, 0))


def save(content, path, byteorder="little", alignment=64):
    """torch.save(content, path) of PyTorch 2.x; byteorder None leaves the record out, as before 2.1."""
    with open(path, "wb") as file:
        archive, pickled = Archive(file, path.stem, alignment), io.BytesIO()
        pickler = Pickler(pickled)
        pickler.dump(content)
        archive.add("data.pkl", [pickled.getvalue()])
        archive.add(".format_version", [b"1"])
        archive.add(".storage_alignment", [str(alignment).encode()])
        if byteorder:
            archive.add("byteorder", [byteorder.encode()])
        for number, tensor in enumerate(pickler.tensors):
            archive.add(f"data/{number}", tensor.pieces())
        archive.add("version", [b"3\n"])
        archive.add(".data/serialization_id", [b"%020d%020d" % (len(archive.directory), sum(archive.checksums) % 10 ** 20)])
        archive.finish()
    return path
