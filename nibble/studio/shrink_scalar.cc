// The family "scalar" of shrink.h.
#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nibble/quant/low_rank.h"
#include "nibble/studio/pruning.h"
#include "nibble/studio/scalar_network.h"
#include "nibble/studio/shrink_families.h"
#include "nibble/train/train.h"

namespace nibble {
namespace {

constexpr std::size_t kPieces = 12;
constexpr std::array kShares = {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2};

// How often each column occurs in a row, on average.
std::vector<float> mean_row(const Rows& rows) {
  std::vector<float> sums(column_count(view_of(rows)));
  if (const auto* sparse = std::get_if<SparseRows>(&rows)) {
    for (std::size_t i = 0; i < sparse->indices.size(); ++i)
      sums[sparse->indices[i]] += sparse->values[i];
  } else {
    const auto& dense = std::get<DenseRows>(rows);
    for (std::size_t i = 0; i < dense.values.size(); ++i)
      sums[i % dense.columns] += dense.values[i];
  }
  for (float& sum : sums) sum /= static_cast<float>(row_count(view_of(rows)));
  return sums;
}

// What a mean row loses on its way into the first layer's outputs when a product stands for the
// weights: added to the bias, no answer is off on average (Nagel 2019, bias correction).
AlignedVector<float> mean_residual(const Matrix<float>& weight, const Factors& factors,
                                   std::span<const float> mean) {
  AlignedVector<float> residual(weight.columns);
  for (std::size_t i = 0; i < weight.rows; ++i) {
    for (std::size_t o = 0; o < weight.columns; ++o)
      residual[o] += mean[i] * (weight.at(i, o) - factors.first.at(i, 0) * factors.second.at(0, o));
  }
  return residual;
}

// A first layer of one score for each input, and what follows it.
struct Scored {
  std::string_view name;
  Matrix<float> scores;                 // [inputs][1]
  Mlp rest;                             // of 1 input
  std::vector<std::size_t> order = {};  // of the inputs, largest score first
};

std::vector<float> scores_of_rows(const Matrix<float>& scores, const LabelledRows& rows) {
  Mlp first;
  first.layers.emplace_back();
  first.layers.back().weight = scores;
  first.layers.back().bias.resize(1);
  const auto outputs = logits_of(PreparedMlp(std::move(first)), rows.rows);
  return {outputs.values.begin(), outputs.values.end()};
}

// Trained some more, five epochs without dropout, the best by validation as always. A factor has no
// ReLU but a trained layer has one: its bias lifts all scores so far above 0 that it never acts.
Scored trained_on(const Scored& from, const HeldOut& rows, const ShrinkTrials& trials) {
  const auto z = scores_of_rows(from.scores, rows.training.labelled());
  const auto [low, high] = std::ranges::minmax(z);
  const float lift = -low + (high - low) + 1.0F;
  Mlp mlp;
  mlp.layers.push_back({});
  mlp.layers.back().weight = from.scores;
  mlp.layers.back().bias = {lift};
  mlp.layers.insert(mlp.layers.end(), from.rest.layers.begin(), from.rest.layers.end());
  for (std::size_t o = 0; o < mlp.layers[1].outputs(); ++o)
    mlp.layers[1].bias[o] -= lift * mlp.layers[1].weight.at(0, o);
  TrainSettings settings;
  settings.epochs = 5;
  settings.dropout = {0.0};
  ThreadPool pool(1);
  TrainHooks hooks;
  hooks.should_stop = [&trials] { return trials.is_over(); };
  Mlp best = train(std::move(mlp), rows.training.labelled(), rows.validation.labelled(), settings,
                   pool, hooks)
                 .best;
  Scored result{" trained some more", std::move(best.layers[0].weight), {}};
  for (std::size_t o = 0; o < best.layers[1].outputs(); ++o)
    best.layers[1].bias[o] += best.layers[0].bias[0] * best.layers[1].weight.at(0, o);
  result.rest.layers.assign(best.layers.begin() + 1, best.layers.end());
  return result;
}

class ScalarFamily {
 public:
  ScalarFamily(const Model& model, const HeldOut& rows, ShrinkTrials& trials)
      : model_(model),
        rows_(rows),
        trials_(trials),
        has_words_(word_list(model.featurizer) != nullptr) {
    Mlp rest = std::get<Mlp>(model.network);
    const Factors factors = factorize(rest.layers.front().weight, 1);
    mean_ = mean_row(rows.training.rows);
    const auto residual = mean_residual(rest.layers.front().weight, factors, mean_);
    const auto z = scores_of_rows(factors.first, rows.training.labelled());
    rest.layers.front().weight = factors.second;
    starts_.push_back({"", factors.first, scalar_network(rest, z, kPieces)});
    for (std::size_t o = 0; o < residual.size(); ++o) rest.layers.front().bias[o] += residual[o];
    starts_.push_back(
        {" with its mean corrected", factors.first, scalar_network(rest, z, kPieces)});
    starts_.push_back(trained_on(starts_.back(), rows, trials));
    for (Scored& start : starts_) start.order = inputs_by_norm(start.scores);
  }

  void run() {
    for (const double share : kShares) {
      for (int bits = 8; bits >= 2 && !trials_.is_over(); --bits) {
        double accuracy = 0.0;
        for (const Scored& start : starts_)
          accuracy = std::max(accuracy, try_one(start, share, bits));
        if (accuracy < trials_.lowest_accuracy() - 1.0) break;  // nor will fewer bits do
      }
      if (!has_words_) return;
    }
  }

 private:
  // The words of the largest scores, in column order, less those whose score would become 0.
  std::vector<std::size_t> kept_inputs(const Scored& start, double share,
                                       const Encoding& encoding) const {
    const auto all = static_cast<double>(start.order.size());
    const auto count = std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(share * all), 1);
    std::vector<std::size_t> kept(start.order.begin(), start.order.begin() + count);
    std::ranges::sort(kept);
    if (!has_words_) return kept;
    const Matrix<float> decoded =
        decode(encode(with_inputs(start.scores, kept), encoding, GroupAxis::kOutputs));
    std::vector<std::size_t> used;
    for (std::size_t i = 0; i < kept.size(); ++i)
      if (decoded.values[i] != 0.0F) used.push_back(kept[i]);
    return used.empty() ? kept : used;
  }

  // The layers behind the scores, moved by what a mean row's score loses to `stored` ones.
  Mlp rest_for(const Scored& start, const Matrix<float>& stored,
               std::span<const std::size_t> kept) const {
    Mlp rest = start.rest;
    double lost = 0.0;
    for (std::size_t i = 0; i < mean_.size(); ++i) lost += 1.0 * mean_[i] * start.scores.values[i];
    for (std::size_t i = 0; i < kept.size(); ++i) lost -= 1.0 * mean_[kept[i]] * stored.values[i];
    Linear& first = rest.layers.front();
    for (std::size_t o = 0; o < first.outputs(); ++o)
      first.bias[o] += static_cast<float>(lost) * first.weight.at(0, o);
    return rest;
  }

  // Validation accuracy.
  double try_one(const Scored& start, double share, int bits) {
    const Encoding encoding = encoding_from(fmt::format("int{}:tensor", bits));
    const auto kept = kept_inputs(start, share, encoding);
    QuantizedMlp network;
    network.layers.push_back(
        {encode(with_inputs(start.scores, kept), encoding, GroupAxis::kOutputs),
         AlignedVector<float>(1), true});
    const Mlp rest = rest_for(start, decode(network.layers.front().weight), kept);
    for (const Linear& layer : rest.layers) network.layers.push_back({layer.weight, layer.bias});
    network.scheme = common_scheme(network.layers);
    Model candidate{kept_words(model_.featurizer, kept), model_.labels, std::move(network),
                    model_.provenance};
    return trials_.consider(
        fmt::format("0=rank1:{}+f32{}, the rest as {} pieces, {} of {} inputs", text_of(encoding),
                    start.name, kPieces, kept.size(), mean_.size()),
        std::move(candidate), kept_columns(rows_.validation.rows, kept));
  }

  const Model& model_;
  const HeldOut& rows_;
  ShrinkTrials& trials_;
  bool has_words_;
  std::vector<float> mean_;  // row of the training part
  std::vector<Scored> starts_;
};

}  // namespace

void try_scalar(const Model& model, const HeldOut& rows, ShrinkTrials& trials) {
  if (std::get<Mlp>(model.network).layers.size() < 2) return;
  trials.phase("The first layer as one score for each input");
  ScalarFamily(model, rows, trials).run();
}

}  // namespace nibble
