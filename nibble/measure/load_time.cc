#include "nibble/measure/load_time.h"

#include <chrono>
#include <utility>
#include <vector>

#include "nibble/infer/predictor.h"
#include "nibble/measure/statistics.h"
#include "nibble/measure/timing.h"

namespace nibble {

double median_load_ms(const std::filesystem::path& file, const LoadOptions& options) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times(9);
  for (double& time : times) {
    const Clock::time_point start = Clock::now();
    const Predictor predictor(load_model(file, options));
    keep(&predictor);
    time = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }
  return median(std::move(times));
}

}  // namespace nibble
