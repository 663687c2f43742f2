#include "nibble/quant/encodings.h"

#include <gtest/gtest.h>

#include "nibble/quant/test_weights.h"

namespace nibble {
namespace {

struct Case {
  EncodedMatrix matrix;
  std::size_t codes;
  std::size_t scales;
};

// 33 inputs, 35 outputs: neither a whole number of int4 groups, and an odd nibble.
std::vector<Case> cases() {
  const auto weight = normal_weights(33, 35, 0.1F);
  return {{weight, 33 * 35 * 4, 0},
          {encode_f16(weight), 33 * 35 * 2, 0},
          {encode_bf16(weight), 33 * 35 * 2, 0},
          {encode_int8(weight), 33 * 35, 35 * 4},
          {encode_int8_torch(weight), 33 * 35, 4},
          {encode_int4(weight, GroupAxis::kOutputs), 33 * 18, 33 * 2 * 2},
          {encode_int4(weight, GroupAxis::kInputs), 33 * 18, 2 * 35 * 2}};
}

TEST(Encodings, CountInputsOutputsAndBytes) {
  for (const Case& c : cases()) {
    EXPECT_EQ(input_count(c.matrix), 33U) << c.matrix.index();
    EXPECT_EQ(output_count(c.matrix), 35U) << c.matrix.index();
    EXPECT_EQ(stored_bytes(c.matrix).codes, c.codes) << c.matrix.index();
    EXPECT_EQ(stored_bytes(c.matrix).scales, c.scales) << c.matrix.index();
  }
}

TEST(Encodings, DecodeKeepsShapeAndComesNearTheWeights) {
  const auto weight = normal_weights(33, 35, 0.1F);
  for (const Case& c : cases()) {
    const Matrix<float> decoded = decode(c.matrix);
    ASSERT_EQ(decoded.rows, 33U);
    ASSERT_EQ(decoded.columns, 35U);
    for (std::size_t i = 0; i < weight.values.size(); ++i)
      EXPECT_NEAR(decoded.values[i], weight.values[i], 0.04F) << c.matrix.index();
  }
}

TEST(Encodings, Int4TakesFourAndAHalfBitsInWholeGroups) {
  const auto bytes = stored_bytes(encode_int4(Matrix<float>(64, 512), GroupAxis::kOutputs));
  EXPECT_EQ(8 * (bytes.codes + bytes.scales) * 2, 9 * 64 * 512U);
}

}  // namespace
}  // namespace nibble
