// Tensors as a pickle describes them: the arguments of the calls that rebuild one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nibble/core/error.h"
#include "nibble/formats/pickle_value.h"

namespace nibble {

// An Error that says what was found in this role, unless it is a T.
template <typename T>
const T& as_expected(const PickleValue& value, std::string_view role) {
  const T* content = value.as<T>();
  if (content == nullptr) throw_error("the pickle has {} as {}", kind_of(value), role);
  return *content;
}

// An Error when there are too few.
const PickleValue* argument(const PickleItems& arguments, std::size_t index);
// The items of a tuple, at most as many as PyTorch's tensors may have dimensions.
const PickleItems& dimensions_of(const PickleValue& value);

// ('storage', torch.FloatStorage, key, location, number of elements)
PickleStorage storage_from(const PickleItems& fields);
// (storage, offset, sizes, strides, requires_grad, hooks)
PickleTensor tensor_from(const PickleItems& arguments);
// (storage, offset, sizes, strides, quantizer, requires_grad, hooks); the quantizer is
// (torch.per_tensor_affine, scale, zero point) or (torch.per_channel_affine, scales, zero points,
// axis).
PickleTensor quantized_tensor_from(const PickleItems& arguments);

}  // namespace nibble
