#!/usr/bin/python3
"""Makes the first inputs of every fuzz target: small files that are right, which mutation then damages.

    tests/fuzz/make_seeds.py FOLDER

A folder for each target, named as it. Model files come from tests/golden, and ONNX graphs, nibble's own checkpoints and rarer encodings
from the program that NIBBLE names, if there is one.
"""
import gzip
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def npy(dtype, shape, data):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def idx():
    images = struct.pack(">IIII", 0x803, 2, 2, 2) + bytes(range(8))
    labels = struct.pack(">II", 0x801, 2) + b"\0\1"
    yield bytes([len(labels)]) + labels + images
    yield bytes([len(labels)]) + labels + gzip.compress(images)


def jsons():
    yield b'["a","b","\\u00e9"]'
    yield b'[["a"],[1],[null],[{}]]'
    yield b'{{"a":"b","c":"d"}'
    yield b'{{"a":"b","a":"d"}'


def texts():
    yield b"a warm film\t1\ndull story\t0\n"
    yield "caf\u00e9 \u0130stanbul \u1e9e\t\u00e4\r\nx\ty\r\n".encode()
    yield b"\xef\xbb\xbfone\t1\n\ntwo\t2"


def tables():
    yield b"1,2,3,0\n4,5,6,1\n"
    yield b"a,b,label\n1e-3,-0.5,yes\n+2,.5,no\n"
    yield b"1;2\n"


def arrays():
    yield npy("<f4", (2, 2), struct.pack("<4f", 1, 2, 3, 4))
    yield npy("<f8", (1, 3), struct.pack("<3d", 1, 2, 3))
    yield npy("|u1", (2, 2), bytes(4))
    yield npy("<i8", (3,), bytes(24))


def zips():
    for path in sorted(GOLDEN.glob("*/*.pt")):
        yield path.read_bytes()


def pickles():
    for path in sorted(GOLDEN.glob("*/*.pt")):
        with zipfile.ZipFile(path) as archive:
            yield next(archive.read(name) for name in archive.namelist() if name.endswith("/data.pkl"))


def models():
    for path in sorted(GOLDEN.glob("*/*.safetensors")):
        yield path.read_bytes()


def quantized():
    """Encodings of which tests/golden has none, as the program writes them."""
    program = os.environ.get("NIBBLE")
    for recipe in ("0=pq4:norm,*=int3", "0=pq2x4:channel,*=nf4:g64", "0=rank1:ternary:tensor+f16,*=1bit") if program else ():
        out = Path(sys.argv[1]) / "made.safetensors"
        subprocess.run([program, "quantize", GOLDEN / "1/text-f32.safetensors", "--scheme", recipe, "-o", out],
                       capture_output=True, check=True)
        yield out.read_bytes()
        out.unlink()


def converted(ending):
    """Golden models as the program writes them today."""
    program = os.environ.get("NIBBLE")
    for path in sorted(GOLDEN.glob("1/*.safetensors")) if program else ():
        out = Path(sys.argv[1]) / f"made{ending}"
        done = subprocess.run([program, "convert", path, "-o", out], capture_output=True, check=False)
        if done.returncode == 0:
            yield out.read_bytes()
            out.unlink()


def foreign_graphs():
    """Small networks as other programs write them; none without python3-onnx."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity"))
    try:
        import numpy as np
        import onnx_graphs
    except ImportError:
        return
    draw = np.random.default_rng(1)
    layers = [(draw.normal(0, 0.3, shape).astype(np.float32), draw.normal(0, 0.1, shape[1]).astype(np.float32))
              for shape in ((3, 4), (4, 2))]
    out = Path(sys.argv[1]) / "made.onnx"
    for write in ([lambda kind=kind: onnx_graphs.write_float(out, layers, kind)
                   for kind in ("typed f32", "f64", "f16", "typed f16", "bf16")] +
                  [lambda names=names: onnx_graphs.write_sklearn(out, layers, names) for names in (["0", "1"], ["a", "b"])] +
                  [lambda form=form: onnx_graphs.write_dynamic(out, layers, *form)
                   for form in ((True, False, False), (False, True, False), (False, False, True))] +
                  [lambda form=form: onnx_graphs.write_blocks(out, layers, *form)
                   for form in ((4, 32, True), (4, 16, False), (8, 32, True))]):
        write()
        yield out.read_bytes()
    out.unlink()


SEEDS = {
    "checkpoint": lambda: [*zips(), *converted(".pt")],
    "pickle": pickles,
    "zip": zips,
    "nibble_model": lambda: [*models(), *quantized()],
    "safetensors": models,
    "onnx": lambda: [*converted(".onnx"), *foreign_graphs()],
    "json": jsons,
    "labelled_text": texts,
    "numeric_csv": tables,
    "tokenizer": texts,
    "vocabulary": lambda: [b"one\ntwo\nthree", b"\xc3\xa9"],
    "npy": arrays,
    "idx": idx,
    "gzip": lambda: [gzip.compress(b"a film\t1\n" * 20), gzip.compress(b"a") + gzip.compress(b"b")],
}


def main():
    for target, make in SEEDS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(make()):
            (folder / f"seed-{number:02}").write_bytes(seed)


if __name__ == "__main__":
    main()
