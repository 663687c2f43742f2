// Data read shard by shard, for files larger than memory: what prepare_data is for files that fit.
// A file is gone through once to check every row, split it and fit the features, then once for each
// epoch.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nibble/data/shards.h"
#include "nibble/study/pipeline.h"
#include "nibble/study/shard_source.h"

namespace nibble {

class StreamedData {
 public:
  // An Error as prepare_data's; also for a split other than hashed, and for IDX files.
  explicit StreamedData(const DataOptions& options);

  const DataFacts& facts() const { return facts_; }
  // Both refer to this object.
  std::unique_ptr<RowSource> training(const TrainSettings& settings) const;
  std::unique_ptr<RowSource> validation() const;

 private:
  using Counts = std::map<std::string, std::size_t>;  // rows of each label
  void read_training(const DataOptions& options);
  void read_validation(const DataOptions& options);
  std::vector<std::size_t> in_order(const Counts& counts) const;

  PartOfFile training_part_;
  PartOfFile validation_part_;
  std::size_t window_rows_;
  std::unique_ptr<ShardedFile> training_file_;
  std::unique_ptr<ShardedFile> validation_file_;  // none: the training file holds both parts
  Counts training_counts_;
  Counts validation_counts_;
  DataFacts facts_;
};

}  // namespace nibble
