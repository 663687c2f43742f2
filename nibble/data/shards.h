// A data file in shards: pieces of whole lines, so that a file larger than memory can be gone
// through again and again, shard by shard in any order. Memory is a few bytes for each shard and
// one shard at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/file.h"
#include "nibble/data/examples.h"
#include "nibble/data/readers.h"

namespace nibble {

class ShardedFile {
 public:
  // About 2,500 sentences: small enough that a window of shuffled rows comes from many shards,
  // large enough that reading one is not noticed.
  static constexpr std::size_t kShardBytes = std::size_t{1} << 18;
  // A shard's rows; labels are numbered within the shard. `first_row` counts from 0.
  using OnShard = std::function<void(const Examples& shard, std::uint64_t first_row)>;

  // Opens a file of labelled text or a numeric CSV and reads it through once: for the places where
  // shards begin, the labels, and every Error that load_examples would give. An IDX file or
  // standard input is refused.
  ShardedFile(const std::filesystem::path& path, const LabelNames& known_labels,
              const OnShard& on_shard, std::size_t shard_bytes = kShardBytes);

  std::size_t shards() const { return shards_.size(); }
  std::uint64_t rows() const { return rows_; }
  std::uint64_t first_row(std::size_t shard) const { return shards_[shard].first_row; }
  const LabelNames& label_names() const { return label_names_; }
  const std::string& source() const { return name_; }
  const std::string& sha256() const { return sha256_; }

  // One shard's rows, labels numbered as in label_names(). An Error when the file is not what it
  // was when it was opened.
  Examples read(std::size_t shard) const;

 private:
  struct Shard {
    std::size_t offset = 0;
    std::size_t bytes = 0;
    std::size_t lines_before = 0;
    std::uint64_t first_row = 0;
  };
  void read_through(const LabelNames& known_labels, const OnShard& on_shard,
                    std::size_t shard_bytes);
  std::size_t take_whole_lines(std::size_t offset, std::size_t shard_bytes,
                               std::string& bytes) const;
  Examples parse(std::string_view bytes, const Shard& shard, const LabelNames& known) const;
  void require_same_columns(const Examples& rows);
  void add_labels(const LabelNames& names);

  std::string name_;
  SeekableFile file_;
  FileKind kind_ = FileKind::kLabelledText;
  std::vector<Shard> shards_;
  std::uint64_t rows_ = 0;
  std::size_t columns_ = 0;  // of a numeric file
  LabelNames label_names_;
  std::string sha256_;
};

}  // namespace nibble
