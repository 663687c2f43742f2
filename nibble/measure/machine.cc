#include "nibble/measure/machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "nibble/core/threads.h"
#include "nibble/kernels/cpu_level.h"
#include "nibble/measure/proc_file.h"

namespace nibble {
namespace {

std::string memory_size() {
  const double bytes =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  return fmt::format("{:.1f} GiB", bytes / (1024.0 * 1024.0 * 1024.0));
}

std::string operating_system_name() {
  std::string name = value_in_file("/etc/os-release", "PRETTY_NAME", '=');
  utsname kernel{};
  if (uname(&kernel) != 0) return name.empty() ? "unknown" : name;
  const std::string release = fmt::format("{} {}", kernel.sysname, kernel.release);
  return name.empty() ? release : fmt::format("{}, {}", name, release);
}

std::string compiler_name() {
#if defined(__clang__)
  return fmt::format("Clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "unknown";
#endif
}

}  // namespace

MachineInfo describe_machine() {
  MachineInfo machine;
  machine.cpu_model = value_in_file("/proc/cpuinfo", "model name", ':');
  if (machine.cpu_model.empty()) machine.cpu_model = "unknown";
  machine.processors = available_processors();
  machine.cpu_level = cpu_level();
  machine.memory = memory_size();
  machine.operating_system = operating_system_name();
  machine.compiler = compiler_name();
  machine.nibble_version = NIBBLE_VERSION;
  return machine;
}

}  // namespace nibble
