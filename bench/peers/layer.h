// One dense layer, timed alone: rows x inputs times inputs x outputs, by one library at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace nibble::peers {

struct Shape {
  std::size_t rows = 1;
  std::size_t inputs = 1;
  std::size_t outputs = 1;
};

// Operands that no library can shorten (no x is 0) and whose exact answer fits float32 and int32:
// x in 1..3, w in -2..2, bias 0.
inline int x_at(std::size_t row, std::size_t input) {
  return static_cast<int>((row + input) % 3) + 1;
}
inline int w_at(std::size_t input, std::size_t output) {
  return static_cast<int>((input * 7 + output * 3 + input / 5) % 5) - 2;
}

// What to time and what came out of it. `call` may be run any number of times; `result` is read
// after one. Both own what they need.
struct Layer {
  std::function<void()> call;
  std::function<double(std::size_t row, std::size_t output)> result;
  bool relu = false;  // negative results come out as 0
};

// type: f32, int8 or int4. Weights are packed before; scales, bias and ReLU are part of the call.
Layer nibble_layer(const std::string& type, const Shape& shape, std::size_t threads);
// type: f32 or int8. Weights are packed before; "fused" does the work of nibble's layers, "plain"
// is the product alone (int8: int32 sums), "gemm" the call in the manner of BLAS, nothing packed.
Layer onednn_layer(const std::string& type, const Shape& shape, const std::string& form);
// float32 alone: sgemm, or sgemv for one row.
Layer openblas_layer(const Shape& shape);

}  // namespace nibble::peers
