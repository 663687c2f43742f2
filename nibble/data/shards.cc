#include "nibble/data/shards.h"

#include <algorithm>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"
#include "nibble/data/label_column.h"
#include "nibble/data/labelled_text.h"
#include "nibble/data/lines.h"
#include "nibble/data/numeric_csv.h"

namespace nibble {
namespace {

constexpr std::string_view kLineEnds = "\r\n";

// Bytes of the longest start of `text` that ends with a line that is not blank. Blank lines go to
// the shard after it: at the end of the file they do not count, elsewhere they are an Error.
std::size_t whole_lines(std::string_view text) {
  const std::size_t last_end = text.rfind('\n');
  if (last_end == std::string_view::npos) return 0;
  const std::size_t last_byte = text.substr(0, last_end).find_last_not_of(kLineEnds);
  return last_byte == std::string_view::npos ? 0 : text.find('\n', last_byte) + 1;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kLineEnds) == std::string_view::npos;
}

}  // namespace

ShardedFile::ShardedFile(const std::filesystem::path& path, const LabelNames& known_labels,
                         const OnShard& on_shard, std::size_t shard_bytes)
    : name_(path.string()), file_(path) {
  if (file_.size() == 0) throw_error("'{}' is empty; expected rows of data", name_);
  std::string start;
  file_.read(0, std::min(file_.size(), shard_bytes), start);
  kind_ = file_kind(path, start);
  if (kind_ == FileKind::kIdx)
    throw_error(
        "'{}' is an IDX or gzip file, which cannot be read in shards; train without --stream",
        name_);
  read_through(known_labels, on_shard, shard_bytes);
}

void ShardedFile::read_through(const LabelNames& known_labels, const OnShard& on_shard,
                               std::size_t shard_bytes) {
  label_names_ = known_labels;
  Sha256 digest;
  std::string bytes;
  Shard shard;
  while (shard.offset < file_.size()) {
    shard.bytes = take_whole_lines(shard.offset, shard_bytes, bytes);
    digest.add(bytes);
    if (!is_blank(bytes)) {  // else the end of the file
      const Examples rows = parse(bytes, shard, known_labels);
      require_same_columns(rows);
      if (known_labels.empty()) add_labels(rows.label_names);
      on_shard(rows, rows_);
      shards_.push_back(shard);
      rows_ += rows.rows();
    }
    shard.offset += bytes.size();
    shard.lines_before += static_cast<std::size_t>(std::ranges::count(bytes, '\n'));
    shard.first_row = rows_;
  }
  if (rows_ == 0) throw_error("'{}' holds no row; expected rows of data", name_);
  if (known_labels.empty()) sort_label_names(label_names_);
  sha256_ = digest.hex();
}

// Reads on from `offset` until a whole line is there, at the start of the file two, as the first
// may be a heading; the end of the file will do.
std::size_t ShardedFile::take_whole_lines(std::size_t offset, std::size_t shard_bytes,
                                          std::string& bytes) const {
  const std::size_t rest = file_.size() - offset;
  const std::ptrdiff_t lines_needed = offset == 0 ? 2 : 1;
  for (std::size_t count = shard_bytes; count < rest; count *= 2) {
    file_.read(offset, count, bytes);
    const std::string_view whole = std::string_view(bytes).substr(0, whole_lines(bytes));
    if (std::ranges::count(whole, '\n') >= lines_needed) {
      bytes.resize(whole.size());
      return bytes.size();
    }
    if (count > 4 * kLongestLine) return bytes.size();  // a line too long: refused when parsed
  }
  file_.read(offset, rest, bytes);
  return bytes.size();
}

Examples ShardedFile::parse(std::string_view bytes, const Shard& shard,
                            const LabelNames& known) const {
  const auto read = kind_ == FileKind::kNumericCsv ? read_numeric_csv : read_labelled_text;
  Examples examples = read(bytes, name_, known, shard.lines_before);
  examples.source = name_;
  return examples;
}

void ShardedFile::require_same_columns(const Examples& rows) {
  if (rows.is_text()) return;
  const std::size_t columns = rows.numbers().columns;
  if (rows_ > 0 && columns != columns_)
    throw_error("'{}': {} numbers in row {}, but {} in the rows before it", name_, columns,
                rows_ + 1, columns_);
  columns_ = columns;
}

void ShardedFile::add_labels(const LabelNames& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(label_names_, name) == label_names_.end()) label_names_.push_back(name);
  }
}

Examples ShardedFile::read(std::size_t shard) const {
  std::string bytes;
  file_.read(shards_[shard].offset, shards_[shard].bytes, bytes);
  Examples examples = parse(bytes, shards_[shard], label_names_);
  const std::uint64_t end = shard + 1 < shards() ? first_row(shard + 1) : rows();
  if (examples.rows() != end - first_row(shard))
    throw_error("'{}' was changed while it was being read", name_);
  return examples;
}

}  // namespace nibble
