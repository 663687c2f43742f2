// What all targets share: libFuzzer's entry, and a bound on the memory that is alive at a time,
// counted by the hooks of AddressSanitizer's allocator.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.h"

#include "nibble/core/error.h"

extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                              void (*freed)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
}

namespace {

constexpr std::size_t kFree = std::size_t{16} << 20;
constexpr std::size_t kTimesInput = 4;

// Of the run in progress; libFuzzer's own memory is not counted. What was allocated before and is
// freed now would count as less than nothing.
thread_local bool counting = false;
thread_local std::int64_t alive = 0;
thread_local std::int64_t limit = 0;

void allocated(const volatile void* /*memory*/, std::size_t size) {
  if (!counting) return;
  alive += static_cast<std::int64_t>(size);
  if (alive <= limit) return;
  counting = false;
  std::fprintf(stderr, "FINDING: %lld bytes are alive, at most %lld may be\n",
               static_cast<long long>(alive), static_cast<long long>(limit));
  std::abort();
}

void freed(const volatile void* memory) {
  if (counting && memory != nullptr)
    alive -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  return __sanitizer_install_malloc_and_free_hooks(allocated, freed) == 0 ? 1 : 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alive = 0;
  limit = static_cast<std::int64_t>(kFree + kTimesInput * size);
  counting = true;
  try {
    nibble::fuzz::read({reinterpret_cast<const std::byte*>(data), size});
  } catch (const nibble::Error&) {  // bad input, said in a sentence
  }
  counting = false;
  return 0;
}
