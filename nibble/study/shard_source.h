// Rows of a sharded file as training takes them: window by window, shuffled twice over. The shards
// come in an order drawn anew each epoch; as many as fill a window are read, made into features,
// and the window's rows are shuffled. So memory is one window whatever the file's size, and a row
// meets rows from all over the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "nibble/data/shards.h"
#include "nibble/model/model.h"
#include "nibble/train/row_source.h"

namespace nibble {

// The rows of a file that belong to one part.
struct PartOfFile {
  enum class Which { kAll, kTraining, kValidation };
  Which which = Which::kAll;
  double validation_fraction = 0.0;
  std::uint32_t split_seed = 0;

  bool holds(std::uint64_t row) const;
};

struct WindowSettings {
  std::size_t window_rows = 0;  // at least, and at least a batch; the last shard read is not cut
  std::size_t batch = 1;
  bool shuffle = false;
  std::uint32_t seed = 0;
};

class ShardSource final : public RowSource {
 public:
  // File and featurizer must outlive this. `label_counts`: the part's rows of each label.
  ShardSource(const ShardedFile& file, const Featurizer& featurizer, const PartOfFile& part,
              std::vector<std::size_t> label_counts, const WindowSettings& settings);

  std::size_t rows() const override { return rows_; }
  std::vector<std::size_t> label_counts(std::size_t labels) const override;
  std::size_t columns() const override { return column_count(featurizer_); }
  bool sparse() const override { return input_kind(featurizer_) == InputKind::kSparse; }
  void begin(std::size_t epoch) override;
  std::optional<RowWindow> next() override;

 private:
  std::size_t window_size() const { return labels_.size(); }
  void keep_leftover();
  void read_shard(std::size_t shard);
  void append(const Examples& shard, std::size_t row);
  void shuffle_window();

  const ShardedFile& file_;
  const Featurizer& featurizer_;
  PartOfFile part_;
  std::vector<std::size_t> label_counts_;
  std::size_t rows_;
  WindowSettings settings_;
  std::size_t epoch_ = 0;
  std::size_t window_number_ = 0;
  std::vector<std::uint32_t> shard_order_;
  std::size_t next_shard_ = 0;
  Rows window_;
  std::vector<Label> labels_;
  std::vector<std::uint32_t> order_;
  std::size_t given_ = 0;  // rows of order_ that the last window gave; the rest waits for the next
};

}  // namespace nibble
