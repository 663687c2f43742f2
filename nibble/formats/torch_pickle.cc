#include "nibble/formats/torch_pickle.h"

#include <fmt/format.h>

namespace nibble {
namespace {

std::uint64_t count_of(const TorchTensor& tensor) {
  std::uint64_t elements = 1;
  for (const std::size_t size : tensor.shape) elements *= size;
  return elements;
}

std::vector<std::size_t> contiguous_strides(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

template <typename T>
TorchTensor row_of(std::string_view storage, std::span<const T> numbers) {
  return {storage, sizeof(T), {numbers.size()}, [numbers](const ZipWriter::Sink& sink) {
            sink(std::as_bytes(numbers));
          }};
}

template <typename T>
TorchTensor single(std::string_view storage, T value) {
  return {storage, sizeof(T), {}, [value](const ZipWriter::Sink& sink) {
            sink(std::as_bytes(std::span(&value, 1)));
          }};
}

}  // namespace

void TorchPickle::begin_tensor(std::string_view rebuild, const TorchTensor& tensor) {
  global("torch._utils", rebuild);
  begin_tuple();
  begin_tuple();
  text("storage");
  global("torch", tensor.storage);
  text(fmt::format("{}", records_.size()));
  text("cpu");
  whole(count_of(tensor));
  end_tuple();
  persistent_id();
  integer(0);
  sizes(tensor.shape);
  sizes(contiguous_strides(tensor.shape));
  records_.push_back({count_of(tensor) * tensor.element_size, tensor.source});
}

void TorchPickle::end_tensor() {
  boolean(false);
  begin_ordered_dict();
  end_dict();
  end_tuple();
  call();
}

void TorchPickle::tensor(const TorchTensor& tensor) {
  begin_tensor("_rebuild_tensor_v2", tensor);
  end_tensor();
}

void TorchPickle::quantized_tensor(const TorchTensor& tensor, float scale) {
  begin_tensor("_rebuild_qtensor", tensor);
  begin_tuple();
  global("torch", "per_tensor_affine");
  real(static_cast<double>(scale));
  integer(0);
  end_tuple();
  end_tensor();
}

void TorchPickle::quantized_tensor(const TorchTensor& tensor, std::span<const float> scales) {
  begin_tensor("_rebuild_qtensor", tensor);
  begin_tuple();
  global("torch", "per_channel_affine");
  this->tensor(
      {"DoubleStorage", sizeof(double), {scales.size()}, [scales](const ZipWriter::Sink& sink) {
         const std::vector<double> wide(scales.begin(), scales.end());
         sink(std::as_bytes(std::span(wide)));
       }});
  this->tensor(
      {"LongStorage", sizeof(std::int64_t), {scales.size()}, [scales](const ZipWriter::Sink& sink) {
         const std::vector<std::int64_t> zeros(scales.size());
         sink(std::as_bytes(std::span(zeros)));
       }});
  integer(0);
  end_tuple();
  end_tensor();
}

void TorchPickle::array(std::span<const float> numbers) { tensor(row_of("FloatStorage", numbers)); }
void TorchPickle::array(std::span<const double> numbers) {
  tensor(row_of("DoubleStorage", numbers));
}
void TorchPickle::array(std::span<const std::int64_t> numbers) {
  tensor(row_of("LongStorage", numbers));
}

void TorchPickle::tensor_of(float value) { tensor(single("FloatStorage", value)); }
void TorchPickle::tensor_of(double value) { tensor(single("DoubleStorage", value)); }
void TorchPickle::tensor_of(std::int64_t value) { tensor(single("LongStorage", value)); }

void TorchPickle::sizes(const std::vector<std::size_t>& values) {
  begin_tuple();
  for (const std::size_t value : values) whole(value);
  end_tuple();
}

}  // namespace nibble
