#include "nibble/quant/scheme.h"

#include <cassert>
#include <string>

#include "nibble/core/error.h"

namespace nibble {
namespace {

std::string all_names() {
  std::string names;
  for (const Scheme scheme : kSchemes) {
    if (!names.empty()) names += ", ";
    names += name_of(scheme);
  }
  return names;
}

}  // namespace

std::string_view name_of(Scheme scheme) {
  switch (scheme) {
    case Scheme::kF32:
      return "f32";
    case Scheme::kF16:
      return "f16";
    case Scheme::kBf16:
      return "bf16";
    case Scheme::kInt8:
      return "int8";
    case Scheme::kInt8Torch:
      return "int8-torch";
    case Scheme::kInt4:
      return "int4";
    case Scheme::kMixed:
      return "mixed";
  }
  assert(false);
  return "";
}

Scheme scheme_named(std::string_view name) {
  for (const Scheme scheme : kSchemes) {
    if (name_of(scheme) == name) return scheme;
  }
  throw_error("there is no quantization scheme \"{}\"; use one of {}", name, all_names());
}

}  // namespace nibble
