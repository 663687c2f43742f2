#include "nibble/formats/safetensors_header.h"

#include <algorithm>

#include "nibble/core/error.h"
#include "nibble/formats/strict_json.h"

namespace nibble {
namespace {

constexpr std::size_t kMostDimensions = 64;

// Where in the header the parser is.
enum class Place { kOutside, kHeader, kMetadata, kTensor, kShape, kOffsets };

class HeaderReader : public StrictJson {
 public:
  HeaderReader() : StrictJson("the safetensors header") {}
  SafetensorsHeader header;

  bool start_object(std::size_t /*elements*/) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kHeader;
    } else if (place_ == Place::kHeader) {
      open_entry();
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kTensor) close_tensor();
    place_ = place_ == Place::kHeader ? Place::kOutside : Place::kHeader;
    return true;
  }

  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      if (!header.metadata.emplace(key_, std::move(value)).second) refuse_twice();
    } else if (place_ == Place::kTensor && key_ == "dtype") {
      set_type(value);
    } else {
      refuse("text");
    }
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (place_ != Place::kTensor || (key_ != "shape" && key_ != "data_offsets")) refuse("a list");
    bool& seen = key_ == "shape" ? has_shape_ : has_offsets_;
    if (seen) refuse_twice();
    seen = true;
    place_ = key_ == "shape" ? Place::kShape : Place::kOffsets;
    return true;
  }

  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::kShape && entry().shape.size() < kMostDimensions) {
      entry().shape.push_back(value);
    } else if (place_ == Place::kOffsets && offsets_.size() < 2) {
      offsets_.push_back(value);
    } else {
      return StrictJson::number_unsigned(value);
    }
    return true;
  }

 private:
  TensorEntry& entry() { return header.entries.back(); }

  void open_entry() {
    if (key_ == "__metadata__") {
      if (has_metadata_) refuse_twice();
      has_metadata_ = true;
      place_ = Place::kMetadata;
      return;
    }
    place_ = Place::kTensor;
    header.entries.push_back({key_, ElementType::kF32, {}, 0, 0});
    has_type_ = has_shape_ = has_offsets_ = false;
    offsets_.clear();
  }

  void close_tensor() {
    if (!has_type_ || !has_shape_ || offsets_.size() != 2)
      throw_error("the tensor '{}' lacks its dtype, shape or both data_offsets", entry().name);
    entry().begin = offsets_[0];
    entry().end = offsets_[1];
  }

  void set_type(const std::string& name) {
    if (has_type_) refuse_twice();
    has_type_ = true;
    const auto type = element_type_named(name);
    if (!type) throw_error("the tensor '{}' has the unknown dtype '{}'", entry().name, name);
    entry().type = *type;
  }

  [[noreturn]] void refuse_twice() const { throw_error("{} has the key '{}' twice", what(), key_); }

  Place place_ = Place::kOutside;
  std::string key_;
  bool has_metadata_ = false;
  bool has_type_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  std::vector<std::uint64_t> offsets_;
};

void require_names_differ(const std::vector<TensorEntry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const TensorEntry& entry : entries) names.emplace_back(entry.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) throw_error("the safetensors header has the key '{}' twice", *twice);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json) {
  HeaderReader reader;
  reader.read(json);
  require_names_differ(reader.header.entries);
  return std::move(reader.header);
}

}  // namespace nibble
