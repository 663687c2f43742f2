// Values in the kernel's "key: value" text files (/proc/cpuinfo, /proc/self/status) and in files
// like them.
#pragma once

#include <string>
#include <string_view>

namespace nibble {

// The text after `separator` on the first line that starts with `key`, without blanks and quotes
// around it. Empty if there is none or the file cannot be read.
std::string value_in_file(const char* path, std::string_view key, char separator);

}  // namespace nibble
