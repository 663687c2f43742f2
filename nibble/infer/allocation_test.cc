// PreparedMlp::logits does not allocate once its scratch has grown: counted by the program's own
// operator new.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "nibble/infer/prepared_mlp.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  return allocate(size, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/,
                                       std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

namespace nibble {
namespace {

TEST(Allocation, LogitsAllocateNothingAfterTheFirstCalls) {
  const MlpShape shape{100, {64, 33}, 3};
  DenseRows full(24, shape.inputs);
  for (std::size_t i = 0; i < full.values.size(); ++i)
    full.values[i] = static_cast<float>(i % 7) - 2.5F;
  DenseRows mostly_zero(24, shape.inputs);
  for (std::size_t i = 0; i < full.values.size(); i += 31) mostly_zero.values[i] = 1.0F;
  for (const Scheme scheme : kSchemes) {
    const PreparedMlp network(quantize(initialised_mlp(shape, 1), scheme, InputKind::kSparse));
    PreparedMlp::Scratch scratch;
    std::vector<float> logits(24 * network.outputs());
    const auto run = [&](const DenseRows& rows, std::size_t count) {
      network.logits(slice(view_of(rows), 0, count),
                     std::span(logits).first(count * network.outputs()), scratch);
    };
    run(full, 24);
    run(full, 1);
    run(mostly_zero, 24);
    const std::size_t before = allocations;
    for (const std::size_t count : {1U, 5U, 24U}) {
      run(full, count);
      run(mostly_zero, count);
    }
    EXPECT_EQ(allocations - before, 0U) << name_of(scheme);
  }
}

}  // namespace
}  // namespace nibble
