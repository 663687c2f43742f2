#include "nibble/core/digest.h"

#include <sys/types.h>
// libmd's header needs sys/types.h first.
#include <array>

#include <sha2.h>

namespace nibble {

std::string sha256_hex(std::string_view bytes) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> digits{};
  SHA256Data(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), digits.data());
  return {digits.data()};
}

}  // namespace nibble
