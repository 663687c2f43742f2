#include "nibble/formats/pickle_tensor.h"

#include <vector>

namespace nibble {
namespace {

// PyTorch's own limit; it also keeps a short call from copying a long tuple again and again.
constexpr std::size_t kMostDimensions = 64;

std::uint64_t size_from(const PickleValue& value, std::string_view role) {
  const auto number = as_expected<std::int64_t>(value, role);
  if (number < 0)
    throw_error("the pickle has {} as {}; a number of 0 or more was expected", number, role);
  return static_cast<std::uint64_t>(number);
}

std::vector<std::uint64_t> sizes_from(const PickleValue& value, std::string_view role) {
  std::vector<std::uint64_t> sizes;
  for (const PickleValue* item : dimensions_of(value)) sizes.push_back(size_from(*item, role));
  return sizes;
}

PickleQuantizer quantizer_from(const PickleValue& value) {
  const PickleItems& fields = as_expected<PickleTuple>(value, "the quantizer of a tensor").items;
  const auto& scheme = as_expected<PickleGlobal>(*argument(fields, 0), "a kind of quantization");
  if (scheme.kind != PickleGlobalKind::kPerTensor && scheme.kind != PickleGlobalKind::kPerChannel)
    throw_error("the pickle has a tensor that is quantized neither per tensor nor per channel");
  PickleQuantizer quantizer;
  quantizer.per_channel = scheme.kind == PickleGlobalKind::kPerChannel;
  quantizer.scale = argument(fields, 1);
  quantizer.zero_point = argument(fields, 2);
  if (quantizer.per_channel) quantizer.axis = size_from(*argument(fields, 3), "a channel axis");
  return quantizer;
}

}  // namespace

const PickleValue* argument(const PickleItems& arguments, std::size_t index) {
  if (index >= arguments.size())
    throw_error("the pickle rebuilds a tensor from {} values; more are needed", arguments.size());
  return arguments[index];
}

const PickleItems& dimensions_of(const PickleValue& value) {
  const PickleItems& items = as_expected<PickleTuple>(value, "the shape of a tensor").items;
  if (items.size() > kMostDimensions)
    throw_error("the pickle has a tensor of {} dimensions; at most {}", items.size(),
                kMostDimensions);
  return items;
}

PickleStorage storage_from(const PickleItems& fields) {
  const auto& role = as_expected<std::string_view>(*argument(fields, 0), "the kind of a record");
  if (role != "storage") throw_error("the pickle refers to a '{}'; expected a storage", role);
  const auto& type = as_expected<PickleGlobal>(*argument(fields, 1), "the type of a storage");
  if (type.kind != PickleGlobalKind::kStorage)
    throw_error("the pickle refers to a storage without a type of elements");
  return {as_expected<std::string_view>(*argument(fields, 2), "the key of a storage"),
          size_from(*argument(fields, 4), "the size of a storage"), type.element};
}

PickleTensor tensor_from(const PickleItems& arguments) {
  PickleTensor tensor;
  tensor.storage = as_expected<PickleStorage>(*argument(arguments, 0), "the storage of a tensor");
  tensor.offset = size_from(*argument(arguments, 1), "the offset of a tensor");
  tensor.shape = sizes_from(*argument(arguments, 2), "a size of a tensor");
  tensor.strides = sizes_from(*argument(arguments, 3), "a stride of a tensor");
  if (tensor.shape.size() != tensor.strides.size()) {
    throw_error("the pickle has a tensor with {} sizes and {} strides", tensor.shape.size(),
                tensor.strides.size());
  }
  return tensor;
}

PickleTensor quantized_tensor_from(const PickleItems& arguments) {
  PickleTensor tensor = tensor_from(arguments);
  tensor.quantizer = quantizer_from(*argument(arguments, 4));
  return tensor;
}

}  // namespace nibble
