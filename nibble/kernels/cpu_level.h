// Which instruction set the kernels use. Chosen once per process, the best the machine has; a user
// forces a lower one with --cpu LEVEL or NIBBLE_CPU=LEVEL, a test with force_cpu_level.
//
// | level     | what it has                      | first in                  |
// | avx3_bf16 | avx3_dl and VDPBF16PS            | Cooper Lake, Zen 4        |
// | avx3_dl   | AVX-512 with VNNI, VBMI, GFNI    | Ice Lake                  |
// | avx3      | AVX-512 F, BW, CD, DQ, VL        | Skylake server            |
// | avx2      | AVX2, FMA, F16C                  | Haswell, Zen              |
// | sse4      | SSE4.2                           | Nehalem, Bulldozer        |
// | ssse3     | SSSE3                            | Core 2                    |
// | scalar    | nothing assumed; plain loops     | every CPU                 |
//
// avx3_bf16 runs the avx3_dl code of every kernel but the bf16 ones. Highway 1.0.3 has no level of
// that name, so it is a switch of our own on top. Levels we do not build: AMX (no machine at hand
// to test on) and AVX-VNNI at 256 bits (Alder Lake; Highway has no level for it, avx2 runs there).
//
// The level holds for the whole process and must not change while another thread predicts. What was
// packed at one level stays valid at every other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

// Names of the levels this machine can run, best first, the last always "scalar".
std::vector<std::string> available_cpu_levels();

// The level in use. The first call reads NIBBLE_CPU; an Error if that names no level of this
// machine. Whoever calls kernels calls this (or force_cpu_level) once before.
std::string cpu_level();

// From now on use this level; "" or "auto" means the best. An Error if the machine lacks it or the
// name is unknown.
void force_cpu_level(std::string_view name);

// Whether the level in use is avx3_bf16, where bf16 kernels round their inputs to bf16
// (bf16_dense.h).
bool bf16_dots_in_use();

// The Highway target whose code a kernel door really runs, in lower case ("avx3_dl"; for scalar
// "scalar" or "emu128"): the proof that forcing worked.
std::string running_target();

}  // namespace nibble
