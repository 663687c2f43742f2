#include "nibble/measure/latency.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/error.h"
#include "nibble/kernels/ceiling_reads.h"
#include "nibble/measure/ceilings.h"

namespace nibble {
namespace {

// What one thread needs to call the network again and again.
struct OneThread {
  std::vector<RowsView> batches;
  AlignedVector<float> logits;
  PreparedMlp::Scratch scratch;
};

}  // namespace

std::vector<RowsView> batches_of(const RowsView& rows, std::size_t batch) {
  if (batch == 0 || row_count(rows) < batch) {
    throw_error("cannot time calls of {} rows with {} rows; give at least one whole batch", batch,
                row_count(rows));
  }
  std::vector<RowsView> batches;
  for (std::size_t row = 0; row + batch <= row_count(rows); row += batch) {
    batches.push_back(slice(rows, row, batch));
  }
  return batches;
}

TimedCall network_calls(const Predictor& predictor, const RowsView& rows, std::size_t batch,
                        ThreadPool* pool) {
  const auto state = std::make_shared<OneThread>();
  state->batches = batches_of(rows, batch);
  state->logits.resize(batch * predictor.network().outputs());
  if (pool != nullptr) {
    return [state, &predictor, pool](std::size_t call) {
      const auto logits = predictor.logits(state->batches[call % state->batches.size()], pool);
      keep(logits.values.data());
    };
  }
  return [state, &network = predictor.network()](std::size_t call) {
    network.logits(state->batches[call % state->batches.size()], state->logits, state->scratch);
    keep(state->logits.data());
  };
}

TimedCall text_calls(const Predictor& predictor, const Texts& texts) {
  if (texts.empty()) throw_error("cannot time texts: there is none; give at least one");
  const auto scratch = std::make_shared<PreparedMlp::Scratch>();
  return [scratch, &predictor, &texts](std::size_t call) {
    const Prediction prediction = predictor.predict(texts[call % texts.size()], *scratch);
    keep(&prediction.label);
  };
}

CallTimes time_cold_calls(const TimedCall& call, const TimingLimits& limits) {
  constexpr std::size_t kMostBytes = std::size_t{96} << 20;
  const std::size_t bytes = std::min(kMostBytes, 3 * cache_sizes().l3);
  const AlignedVector<std::uint32_t> other(bytes / sizeof(std::uint32_t) / kReadStep * kReadStep,
                                           1);
  const auto evict = [&] {
    const std::uint32_t sum = read_words(other, 1);
    keep(&sum);
  };
  return time_calls_after(evict, call, limits);
}

Rows repeat_rows(const Rows& rows, std::size_t count) {
  const std::size_t available = row_count(view_of(rows));
  if (available == 0) throw_error("cannot time a model without rows; give at least one");
  std::vector<std::size_t> chosen(std::max(available, count));
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i % available;
  return select_rows(rows, chosen);
}

}  // namespace nibble
