#include "nibble/core/shared_file.h"

#include <algorithm>
#include <cstring>

#include "nibble/core/aligned.h"

namespace nibble {

// What was read before, to check it, does not stay beside the copy.
PagesBehind::PagesBehind(const MappedFile* file, std::span<const std::byte> bytes)
    : file_(file), bytes_(bytes) {
  if (file_ != nullptr && bytes_.size() >= kPiece) file_->release(bytes_);
}

void PagesBehind::give_back(std::size_t end) {
  end = std::min(end, bytes_.size());
  if (file_ == nullptr || end <= given_back_) return;
  // Some once more: Linux answers a fault with all of the pages that its cache keeps together, up
  // to a huge page of 2 MB, and so with some that went before.
  const std::size_t begin = given_back_ - std::min(given_back_, kHugePage);
  file_->release(bytes_.subspan(begin, end - begin));
  given_back_ = end;
}

void copy_from_file(const MappedFile* file, std::span<const std::byte> from, void* to) {
  if (from.empty() || (file != nullptr && file->read(from, to))) return;
  std::memcpy(to, from.data(), from.size());
}

}  // namespace nibble
