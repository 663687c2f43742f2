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
// Reading first-layer rows costs more when other rows were read in between; a floor leaves that
// out.
#pragma once

#include <cstddef>

#include "nibble/data/rows.h"
#include "nibble/measure/ceilings.h"
#include "nibble/model/model.h"

namespace nibble {

struct CallWork {
  double operations = 0.0;
  double bytes = 0.0;
};

// Mean over the batches of `batch` rows that `rows` holds (the first 64 of them).
CallWork mean_call_work(const Model& model, const RowsView& rows, std::size_t batch);

double floor_ns(const CallWork& work, Scheme scheme, const MachineCeilings& ceilings,
                std::size_t threads);

}  // namespace nibble
