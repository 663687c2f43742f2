#include "nibble/data/gzip.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

constexpr std::size_t kFirstPiece = std::size_t{64} << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib's code for gzip framing with the largest window

class Inflater {
 public:
  Inflater(std::string_view bytes, std::string_view file) : bytes_(bytes), file_(file) {
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK)
      throw_error("cannot unpack '{}': no memory", file);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool at_end() const { return status_ == Z_STREAM_END; }

  // Fills out[from..] as far as it goes; returns how far.
  std::size_t fill(std::string& out, std::size_t from) {
    while (from < out.size() && !at_end()) {
      refill();
      const std::size_t room = std::min<std::size_t>(out.size() - from, kLargestPiece);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + from);
      stream_.avail_out = static_cast<uInt>(room);
      status_ = inflate(&stream_, Z_NO_FLUSH);
      from += room - stream_.avail_out;
      require_good();
    }
    return from;
  }

 private:
  static constexpr std::size_t kLargestPiece = std::numeric_limits<uInt>::max();

  void refill() {
    if (stream_.avail_in > 0) return;
    const std::size_t size = std::min(bytes_.size(), kLargestPiece);
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data()));  // zlib only reads
    stream_.avail_in = static_cast<uInt>(size);
    bytes_.remove_prefix(size);
  }

  void require_good() const {
    if (status_ == Z_STREAM_END || (status_ == Z_OK && (stream_.avail_in > 0 || !bytes_.empty())))
      return;
    if (status_ == Z_OK && stream_.avail_out == 0) return;
    if (status_ == Z_OK || status_ == Z_BUF_ERROR) {
      throw_error("cannot unpack '{}': it ends too early; fetch it again", file_);
    }
    throw_error("cannot unpack '{}': its bytes are damaged ({}); fetch it again", file_,
                stream_.msg == nullptr ? "no further word from zlib" : stream_.msg);
  }

  std::string_view bytes_;
  std::string_view file_;
  z_stream stream_{};
  int status_ = Z_OK;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

std::string gunzip(std::string_view bytes, std::size_t limit, std::string_view file) {
  Inflater inflater(bytes, file);
  std::string out;
  std::size_t filled = 0;
  while (!inflater.at_end() && filled < limit) {
    out.resize(std::min(limit, std::max(kFirstPiece, 2 * filled)));
    filled = inflater.fill(out, filled);
  }
  out.resize(filled);
  return out;
}

}  // namespace nibble
