// gzip files (RFC 1952) through zlib, unpacked no further than asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibble {

bool is_gzip(std::string_view bytes);

// Deflate packs at most 258 bytes into 2 bits, and zlib documents 1032 : 1 as its limit.
inline constexpr std::size_t kLargestDeflateRatio = 1032;

// The unpacked bytes, at most `limit` of them. When there are fewer, all were there and their
// checksum was right. Memory grows with what is really unpacked. An Error names `file` when the
// bytes are damaged or end too early.
std::string gunzip(std::string_view bytes, std::size_t limit, std::string_view file);

}  // namespace nibble
