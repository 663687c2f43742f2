#include "nibble/formats/pickle_writer.h"

#include <bit>
#include <limits>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"

namespace nibble {

PickleWriter::PickleWriter() : bytes_("\x80\x02") {}

void PickleWriter::none() { bytes_ += 'N'; }

void PickleWriter::boolean(bool value) { bytes_ += value ? '\x88' : '\x89'; }

void PickleWriter::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() &&
      value <= std::numeric_limits<std::int32_t>::max()) {
    bytes_ += 'J';
    append_number(bytes_, static_cast<std::int32_t>(value));
  } else {
    bytes_ += "\x8a\x08";  // LONG1 of 8 bytes
    append_number(bytes_, value);
  }
}

// Big-endian, as nothing else here.
void PickleWriter::real(double value) {
  bytes_ += 'G';
  append_number(bytes_, __builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
}

void PickleWriter::text(std::string_view utf8) {
  if (utf8.size() > std::numeric_limits<std::uint32_t>::max())
    throw_error("cannot write a text of {} bytes into a checkpoint", utf8.size());
  bytes_ += 'X';
  append_number(bytes_, static_cast<std::uint32_t>(utf8.size()));
  bytes_ += utf8;
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  bytes_ += 'c';
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

void PickleWriter::begin_list() { bytes_ += "]("; }
void PickleWriter::end_list() { bytes_ += 'e'; }
void PickleWriter::begin_tuple() { bytes_ += '('; }
void PickleWriter::end_tuple() { bytes_ += 't'; }
void PickleWriter::begin_dict() { bytes_ += "}("; }

void PickleWriter::begin_ordered_dict() {
  global("collections", "OrderedDict");
  bytes_ += ")R(";
}

void PickleWriter::end_dict() { bytes_ += 'u'; }
void PickleWriter::call() { bytes_ += 'R'; }
void PickleWriter::build() { bytes_ += 'b'; }
void PickleWriter::persistent_id() { bytes_ += 'Q'; }

std::string PickleWriter::finish() && {
  bytes_ += '.';
  return std::move(bytes_);
}

}  // namespace nibble
