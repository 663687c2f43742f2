#include "nibble/formats/safetensors.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nibble/core/aligned.h"
#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/safetensors_header.h"

namespace nibble {
namespace {

constexpr std::string_view kWhat = "the safetensors file";

// Where the next tensor may begin after this one, if this one began anywhere.
std::uint64_t alignment_of(const SafeTensor& tensor) {
  const std::uint64_t size = tensor.bytes.size();
  return size == 0 ? kCacheLine : std::min<std::uint64_t>(kCacheLine, size & (~size + 1));
}

std::string header_of(const Safetensors& content, const std::vector<const SafeTensor*>& order) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::uint64_t offset = 0;
  for (const SafeTensor* tensor : order) {
    const std::uint64_t end = offset + tensor->bytes.size();
    header[tensor->name] = {{"dtype", name_of(tensor->type)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  const std::size_t data = sizeof(std::uint64_t) + text.size();
  text.append((kCacheLine - data % kCacheLine) % kCacheLine, ' ');
  return text;
}

std::span<const std::byte> header_bytes(ByteReader& reader) {
  const auto size = reader.number<std::uint64_t>();
  if (size > kLargestSafetensorsHeader) {
    throw_error("{} announces a header of {} bytes; at most {} are allowed", kWhat, size,
                kLargestSafetensorsHeader);
  }
  const auto header = reader.take(size);
  if (!text_of(header).starts_with('{'))
    throw_error("{} has a header that does not begin with '{{'", kWhat);
  return header;
}

void require_size(const TensorEntry& entry) {
  std::optional<std::uint64_t> size = bytes_of(entry.type);
  for (const std::uint64_t length : entry.shape) {
    if (size) size = checked_product(*size, length);
  }
  if (size && entry.begin <= entry.end && *size == entry.end - entry.begin) return;
  throw_error("the tensor '{}' of type {} and shape [{}] cannot lie at bytes {} to {}", entry.name,
              name_of(entry.type), fmt::join(entry.shape, ", "), entry.begin, entry.end);
}

// Every byte of the data belongs to just one tensor.
void require_packed(std::vector<TensorEntry>& entries, std::uint64_t data_size) {
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const TensorEntry& entry : entries) {
    require_size(entry);
    if (entry.begin != end) {
      throw_error("the tensor '{}' begins at byte {} of the data, but the one before it ends at {}",
                  entry.name, entry.begin, end);
    }
    end = entry.end;
  }
  if (end != data_size)
    throw_error("{} has {} bytes of data, but its tensors need {}", kWhat, data_size, end);
}

}  // namespace

std::vector<const SafeTensor*> in_file_order(const std::vector<SafeTensor>& tensors) {
  std::vector<const SafeTensor*> order;
  order.reserve(tensors.size());
  for (const SafeTensor& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, [](const SafeTensor* a, const SafeTensor* b) {
    const std::uint64_t alignment_a = alignment_of(*a);
    const std::uint64_t alignment_b = alignment_of(*b);
    return alignment_a != alignment_b ? alignment_a > alignment_b : a->name < b->name;
  });
  return order;
}

const SafeTensor* Safetensors::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      tensors, name, {}, [](const SafeTensor& tensor) { return std::string_view(tensor.name); });
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

void write_safetensors(const Safetensors& content, AtomicFile& file) {
  const auto order = in_file_order(content.tensors);
  const std::string header = header_of(content, order);
  std::string size;
  append_number(size, std::uint64_t{header.size()});
  file.write(size);
  file.write(header);
  for (const SafeTensor* tensor : order) file.write(tensor->bytes);
}

std::size_t safetensors_bytes(const Safetensors& content) {
  const auto order = in_file_order(content.tensors);
  std::size_t bytes = sizeof(std::uint64_t) + header_of(content, order).size();
  for (const SafeTensor* tensor : order) bytes += tensor->bytes.size();
  return bytes;
}

Safetensors read_safetensors(std::span<const std::byte> file) {
  ByteReader reader(file, kWhat);
  SafetensorsHeader header = parse_safetensors_header(text_of(header_bytes(reader)));
  const auto data = reader.take(reader.left());
  require_packed(header.entries, data.size());

  Safetensors content;
  content.metadata = std::move(header.metadata);
  for (TensorEntry& entry : header.entries) {
    content.tensors.push_back({std::move(entry.name), entry.type, std::move(entry.shape),
                               data.subspan(entry.begin, entry.end - entry.begin)});
  }
  std::ranges::sort(content.tensors, {}, &SafeTensor::name);
  return content;
}

}  // namespace nibble
