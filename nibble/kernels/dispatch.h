// The door of a kernel: its code for every CPU level in a table, and the call through the level in
// use.
//
//   NIBBLE_EXPORT(sum_rows);                                  // in namespace nibble, under
//   HWY_ONCE float sum(...) { return NIBBLE_DISPATCH(sum_rows)(...); }
//
// Highway has the same (HWY_EXPORT, HWY_DYNAMIC_DISPATCH), but behind them a library that measures
// the CPU's timer whenever a process starts: 3 of the 6 ms that "nibble --version" took.
#pragma once

#include <atomic>
#include <cstddef>

#include "hwy/highway.h"

namespace nibble::detail {

// Where the level in use stands in every table. Set by cpu_level.cc.
inline constexpr std::size_t kNoPlace = HWY_MAX_DYNAMIC_TARGETS + 1;
inline std::atomic<std::size_t> level_place{kNoPlace};

// Chooses the level as cpu_level() does.
std::size_t choose_level_place();

inline std::size_t place_in_use() {
  const std::size_t place = level_place.load(std::memory_order_relaxed);
  return place != kNoPlace ? place : choose_level_place();
}

}  // namespace nibble::detail

#define NIBBLE_EXPORT(name)                                                         \
  constexpr decltype(&HWY_STATIC_DISPATCH(name)) HWY_CONCAT(name, _on_levels)[] = { \
      HWY_CHOOSE_TARGET_LIST(name), HWY_CHOOSE_FALLBACK(name)}

#define NIBBLE_DISPATCH(name) (*HWY_CONCAT(name, _on_levels)[::nibble::detail::place_in_use()])
