#include "nibble/measure/result_row.h"

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/measure/synthetic_rows.h"
#include "nibble/measure/test_models.h"
#include "nibble/network/reference_forward.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

const TimingLimits kFew{
    .warm_up_calls = 1, .warm_up_seconds = 0.0, .minimum_calls = 12, .seconds = 0.0};

Examples labelled_texts(const Model& model, std::size_t rows) {
  Examples test;
  const Vocabulary& words = std::get<BagOfWords>(model.featurizer).vocabulary;
  test.inputs = texts_of(synthetic_bags(rows, words.size()), words);
  for (std::size_t row = 0; row < rows; ++row) test.labels.push_back(row % 3 == 0 ? 1 : 0);
  test.label_names = model.labels;
  test.source = "made up";
  return test;
}

// The labels that plain loops give.
std::vector<Label> expected_labels(const Model& model, const Examples& test) {
  const Rows rows = featurize(model.featurizer, test.inputs);
  const Matrix<float> logits = reference_logits(std::get<Mlp>(model.network), view_of(rows));
  std::vector<Label> labels;
  for (std::size_t row = 0; row < logits.rows; ++row) {
    labels.push_back(logits.at(row, 1) > logits.at(row, 0) ? 1 : 0);
  }
  return labels;
}

TEST(MeasureVariants, FillsEveryFieldForOriginal) {
  const Model model = small_text_model(60);
  const TemporaryModelFile file(model);
  const Examples test = labelled_texts(model, 65);
  const ResultRow row = measure_variants({{"Original", file.path()}}, test, {kFew}).front();
  EXPECT_EQ(row.name, "Original");
  EXPECT_EQ(row.scheme, Scheme::kF32);
  EXPECT_EQ(row.file, file.path().string());
  EXPECT_EQ(row.predicted, expected_labels(model, test));
  std::size_t right = 0;
  for (std::size_t i = 0; i < 65; ++i) right += row.predicted[i] == test.labels[i];
  EXPECT_DOUBLE_EQ(row.accuracy, 100.0 * static_cast<double>(right) / 65.0);
  EXPECT_LT(row.accuracy_interval.low, row.accuracy);
  EXPECT_GT(row.accuracy_interval.high, row.accuracy);
  EXPECT_EQ(row.confusion[0][0] + row.confusion[1][1], right);
  EXPECT_EQ(row.storage.file, std::filesystem::file_size(file.path()));
  EXPECT_GT(row.latency.median_ms, 0.0);
  EXPECT_GE(row.latency.p99_ms, row.latency.median_ms);
  EXPECT_GT(row.rows_per_second, 0.0);
  EXPECT_TRUE(row.text_to_label_us.has_value());
  EXPECT_FALSE(row.flips.has_value());
}

TEST(MeasureVariants, ComparesTheOthersWithTheFirst) {
  const Model model = small_text_model(60);
  const Model half = quantized_model(model, Scheme::kF16);
  Model contrary = model;  // the signs of its last layer turned: the other answer to every row
  for (float& weight : std::get<Mlp>(contrary.network).layers.back().weight.values)
    weight = -weight;
  for (float& bias : std::get<Mlp>(contrary.network).layers.back().bias) bias = -bias;
  const TemporaryModelFile file(model);
  const TemporaryModelFile half_file(half);
  const TemporaryModelFile contrary_file(contrary);
  const Examples test = labelled_texts(model, 65);
  const std::vector<ResultRow> rows = measure_variants(
      {{"Original", file.path()}, {"Half", half_file.path()}, {"Contrary", contrary_file.path()}},
      test, {kFew});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].scheme, Scheme::kF16);
  EXPECT_EQ(rows[1].name, "Half");
  EXPECT_FALSE(rows[0].flips.has_value());
  ASSERT_TRUE(rows[1].flips.has_value());
  EXPECT_TRUE(rows[1].flips->rows.empty());
  ASSERT_TRUE(rows[2].flips.has_value());
  EXPECT_EQ(rows[2].flips->rows.size(), 65U);
  EXPECT_EQ(rows[2].flips->lost, rows[0].confusion[0][0] + rows[0].confusion[1][1]);
  EXPECT_EQ(rows[2].flips->gained + rows[2].flips->lost, 65U);  // two labels
  for (const ResultRow& row : rows) EXPECT_GT(row.rows_per_second, 0.0);
}

TEST(MeasureVariants, HasNoTextTimeForNumbers) {
  const TemporaryModelFile file(small_numeric_model(33));
  Examples test;
  test.inputs = synthetic_numbers(31, 33);
  test.labels.assign(31, 2);
  test.label_names = {"a", "b", "c"};
  const ResultRow row = measure_variants({{"Original", file.path()}}, test, {kFew}).front();
  EXPECT_FALSE(row.text_to_label_us.has_value());
  EXPECT_EQ(row.confusion.size(), 3U);
}

TEST(MeasureVariants, RefusesOtherLabelsAndNoRows) {
  const Model model = small_text_model(60);
  const TemporaryModelFile file(model);
  Examples test = labelled_texts(model, 3);
  test.label_names = {"negative", "positive"};
  EXPECT_THROW(measure_variants({{"Original", file.path()}}, test, {kFew}), Error);
  const Examples none = labelled_texts(model, 0);
  EXPECT_THROW(measure_variants({{"Original", file.path()}}, none, {kFew}), Error);
}

}  // namespace
}  // namespace nibble
