// Vectors and matrices whose storage starts on a cache line (64 bytes), as the kernels like it.
// Large ones ask for huge pages: rows visited in random order then cost no address translations.
#pragma once

#include <cassert>
#include <cstddef>
#include <new>
#include <span>
#include <vector>

namespace nibble {

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kHugePage = std::size_t{1} << 21;  // Linux on x86

// `bytes` of storage aligned to kCacheLine; freed with the same size.
void* allocate_aligned(std::size_t bytes);
void free_aligned(void* memory, std::size_t bytes) noexcept;

template <typename T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>& /*other*/) {}
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) { free_aligned(memory, count * sizeof(T)); }
  friend bool operator==(AlignedAllocator, AlignedAllocator) { return true; }
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

// The same, whose elements begin undefined: memory that several threads fill is not cleared by one
// of them first.
template <typename T>
struct UndefinedAllocator : AlignedAllocator<T> {
  template <typename U>
  void construct(U* element) {
    ::new (static_cast<void*>(element)) U;
  }
};

template <typename T>
using UndefinedVector = std::vector<T, UndefinedAllocator<T>>;

// A dense row-major matrix that owns its values; rows follow each other without padding.
template <typename T>
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  AlignedVector<T> values;  // rows * columns

  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}

  std::span<T> row(std::size_t index) {
    assert(index < rows);
    return {values.data() + index * columns, columns};
  }
  std::span<const T> row(std::size_t index) const {
    assert(index < rows);
    return {values.data() + index * columns, columns};
  }
  T& at(std::size_t row_index, std::size_t column) { return row(row_index)[column]; }
  const T& at(std::size_t row_index, std::size_t column) const { return row(row_index)[column]; }

  friend bool operator==(const Matrix&, const Matrix&) = default;
};

}  // namespace nibble
