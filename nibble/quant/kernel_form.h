// The encoding whose kernel runs a GroupedMatrix or a PqMatrix, made once at load: the same weights
// w^, to the bit, in another layout.
//
//   codes                         blocks                       runs as
//   1bit, ternary, int2..int4     1 x 32n outputs, 1 x all     int4 along the outputs
//   (int4 symmetric only)         32n x 1 inputs               int4 along the inputs
//   whole numbers in -127..127    all x 1, all x all           int8
//   nf4, fp8, pq                  any                          f16
//   everything else               any                          f32, at Original's speed
//
// So int8 by rows or groups and asymmetric int4 by groups save bytes on disk but no time.
#pragma once

#include <cstddef>

#include "nibble/quant/encodings.h"

namespace nibble {

EncodedMatrix kernel_form(const GroupedMatrix& matrix);
EncodedMatrix kernel_form(const PqMatrix& matrix);
// Others are their own.
EncodedMatrix kernel_form(EncodedMatrix matrix);

}  // namespace nibble
