// Reading a mapped file from begin to end without keeping what was read: the system takes the pages
// back, so a file and the copy that is made of it are never in memory together.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "nibble/core/file.h"

namespace nibble {

// A mapped file, kept by whatever still views its bytes; null for bytes that lie elsewhere, which
// nobody can give back.
using SharedFile = std::shared_ptr<const MappedFile>;

// Goes behind a reader of `bytes`, which lie in `file` (null for none), and gives pages back a
// quarter of a megabyte at a time: much beside a page, little beside a program. What is read again
// comes from the file again. Up to 2 MB stay: see give_back.
class PagesBehind {
 public:
  PagesBehind(const MappedFile* file, std::span<const std::byte> bytes);
  ~PagesBehind() { give_back(bytes_.size()); }
  PagesBehind(const PagesBehind&) = delete;
  PagesBehind& operator=(const PagesBehind&) = delete;

  // Everything before this place has been read.
  void advance(std::size_t done) {
    if (done > given_back_ && done - given_back_ >= kPiece) give_back(done);
  }

  static constexpr std::size_t kPiece = std::size_t{1} << 18;

 private:
  void give_back(std::size_t end);

  const MappedFile* file_;
  std::span<const std::byte> bytes_;
  std::size_t given_back_ = 0;
};

// memcpy of all of `from`, whose pages are not touched where it lies in `file`.
void copy_from_file(const MappedFile* file, std::span<const std::byte> from, void* to);

}  // namespace nibble
