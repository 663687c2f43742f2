#include "nibble/measure/verify.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "nibble/infer/predictor.h"
#include "nibble/kernels/cpu_level.h"

namespace nibble {
namespace {

// Puts the CPU level back.
class LevelGuard {
 public:
  LevelGuard() : level_(cpu_level()) {}
  ~LevelGuard() { force_cpu_level(level_); }
  LevelGuard(const LevelGuard&) = delete;
  LevelGuard& operator=(const LevelGuard&) = delete;

 private:
  std::string level_;
};

double allowed_difference(Scheme scheme, const std::vector<CheckVector>& checks) {
  if (scheme == Scheme::kInt8 || scheme == Scheme::kInt8Torch || scheme == Scheme::kInt4)
    return 0.0;
  float largest = 1.0F;
  for (const CheckVector& check : checks) {
    for (const float logit : check.logits) largest = std::max(largest, std::abs(logit));
  }
  const bool is_fine = scheme == Scheme::kF32 || scheme == Scheme::kF16;
  return static_cast<double>(largest) * (is_fine ? 1e-4 : 2e-2);
}

LevelCheck replay(const Predictor& predictor, const std::vector<CheckVector>& checks,
                  const std::string& level) {
  force_cpu_level(level);
  LevelCheck result{level, 0, 0.0};
  for (const CheckVector& check : checks) {
    const Rows row = check_row(predictor.featurizer(), check);
    const Matrix<float> logits = predictor.logits(view_of(row), nullptr);
    bool same = true;
    for (std::size_t o = 0; o < check.logits.size(); ++o) {
      same = same && std::bit_cast<std::uint32_t>(logits.values[o]) ==
                         std::bit_cast<std::uint32_t>(check.logits[o]);
      const double difference =
          std::abs(static_cast<double>(logits.values[o]) - static_cast<double>(check.logits[o]));
      // A NaN must not pass as the smaller one of two numbers.
      result.largest_difference =
          difference <= result.largest_difference ? result.largest_difference : difference;
    }
    if (same) ++result.same_bits;
  }
  return result;
}

}  // namespace

bool Verification::passed() const {
  return std::ranges::all_of(levels, [this](const LevelCheck& level) {
    return allowed > 0.0 ? level.largest_difference <= allowed : level.same_bits == vectors;
  });
}

Verification verify_model(const std::filesystem::path& path, const LoadOptions& options) {
  const Model model = load_model(path, options);
  StoredChecks stored = stored_checks(path, model);
  Verification result;
  result.scheme = model.scheme();
  result.has_digest = stored.has_digest;
  result.has_vectors = !stored.vectors.empty();
  const auto checks = result.has_vectors ? std::move(stored.vectors) : make_checks(model);
  result.vectors = checks.size();
  result.allowed = allowed_difference(result.scheme, checks);
  const Predictor predictor(model);
  const LevelGuard guard;
  for (const std::string& level : available_cpu_levels())
    result.levels.push_back(replay(predictor, checks, level));
  return result;
}

}  // namespace nibble
