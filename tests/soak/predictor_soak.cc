// predictor_soak [SECONDS]: 16 threads share one Predictor of each scheme in turn, for SECONDS in
// all (60). Ends with 1 if an answer differs from that of one thread alone; ThreadSanitizer, under
// which tests/soak/run builds it, ends it on a data race.
#include <cstdlib>

#include <fmt/format.h>

#include "nibble/infer/shared_predictor.h"

int main(int argc, char** argv) {
  constexpr std::size_t kThreads = 16;
  const double seconds = argc > 1 ? std::atof(argv[1]) : 60.0;
  std::size_t wrong = 0;
  for (const nibble::Scheme scheme : nibble::kSchemes) {
    const nibble::SharedPredictor shared(scheme);
    const auto count = shared.run(kThreads, seconds / static_cast<double>(nibble::kSchemes.size()));
    fmt::print("{:<12}{:>12} answers, {} wrong\n", nibble::name_of(scheme), count.answers,
               count.wrong);
    wrong += count.wrong;
  }
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
