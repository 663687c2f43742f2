// Quantization that looks at data: second-order rounding layer by layer, and training through the
// rounding.
#pragma once

#include <cstddef>
#include <functional>

#include "nibble/model/model.h"
#include "nibble/quant/recipe.h"
#include "nibble/studio/held_out.h"
#include "nibble/train/settings.h"

namespace nibble {

// As quantize(), with the codes of grouped encodings rounded by second order (second_order.h). Each
// layer is calibrated with what the layers before it, quantized, make of the training rows; and the
// mean of what its outputs still lose goes into its bias (Nagel 2019, 1906.04721). Other encodings
// are rounded to the nearest, their bias corrected as well.
QuantizedMlp quantize_second_order(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                                   const RowsView& training);

// Quantization-aware training, in rounds: the network is quantized, the decoded weights are trained
// for a piece of an epoch, and what they moved by is added to the float weights (the
// straight-through estimate, Bengio 2013, a piece at a time). The best by validation of all rounds'
// quantized networks is returned; the untrained one takes part.
struct AwareSettings {
  std::size_t epochs = 3;
  std::size_t pieces = 4;  // of an epoch
  double learning_rate = 1e-4;
  std::uint32_t seed = 0;
  std::function<bool()> should_stop;
};
QuantizedMlp quantize_aware(const Mlp& mlp, const Recipe& recipe, InputKind inputs,
                            const HeldOut& rows, const AwareSettings& settings);

}  // namespace nibble
