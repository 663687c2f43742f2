#include "nibble/core/thousands.h"

namespace nibble {

std::string with_thousands(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

}  // namespace nibble
