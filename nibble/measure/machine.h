// What a figure was measured on: enough for a reader to judge and repeat it.
#pragma once

#include <cstddef>
#include <string>

namespace nibble {

struct MachineInfo {
  std::string cpu_model;  // as the kernel names it, "AMD EPYC"; "unknown" where it does not say
  std::size_t processors = 0;    // that this process may use
  std::string cpu_level;         // the instruction set in use (kernels/cpu_level.h)
  std::string memory;            // "15.6 GiB"
  std::string operating_system;  // "Debian GNU/Linux 12 (bookworm), Linux 6.1.0"
  std::string compiler;          // "GCC 12.2.0"
  std::string nibble_version;
};

MachineInfo describe_machine();

}  // namespace nibble
