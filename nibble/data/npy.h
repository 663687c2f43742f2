// Matrices in NumPy's .npy files. Source: numpy/lib/format.py, format versions 1.0, 2.0 and 3.0.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "nibble/core/file.h"
#include "nibble/data/rows.h"

namespace nibble {

// A file of rows, mapped; rows become float32 as they are read, so memory stays small. Takes shape
// (rows, columns), or (columns,) as one row, in C order, of little-endian floats of 4 or 8 bytes,
// whole numbers of 1, 2, 4 or 8 bytes with or without sign, or booleans.
class NpyFile {
 public:
  // An Error names the file and what is wrong with it.
  explicit NpyFile(const std::filesystem::path& path);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  // An Error when a value is NaN or infinite as float32.
  DenseRows read_rows(std::size_t first, std::size_t count) const;

 private:
  void set_type(std::string_view header);
  void set_shape(std::string_view header);

  std::string name_;
  MappedFile file_;
  std::string_view values_;
  std::size_t value_bytes_ = 0;
  float (*load_)(const char* value) = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace nibble
