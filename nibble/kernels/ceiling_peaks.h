// How fast this core can do nothing but arithmetic: loops whose operands stay in registers, to find
// the ceiling that a real kernel's speed is a fraction of. The level in use decides the
// instructions (cpu_level.h).
//
// Each door runs its loop `rounds` times and returns the operations done, a multiply and an add
// counting as two.
#pragma once

#include <cstddef>

namespace nibble {

// float32 multiply-add: fused where the level has it, a product and a sum otherwise.
std::size_t run_f32_multiply_adds(std::size_t rounds);

// Sums of products of bytes in int32: VPDPBUSD at avx3_dl and above; VPMADDUBSW, VPMADDWD and an
// add at the other x86 levels; plain loops at scalar.
std::size_t run_byte_dots(std::size_t rounds);

// VDPBF16PS at avx3_bf16. Elsewhere nothing runs and 0 comes back.
std::size_t run_bf16_dots(std::size_t rounds);

}  // namespace nibble
