// Files from the network, through the curl program: linking libcurl would load some thirty
// libraries at every start.
#pragma once

#include <string>

namespace nibble {

// The bytes behind an address (https; tests use file). An Error, in curl's own words, when there is
// no network, no such file, no curl, or more than 256 MiB; it gives up after 15 s without a
// connection or 120 s in all.
std::string download(const std::string& address);

}  // namespace nibble
