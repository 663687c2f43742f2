// The tensors of a PyTorch file as matrices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_file.h"
#include "nibble/formats/pickle_value.h"
#include "nibble/formats/zip_reader.h"

namespace nibble {

// Finds the bytes behind a tensor, checks them, and turns them into numbers.
class TorchTensors {
 public:
  // `folder` is the archive's folder with its slash, "checkpoint/". The archive must outlive this
  // object, and must not be larger than `file_size` bytes: what is read may take four times that.
  // Pages of `owner`, the file that the archive lies in, are given back as they are read.
  TorchTensors(const ZipReader& archive, std::string folder, std::uint64_t file_size,
               SharedFile owner)
      : archive_(archive),
        folder_(std::move(folder)),
        numbers_left_(file_size),
        owner_(std::move(owner)) {}

  // [outputs][inputs] in the file, [inputs][outputs] here. `name` is for messages.
  Matrix<float> transposed(const PickleTensor& tensor, std::string_view name);
  // The same for codes of exactly this type, which stay as they are: int8_t (of a quantized tensor)
  // or uint16_t (the bits of float16 or bfloat16).
  template <typename T>
  Matrix<T> codes(const PickleTensor& tensor, std::string_view name);
  AlignedVector<float> vector(const PickleTensor& tensor, std::string_view name);
  // All numbers of a tensor with one dimension, without gaps, of exactly this type: float, double
  // or int64.
  template <typename T>
  std::vector<T> array(const PickleTensor& tensor, std::string_view name);
  // A whole number, a number, or the one in a float tensor without dimensions; nothing for any
  // other value.
  std::optional<double> number(const PickleValue& value);
  std::optional<double> number(const PickleTensor& tensor);

 private:
  std::span<const std::byte> checked_record(const PickleTensor& tensor, std::string_view name);
  std::span<const std::byte> record_of(const PickleTensor& tensor, std::string_view name);

  const ZipReader& archive_;
  std::string folder_;
  std::uint64_t numbers_left_;
  SharedFile owner_;
};

// "[512, 10000]"
std::string shape_text(std::span<const std::uint64_t> shape);

}  // namespace nibble
