#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nibble/core/descriptor.h"
#include "nibble/core/error.h"
#include "nibble/core/file.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

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

bool process_exists(pid_t process) { return ::kill(process, 0) == 0 || errno != ESRCH; }

bool untouched_for_a_minute(const fs::path& file) {
  std::error_code problem;
  const auto touched = fs::last_write_time(file, problem);
  return !problem && fs::file_time_type::clock::now() - touched > std::chrono::minutes(1);
}

bool is_the_file_at(int descriptor, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// A writer holds a lock on its temporary file until it ends, however it ends. A process of another
// container cannot be seen from here, but its lock can.
void remove_if_abandoned(const fs::path& temporary, const fs::path& path) {
  const pid_t process = writer_of(temporary, path);
  if (process <= 0 || (process_exists(process) && !untouched_for_a_minute(temporary))) return;
  const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;
  if (is_the_file_at(file.get(), temporary)) ::unlink(temporary.c_str());
}

// Opened, locked and empty. Whoever looks for abandoned files may take the lock, and the file, in
// the moment between its making and its locking; then it is made anew. A file system without locks
// does without.
int open_locked(const fs::path& temporary) {
  constexpr int kTries = 100;
  constexpr useconds_t kPause = 1000;
  for (int i = 0;; ++i) {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (file.get() < 0) return -1;
    const bool taken = ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (i < kTries && (taken || !is_the_file_at(file.get(), temporary))) {
      ::usleep(kPause);
      continue;
    }
    return ::ftruncate(file.get(), 0) == 0 ? file.release() : -1;
  }
}

void flush_folder(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0) ::fsync(descriptor.get());  // best effort: some file systems refuse
}

}  // namespace

void remove_abandoned(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code problem;  // what cannot be looked at or removed stays
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (writer_of(entry->path(), path) > 0) found.push_back(entry->path());
  }
  for (const fs::path& file : found) remove_if_abandoned(file, path);
}

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)), temporary_(temporary_beside(path_)) {
  if (fs::is_directory(path_)) throw_error("cannot write '{}': it is a folder", path_.string());
  remove_abandoned(path_);
  descriptor_ = open_locked(temporary_);
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

void write_file_atomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace nibble
