// Files: read whole, mapped, or written so that a kill or a full disk leaves the old file or none.
// Every failure is an Error that names the path and the system's reason.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace nibble {

// The bytes of a regular file (or, for "-", of standard input). Refuses a folder with a sentence of
// its own.
std::string read_file(const std::filesystem::path& path);

// A regular file, read in pieces at any place: for what is larger than memory.
class SeekableFile {
 public:
  explicit SeekableFile(std::filesystem::path path);
  ~SeekableFile();
  SeekableFile(const SeekableFile&) = delete;
  SeekableFile& operator=(const SeekableFile&) = delete;

  std::size_t size() const { return size_; }  // when it was opened
  // Replaces `bytes` by `count` bytes from `offset`. An Error when the file ends before them.
  void read(std::size_t offset, std::size_t count, std::string& bytes) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

// A regular file, mapped read-only for the life of this object. Movable, not copyable.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  // Gives the pages under `part` of bytes() back to the system, so that bytes that were copied do
  // not count twice. They can be read again: from the file. Bytes that lie elsewhere are left
  // alone.
  void release(std::span<const std::byte> part) const noexcept;
  // Reads `part` of bytes() anew, past the mapping: no page of it counts as this process's memory.
  // False if bytes lie elsewhere or the system refuses; then some may have been written.
  bool read(std::span<const std::byte> part, void* to) const noexcept;

 private:
  bool contains(std::span<const std::byte> part) const noexcept;

  int descriptor_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Writes a file in pieces to a temporary file in the same folder; commit() flushes it to disk and
// renames it into place. Destroyed without commit(), it removes the temporary file and the old file
// stays as it was. What killed writers of the same file left is removed first.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  std::size_t written() const { return written_; }  // bytes so far
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::size_t written_ = 0;
};

// Removes what killed writers of this file left: temporary files without a lock, of processes that
// are no more, or not touched for a minute (the number may be another process's by now).
void remove_abandoned(const std::filesystem::path& path);

// The common case: all bytes at once.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

// Makes a folder and its parents; an Error if something else stands there.
void make_folder(const std::filesystem::path& path);

}  // namespace nibble
