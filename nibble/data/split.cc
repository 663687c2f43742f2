#include "nibble/data/split.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "nibble/core/error.h"
#include "nibble/core/random.h"

namespace nibble {
namespace {

using Indices = std::vector<std::size_t>;

struct Sizes {
  std::size_t training = 0;
  std::size_t validation = 0;
};

// _validate_shuffle_split in _split.py.
Sizes sizes_of(std::size_t rows, double fraction) {
  if (!(fraction > 0.0 && fraction < 1.0)) {
    throw_error(
        "cannot split with a validation fraction of {}; expected more than 0 and less than 1",
        fraction);
  }
  const auto validation = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(rows)));
  if (rows < 2 || validation >= rows) {
    throw_error(
        "cannot split {} rows with a validation fraction of {}: one part would be empty; give more "
        "rows or another fraction",
        rows, fraction);
  }
  return {rows - validation, validation};
}

// How many of each class to draw so that `draws` rows keep the shares: round down, then hand out
// what is missing by remainder, equal remainders drawn at random. Source: _approximate_mode in
// sklearn/utils/__init__.py; numpy's choice(indices, k, replace=False) is the first k of a
// permutation.
Indices approximate_mode(const Indices& counts, std::size_t draws, NumpyRandom& random) {
  const auto total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  Indices drawn(counts.size());
  std::vector<double> remainders(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double exact = static_cast<double>(counts[i]) / total * static_cast<double>(draws);
    drawn[i] = static_cast<std::size_t>(std::floor(exact));
    remainders[i] = exact - std::floor(exact);
  }
  std::size_t missing = draws - std::accumulate(drawn.begin(), drawn.end(), std::size_t{0});
  std::vector<double> values = remainders;
  std::ranges::sort(values, std::greater<>());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (std::size_t v = 0; v < values.size() && missing > 0; ++v) {
    Indices tied;
    for (std::size_t i = 0; i < remainders.size(); ++i) {
      if (remainders[i] == values[v]) tied.push_back(i);
    }
    const Indices order = random.permutation(tied.size());
    const std::size_t now = std::min(missing, tied.size());
    for (std::size_t i = 0; i < now; ++i) ++drawn[tied[order[i]]];
    missing -= now;
  }
  return drawn;
}

// The rows of each label that occurs, labels ascending.
std::vector<Indices> rows_by_label(std::span<const Label> labels) {
  std::vector<Indices> rows;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto label = static_cast<std::size_t>(labels[row]);
    if (label >= rows.size()) rows.resize(label + 1);
    rows[label].push_back(row);
  }
  std::erase_if(rows, [](const Indices& some) { return some.empty(); });
  return rows;
}

void require_enough(const std::vector<Indices>& classes, const Sizes& sizes) {
  if (std::ranges::any_of(classes, [](const Indices& some) { return some.size() < 2; })) {
    throw_error(
        "cannot keep the shares of the labels: one label has a single row, and each part needs "
        "one; "
        "give it more rows or use the split that ignores labels");
  }
  if (std::min(sizes.training, sizes.validation) < classes.size()) {
    throw_error(
        "cannot keep the shares of {} labels in parts of {} and {} rows; give more rows or another "
        "fraction",
        classes.size(), sizes.training, sizes.validation);
  }
}

Indices shuffled(const Indices& values, NumpyRandom& random) {
  Indices result = random.permutation(values.size());
  for (std::size_t& index : result) index = values[index];
  return result;
}

}  // namespace

Split shuffle_split(std::size_t rows, double validation_fraction, std::uint32_t seed) {
  const Sizes sizes = sizes_of(rows, validation_fraction);
  const Indices order = NumpyRandom(seed).permutation(rows);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(sizes.validation);
  return {Indices(middle, order.end()), Indices(order.begin(), middle)};
}

Split stratified_split(std::span<const Label> labels, double validation_fraction,
                       std::uint32_t seed) {
  const Sizes sizes = sizes_of(labels.size(), validation_fraction);
  const std::vector<Indices> classes = rows_by_label(labels);
  require_enough(classes, sizes);
  NumpyRandom random(seed);
  Indices counts;
  for (const Indices& rows : classes) counts.push_back(rows.size());
  const Indices training = approximate_mode(counts, sizes.training, random);
  Indices left = counts;
  for (std::size_t i = 0; i < left.size(); ++i) left[i] -= training[i];
  const Indices validation = approximate_mode(left, sizes.validation, random);

  Split split;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const Indices rows = shuffled(classes[i], random);
    const auto first = rows.begin();
    const auto middle = first + static_cast<std::ptrdiff_t>(training[i]);
    const auto last = middle + static_cast<std::ptrdiff_t>(validation[i]);
    split.training.insert(split.training.end(), first, middle);
    split.validation.insert(split.validation.end(), middle, last);
  }
  split.training = shuffled(split.training, random);
  split.validation = shuffled(split.validation, random);
  return split;
}

bool validates(std::uint64_t row, double validation_fraction, std::uint32_t seed) {
  const std::uint32_t word = philox({seed, RandomStream::kSplit}, row)[0];
  return static_cast<double>(word) < validation_fraction * 0x1p32;
}

Split hashed_split(std::size_t rows, double validation_fraction, std::uint32_t seed) {
  sizes_of(rows, validation_fraction);  // for its errors
  Split split;
  for (std::size_t row = 0; row < rows; ++row)
    (validates(row, validation_fraction, seed) ? split.validation : split.training).push_back(row);
  if (split.training.empty() || split.validation.empty())
    throw_error(
        "cannot split {} rows with a validation fraction of {}: by chance one part is empty; give "
        "more rows or another split seed",
        rows, validation_fraction);
  return split;
}

}  // namespace nibble
