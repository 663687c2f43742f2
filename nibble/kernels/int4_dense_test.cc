// int4_dense and int4_sparse against plain loops over unpacked codes.
#include "nibble/kernels/int4_dense.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/kernels/int4_sparse.h"
#include "nibble/kernels/kernel_test.h"

namespace nibble {
namespace {

// float16 codes of scales that are easy to say: the largest, a subnormal, 1, -0.25.
struct HalfScale {
  std::uint16_t code;
  float value;
};
constexpr HalfScale kHalfScales[] = {{0x7BFF, 65504.0F},
                                     {0x0001, 0x1p-24F},
                                     {0x3C00, 1.0F},
                                     {0xB400, -0.25F},
                                     {0x3555, 0x1.554p-2F}};

class Int4 : public EveryLevel {
 protected:
  void fill(std::size_t rows, std::size_t inputs, std::size_t outputs, bool by_inputs, int lowest,
            int offset) {
    rows_ = rows;
    inputs_ = inputs;
    outputs_ = outputs;
    codes_ = draw(inputs * outputs, lowest, 7);
    const std::size_t scale_rows = by_inputs ? (inputs + kGroup - 1) / kGroup : inputs;
    scale_columns_ = by_inputs ? outputs : (outputs + kGroup - 1) / kGroup;
    scales_ = draw(scale_rows * scale_columns_, 0, 4);
    stride_ = round_up(inputs, 32) + 3;
    const std::vector<int> bytes = draw(rows * stride_ + 1, lowest == 7 ? 255 : 0, 255);
    bytes_.assign(bytes.begin(), bytes.end());
    row_scales_.clear();
    for (std::size_t r = 0; r < rows; ++r)
      row_scales_.push_back({draw_floats(1)[0], r % 2 == 0 ? offset : 0});
    bias_ = draw_floats(outputs);
    stored_.assign(inputs * ((outputs + 1) / 2), 0x88);
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::size_t o = 0; o < outputs; ++o) {
        std::uint8_t& byte = stored_[i * ((outputs + 1) / 2) + o / 2];
        byte ^= static_cast<std::uint8_t>(((code(i, o) + 8) ^ 8) << (o % 2 * 4));
      }
    }
    stored_scales_.clear();
    for (const int scale : scales_) stored_scales_.push_back(kHalfScales[scale].code);
  }

  int code(std::size_t i, std::size_t o) const { return codes_[i * outputs_ + o]; }
  float scale(std::size_t row, std::size_t column) const {
    return kHalfScales[scales_[row * scale_columns_ + column]].value;
  }
  std::int32_t q(std::size_t r, std::size_t i) const {
    return bytes_[1 + r * stride_ + i] - row_scales_[r].offset;
  }
  float finished(std::size_t r, std::size_t o, float total, bool relu) const {
    const float product = total * row_scales_[r].scale;
    const float value = product + bias_[o];
    return relu ? std::max(0.0F, value) : value;
  }
  float expected_by_inputs(std::size_t r, std::size_t o) const {
    float total = 0.0F;
    for (std::size_t g = 0; g * kGroup < inputs_; ++g) {
      std::int32_t sum = 0;
      for (std::size_t i = g * kGroup; i < std::min(inputs_, (g + 1) * kGroup); ++i)
        sum += q(r, i) * code(i, o);
      const float product = static_cast<float>(sum) * scale(g, o);
      total += product;
    }
    return total;
  }
  float expected_by_outputs(std::size_t r, std::size_t o) const {
    float total = 0.0F;
    for (std::size_t i = 0; i < inputs_; ++i) {
      const float product =
          static_cast<float>(q(r, i)) * scale(i, o / kGroup) * static_cast<float>(code(i, o));
      total += product;
    }
    return total;
  }
  Int4Source source() const { return {stored_.data(), stored_scales_.data(), inputs_, outputs_}; }

  void check_dense(bool relu) const {
    const Int4Panels panels = pack_int4_panels(source(), true);
    const AlignedVector<float> bias = padded(bias_);
    std::vector<std::int32_t> workspace(int4_dense_workspace(rows_, inputs_));
    const std::size_t stride = padded_outputs(outputs_) + 5;
    std::vector<float> y(rows_ * stride + 1, -77.0F);
    int4_dense({bytes_.data() + 1, stride_, rows_, row_scales_.data()}, panels, {bias.data(), relu},
               {y.data() + 1, stride}, workspace.data());
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t o = 0; o < outputs_; ++o)
        ASSERT_EQ(y[1 + r * stride + o], finished(r, o, expected_by_inputs(r, o), relu))
            << rows_ << " x " << inputs_ << " x " << outputs_ << ", row " << r << " output " << o;
      for (std::size_t o = padded_outputs(outputs_); o < stride; ++o)
        ASSERT_EQ(y[1 + r * stride + o], -77.0F) << "written behind the padding";
    }
  }

  void check_sparse(bool relu) const {
    const Int4Gathered gathered = pack_int4_gathered(source());
    const AlignedVector<float> bias = padded(bias_);
    std::vector<std::uint32_t> columns(inputs_);
    for (std::size_t i = 0; i < inputs_; ++i) columns[i] = static_cast<std::uint32_t>(i);
    std::vector<float> y(padded_outputs(outputs_) + 2, -77.0F);
    for (std::size_t r = 0; r < rows_; ++r) {
      int4_sparse({columns.data(), bytes_.data() + 1 + r * stride_, inputs_, row_scales_[r]},
                  gathered, {bias.data(), relu}, y.data() + 1);
      for (std::size_t o = 0; o < outputs_; ++o)
        ASSERT_EQ(y[1 + o], finished(r, o, expected_by_outputs(r, o), relu))
            << inputs_ << " x " << outputs_ << ", row " << r << " output " << o;
      ASSERT_EQ(y.back(), -77.0F) << "written behind the padding";
    }
  }

  std::size_t rows_ = 0;
  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
  std::size_t stride_ = 0;
  std::size_t scale_columns_ = 0;
  std::vector<int> codes_;
  std::vector<int> scales_;  // indices into kHalfScales
  std::vector<std::uint8_t> bytes_;
  std::vector<RowScale> row_scales_;
  std::vector<float> bias_;
  std::vector<std::uint8_t> stored_;
  std::vector<std::uint16_t> stored_scales_;
};

TEST_P(Int4, EveryShape) {
  for (const std::size_t inputs : awkward_sizes()) {
    for (const std::size_t outputs : awkward_sizes()) {
      const std::size_t rows = 1 + (inputs + outputs) % 14;
      fill(rows, inputs, outputs, true, -8, inputs % 3 == 0 ? 128 : 0);
      check_dense(inputs % 2 == 0);
      fill(2, inputs, outputs, false, -8, 128);
      check_sparse(inputs % 2 == 0);
    }
  }
}

TEST_P(Int4, EveryNumberOfRows) {
  for (std::size_t rows = 1; rows <= 20; ++rows) {
    fill(rows, 70, 112, true, -8, 0);
    check_dense(true);
  }
}

TEST_P(Int4, MoreRowsThanGoTogether) {
  fill(2 * kRowsTogether + 5, 70, 40, true, -8, 128);
  check_dense(true);
}

// Too large for scales in float32; and a single row meets its panels in another order every time.
TEST_P(Int4, LargeMatrix) {
  for (const std::size_t rows : {1U, 7U}) {
    fill(rows, 8200, 140, true, -8, rows == 1 ? 128 : 0);
    check_dense(false);
    check_dense(false);
  }
}

TEST_P(Int4, NothingSaturates) {
  for (const int offset : {0, 128}) {
    fill(7, 320, 70, true, 7, offset);  // all codes 7, all bytes 255
    check_dense(false);
    std::ranges::fill(codes_, -8);
    std::ranges::fill(stored_, static_cast<std::uint8_t>(0));
    check_dense(false);
  }
}

NIBBLE_ON_EVERY_LEVEL(Int4);

}  // namespace
}  // namespace nibble
