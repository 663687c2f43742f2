// How long each layer of a network takes alone, on one thread. Its inputs are what the layers
// before it make of real rows.
//
// Run again and again, a layer finds its weights nearer than within a whole call (a small one in
// L1), so the times of all layers add up to less than that of the network.
#pragma once

#include <cstddef>
#include <vector>

#include "nibble/data/rows.h"
#include "nibble/infer/prepared_mlp.h"
#include "nibble/measure/ceilings.h"
#include "nibble/measure/floor.h"
#include "nibble/measure/timing.h"
#include "nibble/model/summary.h"

namespace nibble {

struct LayerTime {
  std::size_t layer = 0;  // 0 is the first
  LayerSummary summary;
  std::size_t batch = 1;
  double ns = 0.0;  // of one call, back to back: too short for a clock around each
  CallWork work;
  double floor_ns = 0.0;
};

// Sets `active` of each layer but the first to the share of its inputs that the first 256 of `rows`
// leave different from zero: for f32 and f16, which skip zeros (floor.h).
void find_active_shares(const PreparedMlp& network, const RowsView& rows,
                        std::vector<LayerLoad>& layers);

// What stays the same for all layers. Everything must outlive the call.
struct LayerTiming {
  const PreparedMlp& network;
  const std::vector<LayerLoad>& layers;
  Scheme scheme;
  const MachineCeilings& ceilings;
};

// Every layer at one batch size; `rows` must hold at least one batch.
std::vector<LayerTime> time_layers(const LayerTiming& what, const RowsView& rows, std::size_t batch,
                                   const TimingLimits& limits);

}  // namespace nibble
