#include "nibble/measure/memory.h"

#include <cstdlib>
#include <string>

#include "nibble/measure/proc_file.h"

namespace nibble {

std::size_t peak_resident_bytes() {
  const std::string kibibytes = value_in_file("/proc/self/status", "VmHWM", ':');
  return static_cast<std::size_t>(std::strtoull(kibibytes.c_str(), nullptr, 10)) * 1024;
}

}  // namespace nibble
