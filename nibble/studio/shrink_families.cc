// The families "uniform" and "mixed" of shrink.h.
#include "nibble/studio/shrink_families.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nibble/studio/pruning.h"

namespace nibble {
namespace {

// From much to little.
constexpr std::array<std::string_view, 6> kLadder = {"int8",     "int4",        "int3:g64",
                                                     "int2:g64", "ternary:g64", "1bit:g64"};
// The same for one layer at a time. A step may pass over one rung: the centroids of a small layer
// outweigh its codes.
constexpr std::array<std::string_view, 9> kLayerLadder = {
    "int8", "int4", "int3:g64", "pq3", "int2:g64", "pq4", "ternary:g64", "1bit:g64", "pq8"};
constexpr std::size_t kReach = 2;
constexpr std::array kShares = {1.0, 0.75, 0.5, 0.35, 0.25};

std::vector<std::size_t> all_of(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// How far down each layer and the words have come.
struct Steps {
  std::vector<std::size_t> levels;
  std::size_t share = 0;
};

class MixedFamily {
 public:
  MixedFamily(const Model& model, const HeldOut& rows, ShrinkTrials& trials)
      : model_(model),
        mlp_(std::get<Mlp>(model.network)),
        rows_(rows),
        trials_(trials),
        order_(inputs_by_norm(mlp_.layers.front().weight)) {
    shares_ = word_list(model.featurizer) != nullptr ? kShares.size() : 1;
  }

  void run() {
    float_loss_ = judge(mlp_, rows_.validation.labelled()).loss;
    Steps steps{std::vector<std::size_t>(mlp_.layers.size()), 0};
    for (std::size_t far = 0; !trials_.is_over(); ++far) {
      if (far > 0 && !step(steps)) return;
      const double accuracy = consider(steps);
      if (accuracy < trials_.lowest_accuracy() - 3.0) return;
    }
  }

 private:
  std::vector<std::size_t> kept_inputs(std::size_t share) const {
    const auto count =
        static_cast<std::size_t>(kShares[share] * static_cast<double>(order_.size()));
    std::vector<std::size_t> kept(
        order_.begin(),
        order_.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(count, 1)));
    std::ranges::sort(kept);
    return kept;
  }

  const EncodedMatrix& encoded(std::size_t layer, std::size_t level, std::size_t share) {
    const auto key = std::array{layer, level, layer == 0 ? share : 0};
    const auto found = encoded_.find(key);
    if (found != encoded_.end()) return found->second;
    const Encoding encoding = encoding_from(kLayerLadder[level]);
    const Matrix<float>& weight = mlp_.layers[layer].weight;
    EncodedMatrix matrix =
        encode(layer == 0 && share > 0 ? with_inputs(weight, kept_inputs(share)) : weight, encoding,
               group_axis(layer, input_kind(model_.featurizer)));
    return encoded_.emplace(key, std::move(matrix)).first->second;
  }

  std::size_t bytes(std::size_t layer, std::size_t level, std::size_t share) {
    const EncodedBytes stored = stored_bytes(encoded(layer, level, share));
    return stored.codes + stored.scales;
  }

  QuantizedMlp network(const Steps& steps) {
    QuantizedMlp network;
    for (std::size_t l = 0; l < mlp_.layers.size(); ++l)
      network.layers.push_back({encoded(l, steps.levels[l], steps.share), mlp_.layers[l].bias});
    network.scheme = common_scheme(network.layers);
    return network;
  }

  const Rows& validation(std::size_t share) {
    const auto found = validation_.find(share);
    if (found != validation_.end()) return found->second;
    return validation_.emplace(share, kept_columns(rows_.validation.rows, kept_inputs(share)))
        .first->second;
  }

  // What the loss rises by with only this layer quantized (and, in the first, words left out).
  double cost(std::size_t layer, std::size_t level, std::size_t share) {
    const auto key = std::array{layer, level, layer == 0 ? share : 0};
    const auto found = costs_.find(key);
    if (found != costs_.end()) return found->second;
    QuantizedMlp one;
    for (const Linear& linear : mlp_.layers) one.layers.push_back({linear.weight, linear.bias});
    const std::size_t first_share = layer == 0 ? share : 0;
    one.layers[layer].weight = encoded(layer, level, first_share);
    const double loss =
        judge(std::move(one), {view_of(validation(first_share)), rows_.validation.examples.labels})
            .loss;
    return costs_[key] = std::max(loss - float_loss_, 0.0);
  }

  // One level down for one layer, or fewer words: where most bytes go for the loss.
  bool step(Steps& steps) {
    Steps best;
    double most = 0.0;
    const auto weigh = [&](const Steps& next, std::size_t layer) {
      const std::size_t level = steps.levels[layer];
      const double saved = static_cast<double>(bytes(layer, level, steps.share)) -
                           static_cast<double>(bytes(layer, next.levels[layer], next.share));
      const double rise =
          cost(layer, next.levels[layer], next.share) - cost(layer, level, steps.share);
      const double gain = saved / std::max(rise, 1e-5);
      if (gain <= most) return;
      most = gain;
      best = next;
    };
    for (std::size_t l = 0; l < steps.levels.size(); ++l) {
      for (std::size_t reach = 1; reach <= kReach; ++reach) {
        Steps next = steps;
        next.levels[l] += reach;
        if (next.levels[l] < kLayerLadder.size()) weigh(next, l);
        if (trials_.is_over()) return false;
      }
    }
    Steps next = steps;
    if (++next.share < shares_) weigh(next, 0);
    if (best.levels.empty()) return false;
    steps = std::move(best);
    return true;
  }

  double consider(const Steps& steps) {
    std::vector<LayerRecipe> recipe;
    for (const std::size_t level : steps.levels)
      recipe.push_back({encoding_from(kLayerLadder[level])});
    const auto kept = kept_inputs(steps.share);
    Model candidate{kept_words(model_.featurizer, kept), model_.labels, network(steps),
                    model_.provenance};
    return trials_.consider(Recipe(recipe).text() + inputs_text(kept.size()), std::move(candidate),
                            validation(steps.share));
  }

  std::string inputs_text(std::size_t kept) const {
    if (kept == order_.size()) return "";
    return fmt::format(", {} of {} inputs", kept, order_.size());
  }

  const Model& model_;
  const Mlp& mlp_;
  const HeldOut& rows_;
  ShrinkTrials& trials_;
  std::vector<std::size_t> order_;
  std::size_t shares_ = 1;
  double float_loss_ = 0.0;
  std::map<std::array<std::size_t, 3>, EncodedMatrix> encoded_;
  std::map<std::array<std::size_t, 3>, double> costs_;
  std::map<std::size_t, Rows> validation_;
};

}  // namespace

Featurizer kept_words(const Featurizer& featurizer, std::span<const std::size_t> kept) {
  const Vocabulary* words = word_list(featurizer);
  if (words == nullptr) return featurizer;
  return BagOfWords{with_words(*words, kept), true};
}

Rows kept_columns(const Rows& rows, std::span<const std::size_t> kept) {
  const auto* sparse = std::get_if<SparseRows>(&rows);
  return sparse == nullptr ? rows : with_columns(*sparse, kept);
}

void try_uniform(const Model& model, const HeldOut& rows, ShrinkTrials& trials) {
  trials.phase("One encoding for all layers");
  const auto& mlp = std::get<Mlp>(model.network);
  const auto all = all_of(mlp.inputs());
  for (const std::string_view name : kLadder) {
    if (trials.is_over()) return;
    Model candidate{kept_words(model.featurizer, all), model.labels,
                    quantize(mlp, Recipe::from_text(name), input_kind(model.featurizer)),
                    model.provenance};
    trials.consider(std::string(name), std::move(candidate), rows.validation.rows);
  }
}

void try_mixed(const Model& model, const HeldOut& rows, ShrinkTrials& trials) {
  const std::size_t least = std::get<Mlp>(model.network).parameters() / 8;
  const bool words = word_list(model.featurizer) != nullptr;
  if (trials.best_bytes() < (words ? least / 4 : least)) {
    trials.phase("An encoding for each layer: cannot be smaller than what is found");
    return;
  }
  trials.phase("An encoding for each layer");
  MixedFamily(model, rows, trials).run();
}

}  // namespace nibble
