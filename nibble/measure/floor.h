// The least time a call can take on this machine, whatever the code: a bar to hold measured times
// against.
//
//   floor = max(operations / peak, bytes / bandwidth)
//
// operations: 2 for each product of a non-zero input with a first-layer weight, and for each weight
//   of the later layers and each row. Peak: of the byte dot product for int8, int8-torch and int4;
//   of the bf16 dot product (else f32) for bf16; of f32 multiply-adds for f32 and f16.
// bytes: what must be read at least once in the call: first-layer weights (and their scales) of the
//   columns that have a non-zero in the batch, all later layers, the input rows. Bandwidth: of the
//   smallest cache that holds these bytes, for they were read by the call before; of memory if none
//   does.
// Both rates are those of as many threads as share the call, at most one for each row.
//
// At batch 1, f32 and f16 layers read only the weights of inputs that are not zero; those that ReLU
// made zero count neither as operations nor as bytes. Other encodings multiply inputs in pairs or
// fours, larger batches in blocks: there no weight can be left out.
//
// Reading first-layer rows costs more when other rows were read in between; a floor leaves that
// out.
#pragma once

#include <cstddef>
#include <vector>

#include "nibble/data/rows.h"
#include "nibble/measure/ceilings.h"
#include "nibble/model/model.h"
#include "nibble/model/summary.h"

namespace nibble {

struct CallWork {
  double operations = 0.0;
  double bytes = 0.0;
};

// A layer with weights, and what part of its inputs has to be looked at.
struct LayerLoad {
  LayerSummary summary;
  double active = 1.0;  // share of its inputs that are not zero, where zeros cost nothing
};

// The model's layers with weights, in order, all inputs active.
std::vector<LayerLoad> layer_loads(const Model& model);

// Of a whole call. Mean over the batches of `batch` rows that `rows` holds (the first 64 of them).
CallWork mean_call_work(const std::vector<LayerLoad>& layers, const RowsView& rows,
                        std::size_t batch);

// Of one layer alone, behind another: its weights once, `batch` rows of float32 inputs.
CallWork later_layer_work(const LayerLoad& layer, std::size_t batch);

double floor_ns(const CallWork& work, Scheme scheme, const MachineCeilings& ceilings,
                std::size_t threads);

}  // namespace nibble
