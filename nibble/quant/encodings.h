// EncodedMatrix: a layer's weights in one of the encodings, exactly as a model file stores them.
//
// All are input-major, [inputs][outputs], as in network/mlp.h. w^ is the float32 value that a
// stored code stands for. Each encoding's own header says what it is, how it rounds, and why.
//
//   type              header        code              scale                        bits per weight
//   F32Matrix         (here)        float32           none                         32
//   F16Matrix         half.h        IEEE binary16     none                         16
//   Bf16Matrix        half.h        bfloat16          none                         16
//   Int8Matrix        int8.h        -127..127         float32 for each output      8 + 32/inputs
//   Int8TorchMatrix   int8_torch.h  -128..127         one float32                  8
//   Int4Matrix        int4.h        -8..7, nibbles    float16 for each group of 32 4.5, groups
//   whole
//   GroupedMatrix     grouped.h       many kinds        float16 for each block       1 to 8 and
//   scales
//   PqMatrix          pq.h            number of a       float16 centroids            bits/width and
//                                     vector                                         centroids
#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "nibble/core/aligned.h"
#include "nibble/quant/grouped.h"
#include "nibble/quant/half.h"
#include "nibble/quant/int4.h"
#include "nibble/quant/int8.h"
#include "nibble/quant/int8_torch.h"
#include "nibble/quant/pq.h"

namespace nibble {

using F32Matrix = Matrix<float>;

using EncodedMatrix = std::variant<F32Matrix, F16Matrix, Bf16Matrix, Int8Matrix, Int8TorchMatrix,
                                   Int4Matrix, GroupedMatrix, PqMatrix>;

std::size_t input_count(const EncodedMatrix& matrix);
std::size_t output_count(const EncodedMatrix& matrix);

// "f32", "int4:inputs", "int3:1x32", "int2:*x1:asym": the encoding and how it lies.
std::string encoding_name(const EncodedMatrix& matrix);

// Bytes of codes and of scales (centroids), as stored.
struct EncodedBytes {
  std::size_t codes = 0;
  std::size_t scales = 0;
};
EncodedBytes stored_bytes(const EncodedMatrix& matrix);

// w^ for every weight, [inputs][outputs].
Matrix<float> decode(const EncodedMatrix& matrix);

}  // namespace nibble
