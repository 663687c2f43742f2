#include "nibble/study/shard_source.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "nibble/data/split.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

Rows empty_rows(const Featurizer& featurizer) {
  if (input_kind(featurizer) == InputKind::kSparse) {
    SparseRows rows;
    rows.columns = column_count(featurizer);
    return rows;
  }
  return DenseRows(0, column_count(featurizer));
}

}  // namespace

bool PartOfFile::holds(std::uint64_t row) const {
  if (which == Which::kAll) return true;
  return validates(row, validation_fraction, split_seed) == (which == Which::kValidation);
}

ShardSource::ShardSource(const ShardedFile& file, const Featurizer& featurizer,
                         const PartOfFile& part, std::vector<std::size_t> label_counts,
                         const WindowSettings& settings)
    : file_(file),
      featurizer_(featurizer),
      part_(part),
      label_counts_(std::move(label_counts)),
      rows_(std::accumulate(label_counts_.begin(), label_counts_.end(), std::size_t{0})),
      settings_(settings),
      window_(empty_rows(featurizer)) {}

std::vector<std::size_t> ShardSource::label_counts(std::size_t labels) const {
  std::vector<std::size_t> counts = label_counts_;
  counts.resize(labels);
  return counts;
}

void ShardSource::begin(std::size_t epoch) {
  epoch_ = epoch;
  window_number_ = 0;
  next_shard_ = 0;
  shard_order_ = taking_order(file_.shards(), settings_.shuffle, settings_.seed, epoch);
  order_.clear();
  given_ = 0;
}

std::optional<RowWindow> ShardSource::next() {
  keep_leftover();
  // Less than a batch would give nothing.
  const std::size_t enough = std::max(settings_.window_rows, settings_.batch);
  while (next_shard_ < shard_order_.size() && window_size() < enough)
    read_shard(shard_order_[next_shard_++]);
  if (window_size() == 0) return std::nullopt;
  shuffle_window();
  const bool last = next_shard_ == shard_order_.size();
  given_ = last ? order_.size() : order_.size() / settings_.batch * settings_.batch;
  ++window_number_;
  return RowWindow{{view_of(window_), labels_}, std::span(order_).first(given_), last};
}

// The window becomes the rows that were not given because they fill no batch.
void ShardSource::keep_leftover() {
  const std::vector<std::size_t> left(order_.begin() + static_cast<std::ptrdiff_t>(given_),
                                      order_.end());
  window_ = left.empty() ? empty_rows(featurizer_) : select_rows(window_, left);
  std::vector<Label> labels;
  labels.reserve(left.size());
  for (const std::size_t row : left) labels.push_back(labels_[row]);
  labels_ = std::move(labels);
}

void ShardSource::read_shard(std::size_t shard) {
  const Examples examples = file_.read(shard);
  const std::uint64_t first = file_.first_row(shard);
  for (std::size_t row = 0; row < examples.rows(); ++row) {
    if (!part_.holds(first + row)) continue;
    append(examples, row);
    labels_.push_back(examples.labels[row]);
  }
}

void ShardSource::append(const Examples& shard, std::size_t row) {
  if (const auto* words = std::get_if<BagOfWords>(&featurizer_)) {
    append_bag_of_words(shard.texts()[row], words->vocabulary, std::get<SparseRows>(window_));
    return;
  }
  auto& window = std::get<DenseRows>(window_);
  const float scale = std::get<Numeric>(featurizer_).scale;
  for (const float value : shard.numbers().row(row)) window.values.push_back(value * scale);
  ++window.rows;
}

// A round of its own for every window of every epoch.
void ShardSource::shuffle_window() {
  const std::uint64_t round = (std::uint64_t{epoch_} << 32) | (window_number_ + 1);
  order_ = taking_order(window_size(), settings_.shuffle, settings_.seed, round);
}

}  // namespace nibble
