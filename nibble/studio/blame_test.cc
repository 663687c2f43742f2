#include "nibble/studio/blame.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/core/random.h"
#include "nibble/studio/blame_report.h"

namespace nibble {
namespace {

const MlpShape kShape{40, {24, 16, 12}, 3};

// Rows of 8 counts, labelled by the network itself.
struct Rows40 {
  Rows40() {
    rows.columns = 40;
    for (std::size_t r = 0; r < 120; ++r) {
      for (std::uint32_t c = 0; c < 40; ++c) {
        const auto draw = philox({5}, r, c);
        if (draw[0] % 5 != 0) continue;
        rows.indices.push_back(c);
        rows.values.push_back(static_cast<float>(1 + draw[1] % 2));
      }
      rows.end_row();
    }
    labels.assign(rows.rows(), 0);
  }
  LabelledRows view() const { return {rows.view(), labels}; }
  SparseRows rows;
  std::vector<Label> labels;
};

QuantizedMlp with_noise(Mlp mlp, std::size_t layer, float size) {
  std::uint64_t i = 0;
  for (float& w : mlp.layers[layer].weight.values)
    w += size * (unit_float(philox({6}, i++)[0]) - 0.5F);
  return quantize(mlp, Scheme::kF32, InputKind::kSparse);
}

TEST(Blame, NoiseInOneLayerIsFoundThere) {
  const Mlp mlp = initialised_mlp(kShape, 3);
  const Rows40 rows;
  for (std::size_t layer = 0; layer < 4; ++layer) {
    const Blame found = blame(mlp, with_noise(mlp, layer, 0.3F), "noise", rows.view());
    EXPECT_EQ(found.worst, layer);
    for (std::size_t l = 0; l < 4; ++l) {
      EXPECT_EQ(std::isinf(found.layers[l].sqnr_db), l != layer);
      EXPECT_NEAR(found.layers[l].share, l == layer ? 100.0 : 0.0, 1e-6);
      EXPECT_EQ(found.layers[l].output_error > 0.0, l == layer);
    }
    EXPECT_EQ(found.layers[layer].flips, found.flipped.size());
  }
}

// All layers quantized, one of them badly.
TEST(Blame, OneLayerAtTwoBitsIsFoundAmongOthersAtEight) {
  const Mlp mlp = initialised_mlp(kShape, 3);
  const Rows40 rows;
  for (std::size_t layer = 0; layer < 4; ++layer) {
    const std::string recipe = std::to_string(layer) + "=int2:tensor,*=int8";
    const Blame found = blame(mlp, quantize(mlp, Recipe::from_text(recipe), InputKind::kSparse),
                              recipe, rows.view());
    EXPECT_EQ(found.worst, layer) << recipe;
    EXPECT_GT(found.layers[layer].share, 90.0);
    EXPECT_LT(found.layers[layer].sqnr_db, 15.0);
    for (std::size_t l = 0; l < 4; ++l) EXPECT_TRUE(l == layer || found.layers[l].sqnr_db > 35.0);
  }
}

TEST(Blame, SqnrAndOutputErrorAreWhatTheirFormulasSay) {
  Mlp mlp({2, {}, 2});
  mlp.layers[0].weight.values = {3.0F, 0.0F, 0.0F, 4.0F};
  Mlp other = mlp;
  other.layers[0].weight.values = {3.0F, 0.0F, 0.0F, 3.5F};  // noise 0.25 of 25: 20 dB
  DenseRows rows(1, 2);
  rows.values = {1.0F, 1.0F};  // outputs 3, 4 and 3, 3.5: 0.5 / 5
  const std::vector<Label> labels = {1};
  const Blame found =
      blame(mlp, quantize(other, Scheme::kF32, InputKind::kDense), "x", {view_of(rows), labels});
  EXPECT_NEAR(found.layers[0].sqnr_db, 20.0, 1e-6);
  EXPECT_NEAR(found.layers[0].output_error, 10.0, 1e-5);
  EXPECT_EQ(found.accuracy, 100.0);
  EXPECT_TRUE(found.flipped.empty());
}

// Column 7 alone changes sides; every row that flips holds it, and it moved them most.
TEST(Blame, TheInputThatChangedMovesTheFlippedRows) {
  Mlp mlp({40, {2}, 2});
  for (std::size_t i = 0; i < 40; ++i) mlp.layers[0].weight.at(i, i % 2) = 1.0F;
  mlp.layers[1].weight.values = {1.0F, 0.0F, 0.0F, 1.0F};
  Mlp other = mlp;
  other.layers[0].weight.at(7, 0) = 6.0F;
  const Rows40 rows;
  const Blame found =
      blame(mlp, quantize(other, Scheme::kF32, InputKind::kSparse), "seven", rows.view());
  ASSERT_FALSE(found.flipped.empty());
  ASSERT_FALSE(found.inputs.empty());
  EXPECT_EQ(found.inputs.front().input, 7U);
  EXPECT_EQ(found.inputs.front().rows, found.flipped.size());
  EXPECT_GT(found.inputs.front().moved, 0.0);
  for (const FlippedRow& row : found.flipped) {
    const auto columns = rows.rows.view().row_indices(row.row);
    EXPECT_NE(std::ranges::find(columns, 7U), columns.end());
    EXPECT_EQ(row.before, 1);
    EXPECT_EQ(row.after, 0);
  }
}

TEST(Blame, FactorsCountAsTheLayerTheyStandFor) {
  const Mlp mlp = initialised_mlp(kShape, 3);
  const Rows40 rows;
  const auto changed =
      quantize(mlp, Recipe::from_text("1=rank1:f32+f32,*=f32"), InputKind::kSparse);
  const Blame found = blame(mlp, changed, "rank1", rows.view());
  ASSERT_EQ(found.layers.size(), 4U);
  EXPECT_EQ(found.worst, 1U);
  EXPECT_EQ(found.layers[1].encoding, "f32 + f32");
}

TEST(Blame, NetworksOfOtherSizesAreRefused) {
  const Rows40 rows;
  const Mlp mlp = initialised_mlp(kShape, 3);
  const Mlp other = initialised_mlp({40, {24, 16}, 3}, 3);
  EXPECT_THROW(blame(mlp, quantize(other, Scheme::kInt8, InputKind::kSparse), "x", rows.view()),
               Error);
}

TEST(BlameReport, NamesTheLayerAndTheWords) {
  Blame found;
  found.name = "int2";
  found.original_accuracy = 81.0;
  found.accuracy = 79.5;
  found.layers = {{"int2:1x32", 9.5, 31.0, 79.6, 80.9, 93.0, 40},
                  {"int8", INFINITY, 0.0, 81.0, 79.5, 0.0, 0}};
  found.flipped = {{3, 1, 1, 0}};
  found.inputs = {{1, 2.5, 1}, {0, -0.25, 1}};
  const Featurizer words = BagOfWords{Vocabulary({"bad", "good"})};
  const std::string table = blame_table(found, words);
  EXPECT_NE(table.find("Layer 0 is to blame: 93 %"), std::string::npos) << table;
  EXPECT_NE(table.find("*     0       9.5"), std::string::npos) << table;
  EXPECT_NE(table.find("exact"), std::string::npos);
  EXPECT_NE(table.find("What moved them most: good +2.50, bad -0.25\n"), std::string::npos);
  const std::string json = blame_json({found}, words);
  EXPECT_NE(json.find("\"sqnr_db\": null"), std::string::npos);
  EXPECT_NE(json.find("\"input\": \"good\""), std::string::npos);
  const std::string script = blame_script({found, found});
  EXPECT_NE(script.find("0 93.000 93.000\n1 0.000 0.000\nEOD\n"), std::string::npos) << script;
}

}  // namespace
}  // namespace nibble
