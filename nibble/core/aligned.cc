#include "nibble/core/aligned.h"

#include <new>

#include <sys/mman.h>

namespace nibble {
namespace {

// From one huge page on. What lies beyond the last whole one stays in small pages, so that nothing
// is rounded up.
bool is_large(std::size_t bytes) { return bytes >= kHugePage; }

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t(is_large(bytes) ? kHugePage : kCacheLine);
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  void* memory = ::operator new(bytes, alignment(bytes));
  // Only a wish: where the kernel has no huge pages to give, small ones do.
  if (is_large(bytes)) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

void free_aligned(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, alignment(bytes));
}

}  // namespace nibble
