#include "nibble/kernels/cpu_level.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/ranges.h>

#include "nibble/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/cpu_level.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nibble::HWY_NAMESPACE {
namespace {
const char* target_of_this_code() { return hwy::TargetName(HWY_TARGET); }
}  // namespace
}  // namespace nibble::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nibble {
namespace {

HWY_EXPORT(target_of_this_code);

struct Level {
  std::string_view name;
  std::int64_t target;
  bool bf16_dots;
};

// Best first.
constexpr std::array kLevels = {
#if HWY_ARCH_X86
    Level{"avx3_bf16", HWY_AVX3_DL, true},    Level{"avx3_dl", HWY_AVX3_DL, false},
    Level{"avx3", HWY_AVX3, false},           Level{"avx2", HWY_AVX2, false},
    Level{"sse4", HWY_SSE4, false},           Level{"ssse3", HWY_SSSE3, false},
#endif
    Level{"scalar", HWY_STATIC_TARGET, false}};

bool cpu_has_bf16_dots() {
#if HWY_ARCH_X86
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

std::vector<Level> find_levels() {
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  std::vector<Level> found;
  for (const Level& level : kLevels) {
    const bool runs = (supported & level.target) != 0 || level.target == HWY_STATIC_TARGET;
    if (runs && (!level.bf16_dots || cpu_has_bf16_dots())) found.push_back(level);
  }
  return found;
}

const std::vector<Level>& levels() {
  static const std::vector<Level> found_here = find_levels();
  return found_here;
}

const Level& level_named(std::string_view name) {
  if (name.empty() || name == "auto") return levels().front();
  for (const Level& level : levels()) {
    if (level.name == name) return level;
  }
  throw_error("no CPU level \"{}\" on this machine; choose auto or one of: {}", name,
              fmt::join(available_cpu_levels(), ", "));
}

std::atomic<const Level*> level_in_use{nullptr};

void use(const Level& level) {
  hwy::SetSupportedTargetsForTest(level.target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  level_in_use = &level;
}

const Level& current_level() {
  static const bool environment_read = [] {
    if (level_in_use == nullptr) {
      const char* name = std::getenv("NIBBLE_CPU");
      use(level_named(name == nullptr ? "" : name));
    }
    return true;
  }();
  static_cast<void>(environment_read);
  return *level_in_use;
}

}  // namespace

std::vector<std::string> available_cpu_levels() {
  std::vector<std::string> names;
  for (const Level& level : levels()) names.emplace_back(level.name);
  return names;
}

std::string cpu_level() { return std::string(current_level().name); }

void force_cpu_level(std::string_view name) { use(level_named(name)); }

bool bf16_dots_in_use() { return current_level().bf16_dots; }

std::string running_target() {
  std::string name = HWY_DYNAMIC_DISPATCH(target_of_this_code)();
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return name;
}

}  // namespace nibble
#endif  // HWY_ONCE
