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
  std::size_t layer_count() const;

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

  // logits: rows * outputs(), row-major. An Error if the columns do not fit.
  //
  // A row's logits have the same bits in any batch, and as a dense row or as the sparse row with
  // its non-zeros. For int8 and int4 they are the same on every CPU: quant/reference_forward.h's.
  // (int8-torch, too, but it takes all rows of the call as one batch, with one scale for all.) f32,
  // f16 and bf16 differ between CPUs in the last bits, as only avx2 and above multiply and add in
  // one rounding, and bf16 at avx3_bf16 rounds the inputs of each layer to bf16.
  void logits(const RowsView& rows, std::span<float> logits, Scratch& scratch) const;

  // One layer alone, for measurements: `rows` are what it takes in. Its outputs, after their ReLU,
  // are [rows][outputs of the layer]; with null they stay in the scratch, a block over the one
  // before, as they do within logits().
  void run_layer(std::size_t layer, const RowsView& rows, Scratch& scratch,
                 Matrix<float>* outputs = nullptr) const;

 private:
  struct Layers;
  std::unique_ptr<const Layers> layers_;
};

}  // namespace nibble
