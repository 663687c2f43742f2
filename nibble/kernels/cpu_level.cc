#include "nibble/kernels/cpu_level.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/ranges.h>

#include "nibble/core/error.h"
#include "nibble/kernels/cpu_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nibble/kernels/cpu_level.cc"
#include "hwy/foreach_target.h"
// after foreach_target.h
#include "hwy/highway.h"

#include "nibble/kernels/dispatch.h"

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

NIBBLE_EXPORT(target_of_this_code);

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

std::vector<Level> find_levels() {
  const std::int64_t supported = supported_targets() & HWY_TARGETS;
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

// Its place in HWY_CHOOSE_TARGET_LIST, whose order is that of the targets' bits; plain loops, and
// the baseline of other CPUs, stand behind it.
std::size_t place_of(const Level& level) {
  constexpr int kFirstBit = HWY_HIGHEST_TARGET_BIT + 1 - HWY_MAX_DYNAMIC_TARGETS;
  if (level.target == HWY_STATIC_TARGET) return HWY_MAX_DYNAMIC_TARGETS;
  return static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(level.target)) -
                                  kFirstBit);
}

void use(const Level& level) {
  detail::level_place = place_of(level);
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

std::size_t detail::choose_level_place() { return place_of(current_level()); }

std::vector<std::string> available_cpu_levels() {
  std::vector<std::string> names;
  for (const Level& level : levels()) names.emplace_back(level.name);
  return names;
}

std::string cpu_level() { return std::string(current_level().name); }

void force_cpu_level(std::string_view name) { use(level_named(name)); }

bool bf16_dots_in_use() { return current_level().bf16_dots; }

std::string running_target() {
  std::string name = NIBBLE_DISPATCH(target_of_this_code)();
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return name;
}

}  // namespace nibble
#endif  // HWY_ONCE
