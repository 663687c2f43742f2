// The float kernels, dense and sparse, against the chain of products that they promise, to the bit.
#include "nibble/kernels/float_dense.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/bf16_dense.h"
#include "nibble/kernels/float_sparse.h"
#include "nibble/kernels/kernel_test.h"

namespace nibble {
namespace {

// To nearest bf16, ties to even.
std::uint16_t rounded_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U);
}
float float_from_bf16(std::uint16_t code) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(code) << 16U);
}

// 2^-8 .. 2^7 times 1 + fraction/1024, which needs no table.
float float_from_f16(std::uint16_t code) {
  const int exponent = (code >> 10U & 31) - 15;
  const float magnitude = std::ldexp(1.0F + static_cast<float>(code & 1023U) / 1024.0F, exponent);
  return (code & 0x8000U) != 0 ? -magnitude : magnitude;
}

class FloatKernels : public EveryLevel {
 protected:
  void fill(std::size_t rows, std::size_t inputs, std::size_t outputs) {
    rows_ = rows;
    inputs_ = inputs;
    outputs_ = outputs;
    stride_ = inputs + 3;
    x_ = draw_floats(rows * stride_ + 1);
    for (std::size_t i = 0; i < x_.size(); i += 3) x_[i] = 0.0F;
    bias_ = draw_floats(outputs);
  }
  float x(std::size_t r, std::size_t i) const { return x_[1 + r * stride_ + i]; }

  float chain(const Matrix<float>& weights, std::size_t r, std::size_t o, bool round) const {
    float sum = bias_[o];
    for (std::size_t i = 0; i < inputs_; ++i) {
      const float value = round ? float_from_bf16(rounded_to_bf16(x(r, i))) : x(r, i);
      if (fused()) {
        sum = std::fma(value, weights.at(i, o), sum);
      } else {
        const float product = value * weights.at(i, o);
        sum += product;
      }
    }
    return std::max(0.0F, sum);
  }

  // dense(rows, finish, y) and some sparse(row, finish, y).
  template <typename Dense, typename... Sparse>
  void check(const Matrix<float>& weights, bool round, Dense dense, Sparse... sparse) const {
    const AlignedVector<float> bias = padded(bias_);
    const Finish finish{bias.data(), true};
    const std::size_t stride = padded_outputs(outputs_) + 5;
    std::vector<float> y(rows_ * stride + 1, -77.0F);
    dense(FloatRows{x_.data() + 1, stride_, rows_}, finish, OutputRows{y.data() + 1, stride});
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t o = 0; o < outputs_; ++o)
        ASSERT_EQ(y[1 + r * stride + o], chain(weights, r, o, round))
            << rows_ << " x " << inputs_ << " x " << outputs_ << ", row " << r << " output " << o;
      for (std::size_t o = padded_outputs(outputs_); o < stride; ++o)
        ASSERT_EQ(y[1 + r * stride + o], -77.0F) << "written behind the padding";
      (check_sparse(weights, r, round, sparse), ...);
    }
  }

  template <typename Sparse>
  void check_sparse(const Matrix<float>& weights, std::size_t r, bool round, Sparse sparse) const {
    std::vector<std::uint32_t> columns;
    std::vector<float> values;
    for (std::size_t i = 0; i < inputs_; ++i) {
      if (x(r, i) == 0.0F) continue;
      columns.push_back(static_cast<std::uint32_t>(i));
      values.push_back(x(r, i));
    }
    const AlignedVector<float> bias = padded(bias_);
    std::vector<float> y(padded_outputs(outputs_) + 1);
    sparse(SparseRow{columns.data(), values.data(), columns.size()}, Finish{bias.data(), true},
           y.data() + 1);
    for (std::size_t o = 0; o < outputs_; ++o)
      ASSERT_EQ(y[1 + o], chain(weights, r, o, round)) << "sparse, row " << r << " output " << o;
  }

  void check_f32() {
    Matrix<float> weights(inputs_, outputs_);
    std::ranges::copy(draw_floats(inputs_ * outputs_), weights.values.begin());
    const F32Panels panels = pack_f32_panels(view_of(weights));
    const Gathered<float> gathered = pack_gathered(Matrix(weights));
    check(
        weights, false, [&](auto rows, auto finish, auto y) { f32_dense(rows, panels, finish, y); },
        [&](auto row, auto finish, auto* y) { f32_sparse(row, gathered, finish, y); },
        [&](auto row, auto finish, auto* y) { f32_dense_row(row, panels, finish, y); });
  }

  void check_f16() {
    Matrix<std::uint16_t> codes(inputs_, outputs_);
    Matrix<float> weights(inputs_, outputs_);
    for (std::size_t i = 0; i < codes.values.size(); ++i) {
      codes.values[i] =
          static_cast<std::uint16_t>(draw(1, 0, 1)[0] << 15 | draw(1, 0x1C00, 0x57FF)[0]);
      weights.values[i] = float_from_f16(codes.values[i]);
    }
    const F16Panels panels = pack_f16_panels(view_of(codes));
    const Gathered<std::uint16_t> gathered = pack_gathered(Matrix(codes));
    std::vector<std::uint32_t> workspace(f16_dense_workspace(rows_, inputs_));
    check(
        weights, false,
        [&](auto rows, auto finish, auto y) {
          f16_dense(rows, panels, finish, y, workspace.data());
        },
        [&](auto row, auto finish, auto* y) { f16_sparse(row, gathered, finish, y); },
        [&](auto row, auto finish, auto* y) { f16_dense_row(row, panels, finish, y); });
  }

  void check_bf16() {
    Matrix<std::uint16_t> codes(inputs_, outputs_);
    Matrix<float> weights(inputs_, outputs_);
    for (std::size_t i = 0; i < codes.values.size(); ++i) {
      codes.values[i] = rounded_to_bf16(draw_floats(1)[0]);
      weights.values[i] = float_from_bf16(codes.values[i]);
    }
    const Bf16Panels panels = pack_bf16_panels(view_of(codes));
    const Gathered<std::uint16_t> gathered = pack_gathered(Matrix(codes));
    std::vector<std::uint32_t> workspace(bf16_dense_workspace(rows_, inputs_));
    check(
        weights, bf16_dots_in_use(),
        [&](auto rows, auto finish, auto y) {
          bf16_dense(rows, panels, finish, y, workspace.data());
        },
        [&](auto row, auto finish, auto* y) { bf16_sparse(row, gathered, finish, y); });
  }

  std::size_t rows_ = 0;
  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
  std::size_t stride_ = 0;
  std::vector<float> x_;
  std::vector<float> bias_;
};

TEST_P(FloatKernels, EveryShape) {
  for (const std::size_t inputs : awkward_sizes()) {
    for (const std::size_t outputs : {1U, 15U, 17U, 63U, 65U, 144U, 600U}) {
      if (inputs * outputs > 40000) continue;
      fill(1 + (inputs + outputs) % 8, inputs, outputs);
      check_f32();
      check_f16();
      check_bf16();
    }
  }
}

TEST_P(FloatKernels, EveryNumberOfRows) {
  for (std::size_t rows = 1; rows <= 13; ++rows) {
    fill(rows, 19, 112);
    check_f32();
    check_f16();
    check_bf16();
  }
}

TEST_P(FloatKernels, MoreRowsThanGoTogether) {
  for (const std::size_t rows : {kRowsTogether + 1, 2 * kRowsTogether + 5}) {
    fill(rows, 19, 70);
    check_f32();
    check_f16();
    check_bf16();
  }
}

// In one piece of a panel's inputs and in several, around the least rows it is done for.
TEST_P(FloatKernels, WeightsWidenedOnce) {
  for (const std::size_t rows : {kRowsToWidenFor - 1, kRowsToWidenFor, kRowsToWidenFor + 7}) {
    for (const std::size_t inputs : {kWidenedInputs, kWidenedInputs + 1, 2 * kWidenedInputs + 3}) {
      fill(rows, inputs, 70);
      check_f16();
      check_bf16();
    }
  }
}

NIBBLE_ON_EVERY_LEVEL(FloatKernels);

}  // namespace
}  // namespace nibble
