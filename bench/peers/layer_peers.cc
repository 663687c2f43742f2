// Times one dense layer by one library and prints the median nanoseconds of a call.
//
//   layer_peers LIBRARY TYPE ROWS INPUTS OUTPUTS THREADS SECONDS
//   layer_peers nibble int8 1 4096 4096 1 0.2
//
// LIBRARY: nibble, onednn-fused, onednn-plain, onednn-gemm, openblas. TYPE: f32, int8, int4.
// THREADS is nibble's; the others take theirs from OMP_NUM_THREADS and OPENBLAS_NUM_THREADS. Ends
// with 1 when the answer is wrong.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <fmt/core.h>

#include "layer.h"

namespace nibble::peers {
namespace {

double now_ns() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double expected(const Shape& shape, std::size_t row, std::size_t output, bool relu) {
  long sum = 0;
  for (std::size_t i = 0; i < shape.inputs; ++i) sum += x_at(row, i) * w_at(i, output);
  return static_cast<double>(relu ? std::max(sum, 0L) : sum);
}

// Rows and outputs all over the result; the sums are whole numbers, so they must be met exactly.
void check(const Layer& layer, const Shape& shape) {
  for (std::size_t row = 0; row < shape.rows; row += shape.rows / 7 + 1) {
    for (std::size_t output = 0; output < shape.outputs; output += shape.outputs / 11 + 1) {
      const double wanted = expected(shape, row, output, layer.relu);
      const double got = layer.result(row, output);
      if (got != wanted)
        throw std::runtime_error(
            fmt::format("row {}, output {} is {}, not {}", row, output, got, wanted));
    }
  }
}

double timed(const Layer& layer, std::size_t calls) {
  const double start = now_ns();
  for (std::size_t i = 0; i < calls; ++i) layer.call();
  return (now_ns() - start) / static_cast<double>(calls);
}

// Calls in groups of 50 us, so that reading the clock does not count.
double median_ns(const Layer& layer, double seconds) {
  const std::size_t warm_up = timed(layer, 1) < 1e6 ? 10 : 1;
  const auto calls = static_cast<std::size_t>(5e4 / timed(layer, warm_up)) + 1;
  const double end = now_ns() + seconds * 1e9;
  std::vector<double> times;
  while (now_ns() < end || times.size() < 5) times.push_back(timed(layer, calls));
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

Layer layer_of(const std::string& library, const std::string& type, const Shape& shape,
               std::size_t threads) {
  if (library == "nibble") return nibble_layer(type, shape, threads);
  if (library == "openblas" && type == "f32") return openblas_layer(shape);
  if (library.starts_with("onednn-")) return onednn_layer(type, shape, library.substr(7));
  throw std::invalid_argument("there is no " + library + " of type " + type);
}

void run(const std::vector<std::string>& given) {
  const Shape shape{std::stoul(given[2]), std::stoul(given[3]), std::stoul(given[4])};
  const Layer layer = layer_of(given[0], given[1], shape, std::stoul(given[5]));
  layer.call();
  check(layer, shape);
  fmt::print("{:.1f}\n", median_ns(layer, std::stod(given[6])));
}

}  // namespace
}  // namespace nibble::peers

int main(int argc, char** argv) {
  const std::vector<std::string> given(argv + 1, argv + argc);
  try {
    if (given.size() != 7)
      throw std::invalid_argument(
          "usage: layer_peers LIBRARY TYPE ROWS INPUTS OUTPUTS THREADS SECONDS");
    nibble::peers::run(given);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "layer_peers: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
