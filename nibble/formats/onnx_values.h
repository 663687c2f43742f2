// The numbers of an ONNX tensor, whatever type and field they are stored in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nibble/core/aligned.h"
#include "nibble/core/shared_file.h"
#include "nibble/formats/onnx_file.h"

namespace nibble {

// Calls sink with all elements, row-major, as a few hundred at a time, widened to double. int4 and
// uint4 lie two in a byte, the first in the low half. A mapped file's pages are given back to the
// system as they are read, so that a tensor and its copy are never in memory together. An Error
// unless the tensor has as many elements as its shape says, of a number type.
void read_elements(const OnnxTensor& tensor, const SharedFile& owner,
                   const std::function<void(std::span<const double>)>& sink);

// All elements as float32; `float64` is rounded. An Error when there are more than `most`.
AlignedVector<float> floats_of(const OnnxTensor& tensor, const SharedFile& owner, std::size_t most);
// All elements as integers: of an integer tensor of at most 4096 elements (a shape, axes, labels).
std::vector<std::int64_t> integers_of(const OnnxTensor& tensor);
// The elements of a tensor of text, at most 4096.
std::vector<std::string_view> texts_of(const OnnxTensor& tensor);

}  // namespace nibble
