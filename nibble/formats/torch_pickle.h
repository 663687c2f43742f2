// A pickle with tensors in it, as torch.save writes them: calls that rebuild a tensor from a record
// of the archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/formats/pickle_writer.h"
#include "nibble/formats/zip_writer.h"

namespace nibble {

// A tensor's numbers, to be stored under data/N.
struct TensorRecord {
  std::uint64_t size = 0;  // bytes
  ZipWriter::Source source;
};

// A tensor to be written: the name of its storage ("FloatStorage"), bytes of an element, sizes, and
// where its numbers come from.
struct TorchTensor {
  std::string_view storage;
  std::size_t element_size = 0;
  std::vector<std::size_t> shape;
  ZipWriter::Source source;
};

// The pickle and, as it grows, the records that it refers to. Sources refer to the caller's memory.
class TorchPickle : public PickleWriter {
 public:
  // torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
  void tensor(const TorchTensor& tensor);
  // torch._utils._rebuild_qtensor(storage, offset, sizes, strides, quantizer, requires_grad, hooks)
  // with one scale for the tensor, or one for each row (per channel, axis 0).
  void quantized_tensor(const TorchTensor& tensor, float scale);
  void quantized_tensor(const TorchTensor& tensor, std::span<const float> scales);

  void array(std::span<const float> numbers);
  void array(std::span<const double> numbers);
  void array(std::span<const std::int64_t> numbers);
  // A tensor without dimensions: float(tensor) gives the number (pickle_writer.h says why).
  void tensor_of(float value);
  void tensor_of(double value);
  void tensor_of(std::int64_t value);
  void whole(std::uint64_t value) { integer(static_cast<std::int64_t>(value)); }

  const std::vector<TensorRecord>& records() const { return records_; }

 private:
  void begin_tensor(std::string_view rebuild, const TorchTensor& tensor);
  void end_tensor();
  void sizes(const std::vector<std::size_t>& values);

  std::vector<TensorRecord> records_;
};

}  // namespace nibble
