#include "nibble/studio/calibrated.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
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

double squared_distance(const Matrix<float>& a, const Matrix<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    sum += std::pow(1.0 * a.values[i] - b.values[i], 2);
  return sum;
}

double logit_error(const QuantizedMlp& network) {
  return squared_distance(judge(trained(), rows().validation.labelled()).logits,
                          judge(network, rows().validation.labelled()).logits);
}

QuantizedMlp calibrated(const char* recipe, const Calibration& calibration) {
  return quantize_calibrated(trained(), Recipe::from_text(recipe), InputKind::kDense,
                             view_of(rows().training.rows), calibration);
}

constexpr Calibration kSecondOrder{Rounding::kSecondOrder, true};

TEST(Calibrated, SecondOrderKeepsLogitsNearerThanNearest) {
  for (const char* text : {"int3", "int2", "ternary:channel", "1bit:channel"}) {
    const double nearest =
        logit_error(quantize(trained(), Recipe::from_text(text), InputKind::kDense));
    EXPECT_LT(logit_error(calibrated(text, kSecondOrder)), nearest) << text;
  }
}

TEST(Calibrated, FactorsAreRoundedOneAfterTheOther) {
  const auto network = calibrated("0=rank12:int8:channel+int8:channel,*=f32", kSecondOrder);
  ASSERT_EQ(network.layers.size(), 4U);
  EXPECT_TRUE(network.layers[0].is_factor);
  EXPECT_EQ(encoding_name(network.layers[1].weight), "int8:*x1");
  EXPECT_NEAR(judge(network, rows().validation.labelled()).accuracy,
              judge(trained(), rows().validation.labelled()).accuracy, 1.0);
}

// One layer, two of whose twelve inputs carry nearly everything.
TEST(Calibrated, ImportanceKeepsTheWeightsOfLargeInputsNearer) {
  std::vector<Label> labels;
  DenseRows rows = corner_rows(200, 3, labels);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (const std::size_t large : {4U, 9U}) rows.at(r, large) *= 30.0F;
  }
  const Mlp mlp = initialised_mlp({12, {}, 40}, 3);
  const Matrix<float> wanted = logits_of(PreparedMlp(mlp), view_of(rows));
  for (const char* text : {"int3:channel", "int2:g32", "int2:channel:asym"}) {
    const Recipe recipe = Recipe::from_text(text);
    const double nearest = squared_distance(
        wanted, logits_of(PreparedMlp(quantize(mlp, recipe, InputKind::kDense)), view_of(rows)));
    const auto network = quantize_calibrated(mlp, recipe, InputKind::kDense, view_of(rows),
                                             {Rounding::kImportance, false});
    EXPECT_LT(squared_distance(wanted, logits_of(PreparedMlp(network), view_of(rows))),
              0.8 * nearest)
        << text;
  }
}

TEST(Calibrated, NothingAskedForIsNearest) {
  EXPECT_EQ(calibrated("int3", {}),
            quantize(trained(), Recipe::from_text("int3"), InputKind::kDense));
}

// The line that fits given over wanted best goes through 0.
double crossing_of(const Matrix<float>& wanted, const Matrix<float>& given, std::size_t output) {
  const auto rows = static_cast<double>(wanted.rows);
  double w = 0.0;
  double g = 0.0;
  double wg = 0.0;
  double ww = 0.0;
  for (std::size_t r = 0; r < wanted.rows; ++r) {
    w += wanted.at(r, output);
    g += given.at(r, output);
    wg += 1.0 * wanted.at(r, output) * given.at(r, output);
    ww += 1.0 * wanted.at(r, output) * wanted.at(r, output);
  }
  const double slope = (wg - w * g / rows) / (ww - w * w / rows);
  return (g - std::min(slope, 1.0) * w) / rows;
}

TEST(Calibrated, BiasCorrectionAloneKeepsCodesAndWhereOutputsCrossZero) {
  for (const char* text : {"int8", "int4", "int2", "1bit"}) {
    const auto network = calibrated(text, {Rounding::kNearest, true});
    const auto nearest = quantize(trained(), Recipe::from_text(text), InputKind::kDense);
    const auto wanted = judge(trained(), rows().training.labelled()).logits;
    const auto given = judge(network, rows().training.labelled()).logits;
    for (std::size_t o = 0; o < wanted.columns; ++o)
      EXPECT_NEAR(crossing_of(wanted, given, o), 0.0, 1e-4) << text;
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
      EXPECT_EQ(network.layers[l].weight, nearest.layers[l].weight);
      EXPECT_NE(network.layers[l].bias, nearest.layers[l].bias);
    }
  }
}

TEST(Calibrated, FixedRangesHoldWhatTheLayersBeforeGive) {
  for (const RangeRule rule : {RangeRule::kMinMax, RangeRule::kPercentile, RangeRule::kMse}) {
    const auto network = calibrated("0=f16,*=int8", {Rounding::kNearest, false, rule});
    ASSERT_EQ(network.layers.size(), 3U);
    EXPECT_FALSE(network.layers[0].input.has_value());
    ASSERT_TRUE(network.layers[1].input.has_value());
    EXPECT_EQ(network.layers[1].input->zero_point, 0);  // behind a ReLU
    EXPECT_EQ(network.scheme, Scheme::kMixed);
    EXPECT_NEAR(judge(network, rows().validation.labelled()).accuracy,
                judge(trained(), rows().validation.labelled()).accuracy, 1.0);
    if (rule != RangeRule::kMinMax) continue;
    const auto outputs = layer_outputs(PreparedMlp(network), view_of(rows().training.rows));
    EXPECT_EQ(network.layers[1].input->scale, std::ranges::max(outputs[0].values) / 255.0F);
  }
}

TEST(Calibrated, FixedRangesNeedALayerInInt8) {
  EXPECT_THROW(calibrated("int4", {Rounding::kNearest, false, RangeRule::kMinMax}), Error);
}

TEST(Calibrated, RoundingsHaveNames) {
  for (const Rounding rounding :
       {Rounding::kNearest, Rounding::kImportance, Rounding::kSecondOrder})
    EXPECT_EQ(rounding_named(name_of(rounding)), rounding);
  EXPECT_THROW(rounding_named("up"), Error);
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
