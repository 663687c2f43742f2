#include "nibble/measure/proc_file.h"

#include <cstddef>
#include <fstream>

namespace nibble {

std::string value_in_file(const char* path, std::string_view key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    const std::size_t first = line.find_first_not_of(" \t\"", at + 1);
    if (first == std::string::npos) continue;
    return line.substr(first, line.find_last_not_of(" \t\"") + 1 - first);
  }
  return "";
}

}  // namespace nibble
