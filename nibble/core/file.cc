#include "nibble/core/file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nibble/core/descriptor.h"
#include "nibble/core/error.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

int open_for_reading(const fs::path& path) {
  if (path == "-") return STDIN_FILENO;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_error("cannot open '{}': {}", path.string(), reason());
  return descriptor;
}

struct stat status_of(int descriptor, const fs::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    throw_error("cannot look at '{}': {}", path.string(), reason());
  if (S_ISDIR(status.st_mode)) throw_error("'{}' is a folder; expected a file", path.string());
  return status;
}

// Bytes read: fewer than `count` where the file ends, with errno 0, or the system refuses.
std::size_t read_at(int descriptor, std::size_t offset, std::size_t count, void* to) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(descriptor, static_cast<std::byte*>(to) + done, count - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = 0;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor descriptor(open_for_reading(path));
  const struct stat status = status_of(descriptor.get(), path);
  std::string content;
  content.reserve(static_cast<std::size_t>(status.st_size));
  std::string chunk(std::size_t{1} << 18, '\0');
  for (;;) {
    const ssize_t count = ::read(descriptor.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_error("cannot read '{}': {}", path.string(), reason());
    if (count == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

SeekableFile::SeekableFile(fs::path path) : path_(std::move(path)) {
  Descriptor descriptor(open_for_reading(path_));
  const struct stat status = status_of(descriptor.get(), path_);
  if (!S_ISREG(status.st_mode))
    throw_error("'{}' is no regular file; expected one that can be read more than once",
                path_.string());
  size_ = static_cast<std::size_t>(status.st_size);
  descriptor_ = descriptor.release();
}

SeekableFile::~SeekableFile() { ::close(descriptor_); }

void SeekableFile::read(std::size_t offset, std::size_t count, std::string& bytes) const {
  bytes.resize(count);
  const std::size_t done = read_at(descriptor_, offset, count, bytes.data());
  if (done == count) return;
  if (errno != 0) throw_error("cannot read '{}': {}", path_.string(), reason());
  throw_error("'{}' ended after {} bytes, but it had {} when it was opened", path_.string(),
              offset + done, size_);
}

MappedFile::MappedFile(const fs::path& path) {
  Descriptor descriptor(open_for_reading(path));
  const struct stat status = status_of(descriptor.get(), path);
  if (!S_ISREG(status.st_mode))
    throw_error("'{}' is not a regular file and cannot be mapped", path.string());
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;  // mmap refuses length 0; an empty span says the same
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) throw_error("cannot map '{}': {}", path.string(), reason());
  data_ = static_cast<const std::byte*>(address);
  descriptor_ = descriptor.release();
}

MappedFile::~MappedFile() {
  const Descriptor closed_at_the_end(descriptor_);
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

bool MappedFile::contains(std::span<const std::byte> part) const noexcept {
  const std::less_equal<const std::byte*> not_after;
  return not_after(data_, part.data()) && not_after(part.data() + part.size(), data_ + size_);
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  if (part.empty() || !contains(part)) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - data_) / page * page;
  const auto end = static_cast<std::size_t>(part.data() - data_) + part.size();
  // Of a file's pages nothing is lost; a system that refuses keeps them.
  ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

bool MappedFile::read(std::span<const std::byte> part, void* to) const noexcept {
  if (!contains(part)) return false;
  const auto offset = static_cast<std::size_t>(part.data() - data_);
  return read_at(descriptor_, offset, part.size(), to) == part.size();
}

void make_folder(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem || !fs::is_directory(path)) {
    throw_error("cannot make the folder '{}': {}", path.string(),
                problem ? problem.message() : "something else stands there");
  }
}

}  // namespace nibble
