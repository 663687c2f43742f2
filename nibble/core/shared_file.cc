#include "nibble/core/shared_file.h"

#include <algorithm>
#include <cstring>

namespace nibble {

// What was read before, to check it, does not stay beside the copy.
PagesBehind::PagesBehind(const MappedFile* file, std::span<const std::byte> bytes)
    : file_(file), bytes_(bytes) {
  if (file_ != nullptr && bytes_.size() >= kPiece) file_->release(bytes_);
}

void PagesBehind::give_back(std::size_t end) {
  end = std::min(end, bytes_.size());
  if (file_ == nullptr || end <= given_back_) return;
  file_->release(bytes_.subspan(given_back_, end - given_back_));
  given_back_ = end;
}

void copy_and_give_back(const MappedFile* file, std::span<const std::byte> from, void* to) {
  PagesBehind behind(file, from);
  for (std::size_t done = 0; done < from.size(); done += PagesBehind::kPiece) {
    const auto piece = from.subspan(done, std::min(PagesBehind::kPiece, from.size() - done));
    std::memcpy(static_cast<std::byte*>(to) + done, piece.data(), piece.size());
    behind.advance(done + piece.size());
  }
}

}  // namespace nibble
