// What a pickle says, as a tree of plain values. Everything belongs to a PickleDocument; text and
// storage keys are views of the pickle's own bytes, which must outlive it. Values may be shared and
// may even contain themselves, as in Python, so nothing here walks the tree by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nibble/formats/element_type.h"

namespace nibble {

struct PickleValue;
using PickleItems = std::vector<const PickleValue*>;

struct PickleNone {};

struct PickleList {
  PickleItems items;
};

struct PickleTuple {
  PickleItems items;
};

// Also collections.OrderedDict. Entries in the order they were set; a key may stand twice, the
// later one counts.
struct PickleDict {
  std::vector<std::pair<const PickleValue*, const PickleValue*>> entries;
  // Nothing when there is no such key.
  const PickleValue* find(std::string_view key) const;
};

// A name out of the fixed list of allowed globals; it stands for nothing that could be run.
enum class PickleGlobalKind : std::uint8_t {
  kOrderedDict,
  kSize,
  kRebuildTensor,
  kRebuildParameter,
  kRebuildQuantizedTensor,
  kPerTensor,   // torch.per_tensor_affine
  kPerChannel,  // torch.per_channel_affine
  kStorage,
  kIgnored  // torch.float32, torch.device, ...: carried along, of no meaning here
};

struct PickleGlobal {
  PickleGlobalKind kind = PickleGlobalKind::kIgnored;
  ElementType element = ElementType::kF32;  // of a storage
};

// The record data/KEY, seen as `elements` numbers of one type.
struct PickleStorage {
  std::string_view key;
  std::uint64_t elements = 0;
  ElementType element = ElementType::kF32;
};

// What the codes of a quantized tensor stand for: (code - zero point) * scale.
struct PickleQuantizer {
  bool per_channel = false;
  const PickleValue* scale = nullptr;       // a number, or a tensor with one for each channel
  const PickleValue* zero_point = nullptr;  // the same
  std::uint64_t axis = 0;                   // the dimension of the channels
};

// Element [i][j] is number offset + i * strides[0] + j * strides[1] of the storage. Nothing has
// been compared with the bytes of the storage yet.
struct PickleTensor {
  PickleStorage storage;
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;
  std::optional<PickleQuantizer> quantizer;
};

struct PickleValue {
  std::variant<PickleNone, bool, std::int64_t, double, std::string_view, PickleList, PickleTuple,
               PickleDict, PickleGlobal, PickleStorage, std::unique_ptr<const PickleTensor>>
      content;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&content);
  }
  const PickleTensor* as_tensor() const;
};

// "a list", "text", ... for messages.
std::string_view kind_of(const PickleValue& value);

class PickleDocument {
 public:
  const PickleValue& root() const { return *root_; }

 private:
  friend class PickleMachine;
  std::deque<PickleValue> values_;  // addresses stay
  const PickleValue* root_ = nullptr;
};

}  // namespace nibble
