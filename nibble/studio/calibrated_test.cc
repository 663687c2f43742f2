#include "nibble/studio/calibrated.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "nibble/core/random.h"
#include "nibble/studio/judge.h"

namespace nibble {
namespace {

// Rows of numbers with three labels, each near one of three corners; the network is trained on
// them.
DenseRows corner_rows(std::size_t rows, std::uint32_t seed, std::vector<Label>& labels) {
  DenseRows result(rows, 12);
  labels.resize(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    labels[r] = static_cast<Label>(philox({seed}, r)[0] % 3);
    for (std::size_t c = 0; c < 12; ++c) {
      const float noise = unit_float(philox({seed}, r, c + 1)[1]);
      result.at(r, c) = noise + (static_cast<Label>(c % 3) == labels[r] ? 0.35F : 0.0F);
    }
  }
  return result;
}

DataPart part(std::size_t rows, std::uint32_t seed) {
  DataPart result;
  DenseRows numbers = corner_rows(rows, seed, result.examples.labels);
  result.examples.inputs = numbers;
  result.examples.label_names = {"a", "b", "c"};
  result.rows = std::move(numbers);
  return result;
}

const HeldOut& rows() {
  static const HeldOut held{part(600, 1), part(400, 2)};
  return held;
}

const Mlp& trained() {
  static const Mlp mlp = [] {
    TrainSettings settings;
    settings.epochs = 8;
    settings.learning_rate = 3e-3;
    settings.dropout = {0.0};
    ThreadPool pool(1);
    return train(initialised_mlp({12, {32, 16}, 3}, 1), rows().training.labelled(),
                 rows().validation.labelled(), settings, pool)
        .best;
  }();
  return mlp;
}

double logit_error(const QuantizedMlp& network) {
  const auto wanted = judge(trained(), rows().validation.labelled()).logits;
  const auto given = judge(network, rows().validation.labelled()).logits;
  double sum = 0.0;
  for (std::size_t i = 0; i < wanted.values.size(); ++i)
    sum += std::pow(1.0 * wanted.values[i] - given.values[i], 2);
  return sum;
}

TEST(SecondOrderNetwork, LogitsStayNearerThanWithNearest) {
  for (const char* text : {"int3", "int2", "ternary:channel"}) {
    const Recipe recipe = Recipe::from_text(text);
    const double nearest = logit_error(quantize(trained(), recipe, InputKind::kDense));
    const double second = logit_error(
        quantize_second_order(trained(), recipe, InputKind::kDense, view_of(rows().training.rows)));
    EXPECT_LT(second, nearest) << text;
  }
}

TEST(SecondOrderNetwork, FactorsAreRoundedOneAfterTheOther) {
  const auto network = quantize_second_order(
      trained(), Recipe::from_text("0=rank12:int8:channel+int8:channel,*=f32"), InputKind::kDense,
      view_of(rows().training.rows));
  ASSERT_EQ(network.layers.size(), 4U);
  EXPECT_TRUE(network.layers[0].is_factor);
  EXPECT_EQ(encoding_name(network.layers[1].weight), "int8:*x1");
  EXPECT_NEAR(judge(network, rows().validation.labelled()).accuracy,
              judge(trained(), rows().validation.labelled()).accuracy, 1.0);
}

TEST(QuantizeAware, TrainingBringsBackWhatOneBitLost) {
  const Recipe recipe = Recipe::from_text("1bit:channel");
  const double nearest =
      judge(quantize(trained(), recipe, InputKind::kDense), rows().validation.labelled()).accuracy;
  AwareSettings settings;
  settings.epochs = 6;
  settings.learning_rate = 1e-3;
  const QuantizedMlp aware = quantize_aware(trained(), recipe, InputKind::kDense, rows(), settings);
  EXPECT_GT(judge(aware, rows().validation.labelled()).accuracy, nearest);
  EXPECT_EQ(encoding_name(aware.layers[0].weight), "1bit:*x1");
}

TEST(QuantizeAware, StoppedAtOnceItIsNearest) {
  const Recipe recipe = Recipe::from_text("int3");
  AwareSettings settings;
  settings.should_stop = [] { return true; };
  EXPECT_EQ(quantize_aware(trained(), recipe, InputKind::kDense, rows(), settings),
            quantize(trained(), recipe, InputKind::kDense));
}

}  // namespace
}  // namespace nibble
