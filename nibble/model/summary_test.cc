#include "nibble/model/summary.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

Vocabulary numbered_words(std::size_t count) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) words.push_back("word" + std::to_string(i));
  return Vocabulary(std::move(words));
}

// The lab's network: 10,000 words, hidden 512, 256, 128, 64, two labels.
Model reference_model() {
  return {BagOfWords{numbered_words(10000)},
          {"0", "1"},
          Mlp({10000, {512, 256, 128, 64}, 2}),
          {{{"dropout", "0.3"}}, 0, 0.0, 0.0}};
}

TEST(Summary, CountsTheReferenceNetwork) {
  const ModelSummary summary = summarize(reference_model());
  ASSERT_EQ(summary.layers.size(), 13U);
  EXPECT_EQ(summary.total.parameters, 5'293'122U);
  EXPECT_EQ(summary.total.multiply_adds, 5'292'160U);
  EXPECT_EQ(summary.total.bytes, 4 * 5'293'122U);
  EXPECT_EQ(summary.layers[0].name, "0: Linear");
  EXPECT_EQ(summary.layers[0].parameters, 5'120'512U);
  EXPECT_EQ(summary.layers[1].name, "1: ReLU");
  EXPECT_EQ(summary.layers[2].name, "2: Dropout (0.3)");
  EXPECT_EQ(summary.layers[12].name, "12: Linear");
  EXPECT_EQ(summary.layers[12].outputs, 2U);
}

TEST(Summary, CountsStoredBytes) {
  const Model model{BagOfWords{numbered_words(320)}, {"0", "1"}, Mlp({320, {64}, 2}), {}};
  const ModelSummary summary = summarize(quantized_model(model, Scheme::kInt4));
  // 4.5 bits for each weight, as all groups are whole, and 66 float32 biases.
  EXPECT_EQ(summary.total.bytes, (320 * 64 + 64 * 2) * 9 / 16 + 66 * 4);
  EXPECT_EQ(summary.layers[0].encoding, "int4, groups of 32 outputs");
  EXPECT_EQ(summary.layers[3].encoding, "int4, groups of 32 inputs");
}

TEST(Summary, IsRenderedInAlignedColumns) {
  const Model model{Numeric{3, 1.0F}, {"a", "b"}, Mlp({3, {1000}, 2}), {}};
  EXPECT_EQ(render(summarize(model)),
            "Layer       Input         Output        Parameters  Multiply-adds   Bytes  Encoding\n"
            "-----------------------------------------------------------------------------------\n"
            "0: Linear   [rows, 3]     [rows, 1000]       4,000          3,000  16,000  f32\n"
            "1: ReLU     [rows, 1000]  [rows, 1000]\n"
            "2: Dropout  [rows, 1000]  [rows, 1000]\n"
            "3: Linear   [rows, 1000]  [rows, 2]          2,002          2,000   8,008  f32\n"
            "-----------------------------------------------------------------------------------\n"
            "Total                                        6,002          5,000  24,008\n");
}

}  // namespace
}  // namespace nibble
