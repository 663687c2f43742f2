// SHA-256 (FIPS 180-4), by libmd: to recognise a data file and to say which one a model was made
// from.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace nibble {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

// The same for bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  std::string hex();  // ends the digest: nothing may be added afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nibble
