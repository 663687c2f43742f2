#include "nibble/core/file.h"

#include <cassert>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

// Closes a descriptor on every way out of a function.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ > STDERR_FILENO) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

std::string reason() { return std::strerror(errno); }

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

// A file that this process is writing gets a name no other process uses, and one that a later run
// can recognise.
constexpr std::string_view kTemporaryEnding = ".partial";

fs::path temporary_beside(const fs::path& path) {
  return path.parent_path() /
         fmt::format(".{}.{}{}", path.filename().string(), ::getpid(), kTemporaryEnding);
}

// The process that a temporary file of `path` belongs to; 0 for any other file.
pid_t writer_of(const fs::path& temporary, const fs::path& path) {
  const std::string name = temporary.filename().string();
  const std::string beginning = fmt::format(".{}.", path.filename().string());
  if (!name.starts_with(beginning) || !name.ends_with(kTemporaryEnding)) return 0;
  const std::string_view digits = std::string_view(name).substr(
      beginning.size(), name.size() - beginning.size() - kTemporaryEnding.size());
  pid_t process = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), process);
  return code == std::errc() && end == digits.data() + digits.size() ? process : 0;
}

bool is_abandoned(const fs::path& temporary, const fs::path& path) {
  const pid_t process = writer_of(temporary, path);
  if (process <= 0 || ::kill(process, 0) == 0 || errno != ESRCH) return false;
  std::error_code problem;
  const auto touched = fs::last_write_time(temporary, problem);
  return !problem && fs::file_time_type::clock::now() - touched > std::chrono::minutes(1);
}

void flush_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0) ::fsync(descriptor.get());  // best effort: some file systems refuse
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
  for (std::size_t done = 0; done < count;) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data() + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_error("cannot read '{}': {}", path_.string(), reason());
    if (got == 0)
      throw_error("'{}' ended after {} bytes, but it had {} when it was opened", path_.string(),
                  offset + done, size_);
    done += static_cast<std::size_t>(got);
  }
}

MappedFile::MappedFile(const fs::path& path) {
  const Descriptor descriptor(open_for_reading(path));
  const struct stat status = status_of(descriptor.get(), path);
  if (!S_ISREG(status.st_mode))
    throw_error("'{}' is not a regular file and cannot be mapped", path.string());
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;  // mmap refuses length 0; an empty span says the same
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) throw_error("cannot map '{}': {}", path.string(), reason());
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  if (part.empty()) return;
  assert(part.data() >= data_ && part.data() + part.size() <= data_ + size_);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - data_) / page * page;
  const auto end = static_cast<std::size_t>(part.data() - data_) + part.size();
  // Of a file's pages nothing is lost; a system that refuses keeps them.
  ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)), temporary_(temporary_beside(path_)) {
  if (fs::is_directory(path_)) throw_error("cannot write '{}': it is a folder", path_.string());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_error("cannot write '{}': {}", path_.string(), reason());
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_error("cannot write '{}': {}", path_.string(), reason());
    written_ += static_cast<std::size_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) throw_error("cannot flush '{}': {}", path_.string(), reason());
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw_error("cannot put '{}' in place: {}", path_.string(), reason());
  }
  ::close(std::exchange(descriptor_, -1));
  flush_folder(path_);
}

void remove_abandoned(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code problem;  // what cannot be looked at or removed stays
  std::vector<fs::path> abandoned;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (is_abandoned(entry->path(), path)) abandoned.push_back(entry->path());
  }
  for (const fs::path& file : abandoned) fs::remove(file, problem);
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
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
