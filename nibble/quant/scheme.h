// The precisions a network can be stored in.
#pragma once

#include <array>
#include <string_view>

namespace nibble {

// kMixed: layers that differ, or encodings beyond these six (recipe.h); it names no encoding.
enum class Scheme { kF32, kF16, kBf16, kInt8, kInt8Torch, kInt4, kMixed };

inline constexpr std::array kSchemes = {Scheme::kF32,  Scheme::kF16,       Scheme::kBf16,
                                        Scheme::kInt8, Scheme::kInt8Torch, Scheme::kInt4};

// "f32", "f16", "bf16", "int8", "int8-torch", "int4"; "mixed"
std::string_view name_of(Scheme scheme);
// An Error that lists the names when this is none of the six.
Scheme scheme_named(std::string_view name);

}  // namespace nibble
