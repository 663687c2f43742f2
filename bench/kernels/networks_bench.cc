// Whole networks: the reference model on bags of words, a Fashion-MNIST model on pixels.
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench.h"

#include "nibble/core/random.h"
#include "nibble/infer/prepared_mlp.h"

namespace nibble {
namespace {

constexpr std::size_t kRows = 512;

std::uint32_t draw(std::size_t index) { return philox({9, RandomStream::kSample}, index)[0]; }

// 14 words a row with ranks spread like SST-2's: the most frequent tenth makes up three quarters.
// 94 % of the counts are 1.
SparseRows bags_of_words(std::size_t columns) {
  SparseRows rows;
  rows.columns = columns;
  for (std::size_t r = 0; r < kRows; ++r) {
    std::vector<std::uint32_t> words;
    for (std::size_t i = 0; i < 14; ++i) {
      const double rank = std::pow(static_cast<double>(columns), unit_float(draw(r * 64 + i)));
      words.push_back(static_cast<std::uint32_t>(rank) % static_cast<std::uint32_t>(columns));
    }
    std::ranges::sort(words);
    words.erase(std::unique(words.begin(), words.end()), words.end());
    for (const std::uint32_t word : words) {
      rows.indices.push_back(word);
      rows.values.push_back(draw(r * 64 + word + 9999) % 100 < 94 ? 1.0F : 2.0F);
    }
    rows.end_row();
  }
  return rows;
}

// Half of the pixels are zero, as in Fashion-MNIST.
DenseRows pixels(std::size_t columns) {
  DenseRows rows(kRows, columns);
  for (std::size_t i = 0; i < rows.values.size(); ++i)
    rows.values[i] = std::max(0.0F, unit_float(draw(i)) * 2.0F - 1.0F);
  return rows;
}

const Mlp& reference_network() {
  static const Mlp network = initialised_mlp({10000, {512, 256, 128, 64}, 2}, 1);
  return network;
}
const Mlp& pixel_network() {
  static const Mlp network = initialised_mlp({784, {512, 256, 128, 64}, 10}, 1);
  return network;
}

// Made once: the benchmark starts anew for every repetition.
const Rows& rows_for(InputKind kind) {
  static const Rows words(bags_of_words(reference_network().inputs()));
  static const Rows dense(pixels(pixel_network().inputs()));
  return kind == InputKind::kSparse ? words : dense;
}
const PreparedMlp& prepared(Scheme scheme, InputKind kind) {
  static std::map<std::pair<Scheme, InputKind>, PreparedMlp> networks;
  const auto found = networks.find({scheme, kind});
  if (found != networks.end()) return found->second;
  const Mlp& mlp = kind == InputKind::kSparse ? reference_network() : pixel_network();
  PreparedMlp network(quantize(mlp, scheme, kind));
  return networks.emplace(std::pair(scheme, kind), std::move(network)).first->second;
}

void predict(benchmark::State& state, Scheme scheme, InputKind kind) {
  const PreparedMlp& network = prepared(scheme, kind);
  const RowsView all = view_of(rows_for(kind));
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<float> logits(batch * network.outputs());
  PreparedMlp::Scratch scratch;
  network.logits(slice(all, 0, batch), logits, scratch);  // what is done once is done here
  std::size_t first = 0;
  for (auto step : state) {
    network.logits(slice(all, first, batch), logits, scratch);
    benchmark::DoNotOptimize(logits.data());
    first = first + 2 * batch <= kRows ? first + batch : 0;
  }
}

const bool kRegistered = [] {
  for (const Scheme scheme : kSchemes) {
    const std::string name(name_of(scheme));
    for (const std::size_t batch : {1U, 8U, 32U, 256U}) {
      repeated(benchmark::RegisterBenchmark(("words/" + name).c_str(), predict, scheme,
                                            InputKind::kSparse))
          ->Arg(batch);
    }
    for (const std::size_t batch : {1U, 8U, 256U}) {
      repeated(benchmark::RegisterBenchmark(("pixels/" + name).c_str(), predict, scheme,
                                            InputKind::kDense))
          ->Arg(batch);
    }
  }
  return true;
}();

}  // namespace
}  // namespace nibble
