#!/usr/bin/python3
"""Reading a model takes the file and 16 MB at most, the program itself counted; answering from nibble's own file the file and
8 MB. The peak is the kernel's, of the whole process.
"""
import itertools
import resource
import struct
import subprocess
import sys
import unittest

from program import NIBBLE, ProgramTest, nibble
from torch_file import Tensor, save, state_dict

MB = 1_000_000
PIECE = 1 << 20


def little_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def numbers_like_weights(code):
    """A megabyte of float32 (f) or float16 (e), none of them 0."""
    count = PIECE // struct.calcsize(code)
    return struct.pack(f"<{count}{code}", *[0.01 * (1 + index % 17) * (-1) ** index for index in range(count)])


def large(shape, storage="FloatStorage"):
    code = {"FloatStorage": "f", "HalfStorage": "e"}[storage]
    piece, size = numbers_like_weights(code), shape[0] * shape[1] * struct.calcsize(code)
    return Tensor(shape, storage=storage,
                  pieces=lambda: itertools.chain((piece for _ in range(size // PIECE)), [piece[:size % PIECE]]))


# A child's peak is not less than what its parent has needed: a parent as small as Python gets, 9 MB.
SMALL_PARENT = """import os, sys
out = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=out), 0)
print(status, usage.ru_maxrss * 1024)"""


def peak_of(*arguments):
    """Of `nibble arguments...`, in bytes."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", SMALL_PARENT, NIBBLE, *map(str, arguments)], check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    status, peak = map(int, done.stdout.split())
    assert status == 0, arguments
    return peak


class Memory(ProgramTest):
    def checkpoint(self, inputs, outputs, storage="FloatStorage"):
        state = {"0.weight": large((outputs, inputs), storage), "0.bias": Tensor((outputs,), [0.5] * outputs),
                 "3.weight": Tensor((2, outputs), [0.25] * 2 * outputs, storage=storage), "3.bias": Tensor((2,), [0.0, 1.0])}
        return save({"model_state_dict": state_dict(state)}, self.folder / f"{inputs}.pt")

    def assert_fits(self, room, file, *arguments):
        size = file.stat().st_size
        peak = peak_of(*arguments)
        print(f"{arguments[0]} {file.name}: {peak / MB:.1f} MB for {size / MB:.1f}", file=sys.stderr)
        self.assertLessEqual(peak, size + room, f"{arguments[0]} of {size / MB:.1f} MB took {peak / MB:.1f} MB")

    def row_of(self, inputs):
        self.write("row.csv", ",".join(["1"] + ["0"] * (inputs - 1)) + "\n")
        return self.write("rows.csv", ",".join(["1"] + ["0"] * (inputs - 1)) + ",0\n")

    def test_checkpoints_of_pytorch(self):
        path, rows = self.checkpoint(10_000, 512), self.row_of(10_000)
        self.assert_fits(16 * MB, path, "inspect", path)
        self.assert_fits(16 * MB, path, "convert", path, "-o", self.folder / "to.safetensors")
        self.assert_fits(16 * MB, path, "eval", path, rows)

    def test_larger_checkpoints(self):
        path = self.checkpoint(10_000, 2560)
        self.assert_fits(16 * MB, path, "convert", path, "-o", self.folder / "to.safetensors")

    def test_half_checkpoints(self):
        path, rows = self.checkpoint(10_000, 1024, "HalfStorage"), self.row_of(10_000)
        for verb in (("inspect", path), ("convert", path, "-o", self.folder / "to.safetensors"), ("eval", path, rows)):
            self.assert_fits(16 * MB, path, *verb)

    def test_answers_from_a_model_file(self):
        path, rows = self.checkpoint(10_000, 512), self.row_of(10_000)
        for scheme in ("f32", "f16", "bf16", "int8", "int4"):
            with self.subTest(scheme=scheme):
                model = self.folder / f"{scheme}.safetensors"
                self.run_well("quantize", path, "--scheme", scheme, "-o", model)
                self.assert_fits(8 * MB, model, "predict", model, self.folder / "row.csv")
                self.assert_fits(16 * MB, model, "inspect", model)


if __name__ == "__main__":
    try:  # the sanitizers keep memory of their own
        fits = nibble("--version", preexec_fn=little_memory).returncode == 0
    except OSError:
        fits = False
    if not fits:
        print("skipped: this program cannot run in 2 GB of addresses; it is built with a sanitizer")
        sys.exit(77)
    unittest.main()
