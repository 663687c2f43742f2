// PreparedMlp: a network packed for the CPU level in use, the last of three stages. Const while
// predicting and shared by any number of threads; each thread brings its own Scratch.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/quant/quantized_mlp.h"

namespace nibble {

class PreparedMlp {
 public:
  // Moved in, the first layer's weights are taken over where their layout allows it.
  explicit PreparedMlp(Mlp mlp);
  explicit PreparedMlp(QuantizedMlp mlp);
  ~PreparedMlp();
  PreparedMlp(PreparedMlp&&) noexcept;
  PreparedMlp& operator=(PreparedMlp&&) noexcept;

  std::size_t inputs() const;
  std::size_t outputs() const;

  // Working memory of one thread; grows to the largest call seen, then no call allocates.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class PreparedMlp;
    struct State;
    std::unique_ptr<State> state_;
  };

  // logits: rows * outputs(), row-major. A dense row gives the same bits as the sparse row with its
  // non-zeros. An Error if the columns do not fit. int8-torch takes all rows of the call as one
  // batch (one scale for all).
  void logits(const RowsView& rows, std::span<float> logits, Scratch& scratch) const;

 private:
  struct Layers;
  std::unique_ptr<const Layers> layers_;
};

}  // namespace nibble
