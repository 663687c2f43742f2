// Writes a pickle of protocol 2 with the opcodes that PyTorch's weights-only unpickler accepts.
// Without a memo: nothing is shared, so the stream is longer than Python's and just as valid.
// PyTorch 1.13's weights-only reader refuses the opcode of floats (BINFLOAT), so that where it
// should read a file, a float has to be a tensor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nibble {

class PickleWriter {
 public:
  PickleWriter();

  void none();
  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  void text(std::string_view utf8);  // an Error from 4 GiB on
  void global(std::string_view module, std::string_view name);

  // Between begin and end: the items; for dicts key, value, key, value ...
  void begin_list();
  void end_list();
  void begin_tuple();
  void end_tuple();
  void begin_dict();
  void begin_ordered_dict();
  void end_dict();

  // Calls the global with the tuple, both pushed before.
  void call();
  // Gives the object pushed before the last one that one, a dict, as its attributes.
  void build();
  // Turns the tuple pushed before into what the file's reader makes of it: a storage.
  void persistent_id();

  std::string finish() &&;

 private:
  std::string bytes_;
};

}  // namespace nibble
