// Which instruction set the kernels use. Chosen once per process, the best the machine has; a user
// forces a lower one with --cpu LEVEL or NIBBLE_CPU=LEVEL, a test with force_cpu_level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibble {

// Names of the levels this machine can run, best first, the last always "scalar":
// "avx3_dl" (AVX-512 with VNNI, BF16), "avx3", "avx2", "sse4", "ssse3", "scalar".
std::vector<std::string> available_cpu_levels();
// The level in use.
std::string cpu_level();
// From now on use this level; "" or "auto" means the best. An Error if the machine lacks it or the
// name is unknown.
void force_cpu_level(std::string_view name);

}  // namespace nibble
