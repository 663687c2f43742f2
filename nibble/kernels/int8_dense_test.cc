// int8_dense and int8_sparse against three loops.
#include "nibble/kernels/int8_dense.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/int8_sparse.h"
#include "nibble/kernels/kernel_test.h"

namespace nibble {
namespace {

struct Problem {
  std::size_t rows;
  std::size_t inputs;
  std::size_t outputs;
  Matrix<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<float> bias;
  std::vector<std::uint8_t> bytes;  // rows of `stride`, starting at an odd address
  std::size_t stride;
  std::vector<RowScale> row_scales;

  const std::uint8_t* row(std::size_t r) const { return bytes.data() + 1 + r * stride; }
  float expected(std::size_t r, std::size_t o, bool relu) const {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < inputs; ++i)
      sum += (row(r)[i] - row_scales[r].offset) * codes.at(i, o);
    const float scale = row_scales[r].scale * scales[o];
    const float product = static_cast<float>(sum) * scale;
    const float value = product + bias[o];
    return relu ? std::max(0.0F, value) : value;
  }
};

class Int8 : public EveryLevel {
 protected:
  // Bytes and codes within the limits given; `offset` for every second row.
  Problem make(std::size_t rows, std::size_t inputs, std::size_t outputs, int lowest_byte,
               int lowest_code, int offset) {
    Problem p{rows,
              inputs,
              outputs,
              Matrix<std::int8_t>(inputs, outputs),
              draw_floats(outputs),
              draw_floats(outputs),
              {},
              round_up(inputs, 32) + 3,
              {}};
    std::ranges::transform(draw(inputs * outputs, lowest_code, 127), p.codes.values.begin(),
                           [](int code) { return static_cast<std::int8_t>(code); });
    const std::vector<int> bytes = draw(rows * p.stride + 1, lowest_byte, 255);
    p.bytes.assign(bytes.begin(), bytes.end());
    for (std::size_t r = 0; r < rows; ++r)
      p.row_scales.push_back({draw_floats(1)[0], r % 2 == 0 ? offset : 0});
    return p;
  }

  static void check_dense(const Problem& p, bool relu) {
    const Int8Panels panels = pack_int8_panels(view_of(p.codes), p.scales);
    const AlignedVector<float> bias = padded(p.bias);
    std::vector<std::uint32_t> workspace(int8_dense_workspace(p.rows, p.inputs));
    const std::size_t stride = padded_outputs(p.outputs) + 5;
    std::vector<float> y(p.rows * stride + 1, -77.0F);
    int8_dense({p.row(0), p.stride, p.rows, p.row_scales.data()}, panels, {bias.data(), relu},
               {y.data() + 1, stride}, workspace.data());
    for (std::size_t r = 0; r < p.rows; ++r) {
      for (std::size_t o = 0; o < p.outputs; ++o)
        ASSERT_EQ(y[1 + r * stride + o], p.expected(r, o, relu))
            << p.rows << " x " << p.inputs << " x " << p.outputs << ", row " << r << " output "
            << o;
      for (std::size_t o = padded_outputs(p.outputs); o < stride; ++o)
        ASSERT_EQ(y[1 + r * stride + o], -77.0F) << "written behind the padding";
    }
  }

  static void check_sparse(const Problem& p, bool relu) {
    const Gathered<std::int8_t> gathered = pack_gathered(Matrix(p.codes));
    const AlignedVector<float> bias = padded(p.bias);
    const AlignedVector<float> scales = padded(p.scales);
    std::vector<std::uint32_t> columns(p.inputs);
    for (std::size_t i = 0; i < p.inputs; ++i) columns[i] = static_cast<std::uint32_t>(i);
    std::vector<float> y(padded_outputs(p.outputs) + 1);
    for (std::size_t r = 0; r < p.rows; ++r) {
      int8_sparse({columns.data(), p.row(r), p.inputs, p.row_scales[r]}, gathered, scales.data(),
                  {bias.data(), relu}, y.data() + 1);
      for (std::size_t o = 0; o < p.outputs; ++o)
        ASSERT_EQ(y[1 + o], p.expected(r, o, relu)) << "row " << r << " output " << o;
    }
  }
};

TEST_P(Int8, EveryShape) {
  for (const std::size_t inputs : awkward_sizes()) {
    for (const std::size_t outputs : awkward_sizes()) {
      const std::size_t rows = 1 + (inputs + outputs) % 14;
      const Problem p = make(rows, inputs, outputs, 0, -127, 128);
      check_dense(p, inputs % 2 == 0);
      check_sparse(p, inputs % 2 == 0);
    }
  }
}

TEST_P(Int8, EveryNumberOfRows) {
  for (std::size_t rows = 1; rows <= 20; ++rows) check_dense(make(rows, 37, 112, 0, -127, 0), true);
}

TEST_P(Int8, MoreRowsThanGoTogether) {
  for (const std::size_t rows : {kRowsTogether, kRowsTogether + 1, 2 * kRowsTogether + 5})
    check_dense(make(rows, 18, 70, 0, -127, 128), true);
}

// A single row meets the panels of a large matrix in another order every time.
TEST_P(Int8, LargeMatrix) {
  const Problem p = make(1, 8200, 140, 0, -127, 128);
  check_dense(p, true);
  check_dense(p, true);
}

// Four non-zeros at a time, several panels at a time.
TEST_P(Int8, EveryNumberOfNonZeros) {
  for (std::size_t inputs = 1; inputs <= 17; ++inputs) {
    for (const std::size_t outputs : {5U, 64U, 65U, 256U, 300U, 600U})
      check_sparse(make(2, inputs, outputs, 0, -128, 0), inputs % 2 == 0);
  }
}

TEST_P(Int8, NothingSaturates) {
  for (const int offset : {0, 128, 255}) {
    const Problem all_high = make(7, 600, 70, 255, 127, offset);
    check_dense(all_high, false);
    check_sparse(all_high, false);
    Problem all_low = all_high;
    std::ranges::fill(all_low.codes.values, static_cast<std::int8_t>(-128));
    check_dense(all_low, false);
    check_sparse(all_low, false);
  }
}

// int8_sparse sums in 16 bits while the values add up to at most 255.
TEST_P(Int8, SixteenBitSumsEndInTime) {
  for (const int total : {254, 255, 256, 257, 510}) {
    Problem p = make(1, 3, 65, 0, -128, 0);
    std::ranges::fill(p.codes.values, static_cast<std::int8_t>(-128));
    p.bytes = {0, 1, static_cast<std::uint8_t>(std::min(total - 2, 254)), 1};
    p.bytes[3] = static_cast<std::uint8_t>(total - p.bytes[1] - p.bytes[2]);
    p.bytes.resize(40);
    check_sparse(p, false);
  }
}

TEST_P(Int8, NoNonZerosLeaveTheBias) {
  const Gathered<std::int8_t> gathered = pack_gathered(Matrix<std::int8_t>(2, 10));
  const AlignedVector<float> bias = padded(std::vector<float>(10, -1.5F));
  const AlignedVector<float> scales = padded(std::vector<float>(10, 1.0F));
  std::vector<float> y(padded_outputs(10));
  int8_sparse({nullptr, nullptr, 0, {}}, gathered, scales.data(), {bias.data(), false}, y.data());
  for (std::size_t o = 0; o < 10; ++o) EXPECT_EQ(y[o], -1.5F);
}

NIBBLE_ON_EVERY_LEVEL(Int8);

}  // namespace
}  // namespace nibble
