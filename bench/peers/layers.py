"""Single dense layers: nibble's kernels beside oneDNN and OpenBLAS, a process for each figure."""
import subprocess

from program import Failure, environment

GEMM = (1024, 1024, 1024)
GEMVS = ((1, 10000, 512), (1, 4096, 4096))
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
ONEDNN = ("onednn-fused", "onednn-plain", "onednn-gemm")


def cases(threads, batches=BATCHES):
    """(library, type, rows, inputs, outputs, threads)"""
    found = []
    for count in threads:
        for kind in ("f32", "int8"):
            found += [(library, kind, *GEMM, count) for library in ("nibble", *ONEDNN)]
        found.append(("openblas", "f32", *GEMM, count))
        for shape in GEMVS:
            found += [("nibble", kind, *shape, count) for kind in ("f32", "int8", "int4")]
            found += [(library, "int8", *shape, count) for library in ONEDNN]
            found.append(("openblas", "f32", *shape, count))
    for rows in batches:
        found += [(library, kind, rows, 784, 512, 1) for kind in ("f32", "int8")
                  for library in ("nibble", "onednn-fused", "onednn-plain")]
        found.append(("openblas", "f32", rows, 784, 512, 1))
    return found


def nanoseconds(program, case, seconds):
    done = subprocess.run([str(program), *map(str, case), str(seconds)], capture_output=True, text=True, check=False,
                          env=environment(case[-1]))
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, case))}: {done.stderr.strip()}")
    return float(done.stdout)


def measure(program, all_cases, seconds):
    return {case: nanoseconds(program, case, seconds) for case in all_cases}
