#!/usr/bin/python3
"""Makes a folder of golden model files with the nibble that NIBBLE names: one of each scheme, recipes that together use every
encoding and every way to share a scale, one as `nibble shrink` writes it; and what each answers.

    NIBBLE=build/release/nibble PYTHONPATH=tests tests/golden/make.py tests/golden/NAME

To be run once for each change of the file format, before it is released; tests/golden_test.py reads the files for ever.
"""
import sys
import tempfile
from pathlib import Path

from program import nibble, number_rows, text_rows

SCHEMES = {name: name for name in ("f32", "f16", "bf16", "int8", "int8-torch", "int4")} | {
    "mixed": "0=int4:row,1=int8,2=f16",
    "mixed-bf16": "0=bf16,1=f32,2=int8:row",
    "rank": "0=rank1:int6:tensor+f16,*=int4",
    "int2": "int2:channel:asym",
    "int3": "int3:g64",
    "int5": "int5:row:asym",
    "int7": "int7:2x4",
    "ternary": "ternary",
    "1bit": "1bit:g128",
    "nf4": "nf4",
    "pq": "0=pq3x4:channel,*=pq2",
    "fp8": "fp8",
}


def run(*arguments, **options):
    done = nibble(*arguments, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    rows = {"text": text_rows(60), "numbers": number_rows(60)}
    asked = {"text": b"a warm and funny film\ndull cold story\n\n", "numbers": b"1,2,3\n0,0,0\n-1.5,0.25,2\n"}
    with tempfile.TemporaryDirectory() as scratch:
        for kind, content in rows.items():
            data = Path(scratch) / f"{kind}.{'tsv' if kind == 'text' else 'csv'}"
            data.write_text(content)
            checkpoint = Path(scratch) / f"{kind}.pt"
            run("train", data, "-o", checkpoint, "--hidden", "9,5", "--epochs", "2", "--learning-rate", "0.01", "--quiet")
            (folder / f"{kind}.input").write_bytes(asked[kind])
            for name, scheme in SCHEMES.items():
                run("quantize", checkpoint, "--scheme", scheme, "-o", folder / f"{kind}-{name}.safetensors")
            run("shrink", checkpoint, data, "-o", folder / f"{kind}-shrunk.safetensors")
            for model in folder.glob(f"{kind}-*.safetensors"):
                # One row at a time: int8-torch has one scale for all rows of a batch.
                answers = run("predict", model, "--logits", "--batch", "1", input=asked[kind])
                model.with_suffix(".answers").write_bytes(answers)


if __name__ == "__main__":
    main()
