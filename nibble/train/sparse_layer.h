// The first layer for sparse rows: visits only the weight rows a batch touches and gives the dense
// optimizer's results all the same (lazy_adam.h, lazy_sgd.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/threads.h"
#include "nibble/data/rows.h"
#include "nibble/kernels/train_sparse.h"
#include "nibble/network/mlp.h"
#include "nibble/train/lazy_adam.h"
#include "nibble/train/lazy_sgd.h"
#include "nibble/train/next_touches.h"
#include "nibble/train/padded.h"

namespace nibble {

class SparseLayer {
 public:
  SparseLayer(const Linear& layer, const TrainSettings& settings, std::uint32_t steps,
              ThreadPool& pool);

  // The work of forward and backward is cut into this many blocks of columns.
  std::size_t pieces() const;
  // Columns of block `piece`, which begin at piece * kPieceColumns; all but the last are that wide.
  static constexpr std::size_t kPieceColumns = 128;
  std::size_t columns(std::size_t piece) const;

  // Steps first, first + 1, ... will be about these rows, `batch` at a time (NextTouches::expect).
  // Not needed; but where it is known, Adam's weights go from backward of one step straight to
  // where the next step that uses them wants them, so they may be ahead of the step done last.
  void expect(const SparseRowsView& rows, std::span<const std::uint32_t> order, std::size_t batch,
              std::uint32_t first, bool to_the_end);
  // Step `step` (1, 2, ...) will be about these rows. Costs no arithmetic on weights, and may run
  // beside backward of the step before. Then comes every piece of forward, then every piece of
  // backward; a piece of forward may follow the same piece of the backward before at once.
  void prepare(const SparseRowsView& rows, std::span<const std::uint32_t> batch,
               std::uint32_t step);
  // y and dy: the block's columns of the batch's rows, `stride` apart.
  void forward(std::uint32_t step, std::size_t piece, float* y, std::size_t stride);
  void backward(std::uint32_t step, std::size_t piece, const OptimizerStep& optimizer,
                const float* dy, std::size_t stride);

  // The sum of squares of the block's gradients, weights and bias; may go before backward.
  double gradient_square(std::uint32_t step, std::size_t piece, const float* dy,
                         std::size_t stride);

  // All weights as they are after step `step`, the last one that went backward; those that are
  // ahead of it (expect) stay there.
  void catch_up(std::uint32_t step, ThreadPool& pool);
  // After catch_up: one row's outputs, bias included.
  void apply(std::span<const std::uint32_t> indices, std::span<const float> values, float* y) const;
  void write_to(Linear& layer, ThreadPool& pool) const;

  // What a stored training needs: the memory of weights and moments, and two marks for each feature
  // (training_state.h). Marks that no training of `steps` steps can have are an Error.
  std::span<float> records() { return records_; }
  Moments& bias() { return bias_; }
  std::vector<std::int64_t> marks() const;
  void set_marks(std::span<const std::int64_t> marks, std::uint32_t steps);

 private:
  // The last step whose gradient the moments hold (0: none yet), and the last step the weights have
  // taken.
  struct Mark {
    std::uint32_t gradient = 0;
    std::uint32_t weights = 0;
  };
  template <typename Part>
  struct PartOf {
    std::uint32_t feature = 0;
    Part part;
  };
  // What a step touches.
  struct Plan {
    std::uint32_t step = 0;
    std::size_t rows = 0;
    std::vector<TouchedFeature> touched;
    // What must be added before a touched feature's own catch_up, in the first steps of training.
    std::vector<PartOf<CatchUp>> earlier;
    // And after its `follow`.
    std::vector<PartOf<CatchUp>> later;
    std::vector<PartOf<SgdCatchUp>> sgd;  // what SGD's touched features catch up
    std::vector<Occurrence> occurrences;
  };
  Plan& plan(std::uint32_t step) { return plans_[step % 2]; }
  const Plan& plan(std::uint32_t step) const { return plans_[step % 2]; }
  static SparseBatch batch(const Plan& plan);
  ColumnBlock block(std::size_t piece);
  std::size_t record_stride() const { return 3 * width_; }
  const float* weights(std::size_t piece, std::size_t feature) const;
  void start_feature(std::size_t feature, std::span<const float> weights);
  void catch_up_feature(std::uint32_t feature, std::uint32_t step);
  void touch(std::uint32_t feature, Plan& plan, std::uint32_t again);
  void touch_adam(TouchedFeature& touched, Plan& plan, std::uint32_t again);
  void follow_until(std::uint32_t step, TouchedFeature& touched, Plan& plan);
  void touch_sgd(std::uint32_t feature, Plan& plan);
  void place_occurrences(const SparseRowsView& rows, std::span<const std::uint32_t> batch,
                         Plan& plan) const;
  void take_catch_up(std::uint32_t feature, std::uint32_t step, std::vector<CatchUp>& parts);
  SgdCatchUp take_sgd_catch_up(std::uint32_t feature, std::uint32_t step);

  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
  std::size_t width_ = 0;
  std::optional<LazyAdam> adam_;  // one of the two
  std::optional<LazySgd> sgd_;
  UndefinedVector<float> records_;  // inputs x blocks x 3 (weights, m, v) x columns
  Moments bias_;
  std::vector<Mark> marks_;              // of each feature
  std::vector<std::uint32_t> slots_;     // of each feature: its place in the plan being made
  std::vector<std::uint32_t> features_;  // of each place in the plan being made
  std::vector<CatchUp> parts_;           // of the feature being planned
  NextTouches next_touches_;
  std::array<Plan, 2> plans_;
};

}  // namespace nibble
