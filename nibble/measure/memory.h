// How much memory this process has needed.
#pragma once

#include <cstddef>

namespace nibble {

// The most that was resident at once since the program started, in bytes: the kernel's VmHWM. (Not
// getrusage's ru_maxrss, which a program inherits from the one that started it.) 0 where the kernel
// does not tell.
std::size_t peak_resident_bytes();

}  // namespace nibble
