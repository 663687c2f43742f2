#include "nibble/formats/pickle_globals.h"

#include <algorithm>
#include <array>

#include "nibble/core/error.h"

namespace nibble {
namespace {

struct Allowed {
  std::string_view module;
  std::string_view name;
  PickleGlobal global;
};

constexpr Allowed storage(std::string_view name, ElementType element) {
  return {"torch", name, {PickleGlobalKind::kStorage, element}};
}

constexpr Allowed ignored(std::string_view name) {
  return {"torch", name, {PickleGlobalKind::kIgnored, ElementType::kF32}};
}

constexpr Allowed structure(std::string_view module, std::string_view name, PickleGlobalKind kind) {
  return {module, name, {kind, ElementType::kF32}};
}

constexpr std::array kAllowed = {
    structure("collections", "OrderedDict", PickleGlobalKind::kOrderedDict),
    structure("torch", "Size", PickleGlobalKind::kSize),
    structure("torch._utils", "_rebuild_tensor_v2", PickleGlobalKind::kRebuildTensor),
    structure("torch._utils", "_rebuild_parameter", PickleGlobalKind::kRebuildParameter),
    structure("torch._utils", "_rebuild_parameter_with_state", PickleGlobalKind::kRebuildParameter),
    structure("torch._utils", "_rebuild_qtensor", PickleGlobalKind::kRebuildQuantizedTensor),
    structure("torch", "per_tensor_affine", PickleGlobalKind::kPerTensor),
    structure("torch", "per_channel_affine", PickleGlobalKind::kPerChannel),
    storage("QInt8Storage", ElementType::kI8),
    storage("QUInt8Storage", ElementType::kU8),
    storage("DoubleStorage", ElementType::kF64),
    storage("FloatStorage", ElementType::kF32),
    storage("HalfStorage", ElementType::kF16),
    storage("BFloat16Storage", ElementType::kBf16),
    storage("LongStorage", ElementType::kI64),
    storage("IntStorage", ElementType::kI32),
    storage("ShortStorage", ElementType::kI16),
    storage("CharStorage", ElementType::kI8),
    storage("ByteStorage", ElementType::kU8),
    storage("BoolStorage", ElementType::kBool),
    ignored("device"),
    ignored("float64"),
    ignored("float32"),
    ignored("float16"),
    ignored("bfloat16"),
    ignored("int64"),
    ignored("int32"),
    ignored("int16"),
    ignored("int8"),
    ignored("uint8"),
    ignored("bool"),
    ignored("qint8"),
    ignored("quint8"),
};

}  // namespace

PickleGlobal allowed_global(std::string_view module, std::string_view name) {
  const auto* found = std::ranges::find_if(kAllowed, [&](const Allowed& allowed) {
    return allowed.module == module && allowed.name == name;
  });
  if (found != kAllowed.end()) return found->global;
  throw_error(
      "the checkpoint asks for '{}.{}', which is not on the list of names that a state_dict needs; "
      "nothing of it was run. Save the parameters alone: torch.save(model.state_dict(), path)",
      module, name);
}

}  // namespace nibble
