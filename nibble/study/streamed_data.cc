#include "nibble/study/streamed_data.h"

#include <utility>

#include "nibble/core/error.h"
#include "nibble/data/catalogue.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

using Which = PartOfFile::Which;

void require_hashed(const DataOptions& options) {
  const SplitKind split = options.effective_split();
  if (!options.validation_file.empty() || split == SplitKind::kHashed) return;
  throw_error(
      "the split {} permutes all rows in memory, which a streamed file is too large for; expected "
      "hashed, or a file of validation rows",
      name_of(split));
}

std::size_t total(const std::map<std::string, std::size_t>& counts) {
  std::size_t rows = 0;
  for (const auto& [label, count] : counts) rows += count;
  return rows;
}

}  // namespace

StreamedData::StreamedData(const DataOptions& options)
    : training_part_{Which::kTraining, options.validation_fraction, options.split_seed},
      validation_part_{Which::kValidation, options.validation_fraction, options.split_seed},
      window_rows_(options.shuffle_buffer) {
  require_hashed(options);
  if (!options.validation_file.empty()) training_part_ = validation_part_ = {};
  read_training(options);
  read_validation(options);
  if (facts_.validation.rows == 0)
    throw_error("'{}' leaves no row to validate on; give more rows or another split seed",
                training_file_->source());
}

void StreamedData::read_training(const DataOptions& options) {
  WordCounter words;
  std::size_t columns = 0;
  bool is_text = true;
  const auto count = [&](const Examples& shard, std::uint64_t first_row) {
    is_text = shard.is_text();
    if (!is_text) columns = shard.numbers().columns;
    for (std::size_t row = 0; row < shard.rows(); ++row) {
      const std::string& label = shard.label_names[static_cast<std::size_t>(shard.labels[row])];
      const bool trains = training_part_.holds(first_row + row);
      ++(trains ? training_counts_ : validation_counts_)[label];
      if (trains && is_text) words.add(shard.texts()[row]);
    }
  };
  training_file_ = std::make_unique<ShardedFile>(training_file(options.data), LabelNames{}, count);
  facts_.label_names = training_file_->label_names();
  facts_.training = {total(training_counts_), training_file_->sha256()};
  require_trainable(training_file_->source(), facts_.label_names, facts_.training.rows);
  facts_.featurizer = Numeric{columns, 1.0F};
  if (!is_text && options.hash_vocabulary > 0) refuse_to_hash_numbers();
  if (is_text)
    facts_.featurizer =
        BagOfWords{options.hash_vocabulary > 0 ? Vocabulary::hashed(options.hash_vocabulary)
                                               : words.vocabulary(options.max_features)};
}

void StreamedData::read_validation(const DataOptions& options) {
  facts_.validation = {total(validation_counts_), training_file_->sha256()};
  if (options.validation_file.empty()) return;
  const bool text = input_kind(facts_.featurizer) == InputKind::kSparse;
  const auto count = [&](const Examples& shard, std::uint64_t) {
    if (shard.is_text() != text ||
        (!text && shard.numbers().columns != column_count(facts_.featurizer)))
      throw_error("'{}' and '{}' differ in kind or columns; expected the same in both",
                  options.validation_file, training_file_->source());
    for (const Label label : shard.labels)
      ++validation_counts_[shard.label_names[static_cast<std::size_t>(label)]];
  };
  validation_file_ =
      std::make_unique<ShardedFile>(options.validation_file, facts_.label_names, count);
  facts_.validation = {total(validation_counts_), validation_file_->sha256()};
}

std::vector<std::size_t> StreamedData::in_order(const Counts& counts) const {
  std::vector<std::size_t> result;
  for (const std::string& label : facts_.label_names) {
    const auto found = counts.find(label);
    result.push_back(found == counts.end() ? 0 : found->second);
  }
  return result;
}

std::unique_ptr<RowSource> StreamedData::training(const TrainSettings& settings) const {
  return std::make_unique<ShardSource>(
      *training_file_, facts_.featurizer, training_part_, in_order(training_counts_),
      WindowSettings{window_rows_, settings.batch, settings.shuffle, settings.seed});
}

std::unique_ptr<RowSource> StreamedData::validation() const {
  const ShardedFile& file = validation_file_ ? *validation_file_ : *training_file_;
  return std::make_unique<ShardSource>(file, facts_.featurizer, validation_part_,
                                       in_order(validation_counts_),
                                       WindowSettings{window_rows_, 1, false, 0});
}

}  // namespace nibble
