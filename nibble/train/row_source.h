// Where rows come from while a network is trained: all from memory, or window by window from files
// larger than memory (study/shard_source.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"

namespace nibble {

struct LabelledRows {
  RowsView rows;
  std::span<const Label> labels;
};

// Some rows of an epoch, and the order in which they are taken: indices into `part`, each row once.
struct RowWindow {
  LabelledRows part;
  std::span<const std::uint32_t> order;
  bool last = false;  // of the epoch; false too where that is not known
};

// 0..count-1, drawn anew from the seed for each round, or counted up.
std::vector<std::uint32_t> taking_order(std::size_t count, bool shuffle, std::uint32_t seed,
                                        std::uint64_t round);

class RowSource {
 public:
  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource() = default;

  virtual std::size_t rows() const = 0;  // in an epoch
  virtual std::size_t columns() const = 0;
  virtual bool sparse() const = 0;
  // How many rows of an epoch have each label.
  virtual std::vector<std::size_t> label_counts(std::size_t labels) const = 0;
  // Starts over with the order that belongs to this epoch (1, 2, ...).
  virtual void begin(std::size_t epoch) = 0;
  // The epoch's next window, or nothing at its end. Every window but the last has a multiple of
  // batch() rows. Valid until the next call of this object.
  virtual std::optional<RowWindow> next() = 0;
};

// Rows in memory, which must outlive this: one window an epoch.
class MemoryRows final : public RowSource {
 public:
  // Shuffled from the seed, or in their own order.
  MemoryRows(const LabelledRows& part, bool shuffle, std::uint32_t seed)
      : part_(part), shuffle_(shuffle), seed_(seed) {}

  std::size_t rows() const override { return part_.labels.size(); }
  std::size_t columns() const override { return column_count(part_.rows); }
  bool sparse() const override { return std::holds_alternative<SparseRowsView>(part_.rows); }
  std::vector<std::size_t> label_counts(std::size_t labels) const override;
  void begin(std::size_t epoch) override;
  std::optional<RowWindow> next() override;

 private:
  LabelledRows part_;
  bool shuffle_;
  std::uint32_t seed_;
  std::vector<std::uint32_t> order_;
  bool given_ = false;
};

}  // namespace nibble
