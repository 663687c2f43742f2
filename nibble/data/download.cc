#include "nibble/data/download.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nibble/core/error.h"

extern char** environ;

namespace nibble {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw_error("cannot make a pipe: {}", std::strerror(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_write_end() { close_end(1); }

  // All that is written until the other side closes, at most `most` bytes.
  std::string read_all(std::size_t most) {
    std::string bytes;
    std::array<char, 65536> chunk{};
    while (bytes.size() <= most) {
      const ssize_t count = ::read(ends_[0], chunk.data(), chunk.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      bytes.append(chunk.data(), static_cast<std::size_t>(count));
    }
    close_end(0);  // a writer that still has more to say then ends by itself
    return bytes;
  }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(std::exchange(ends_[end], -1));
  }
  std::array<int, 2> ends_ = {-1, -1};
};

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  void redirect(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

pid_t start_curl(const std::string& address, int out, int err) {
  SpawnActions actions;
  actions.redirect(out, STDOUT_FILENO);
  actions.redirect(err, STDERR_FILENO);
  std::array<std::string, 12> words = {
      "curl",        "--fail",     "--silent", "--show-error",      "--location", "--proto",
      "=https,file", "--max-time", "120",      "--connect-timeout", "15",         address};
  std::array<char*, words.size() + 1> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t child = 0;
  const int problem =
      ::posix_spawnp(&child, "curl", actions.get(), nullptr, arguments.data(), environ);
  if (problem == ENOENT) {
    throw_error("cannot fetch {}: the program curl is not installed (Debian: apt install curl)",
                address);
  }
  if (problem != 0) throw_error("cannot start curl: {}", std::strerror(problem));
  return child;
}

bool ended_well(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

std::string download(const std::string& address) {
  Pipe out;
  Pipe err;  // at most a line (--silent --show-error): it fits the pipe, so reading it last is safe
  const pid_t child = start_curl(address, out.write_end(), err.write_end());
  out.close_write_end();
  err.close_write_end();
  std::string bytes = out.read_all(kMostBytes);
  const std::string complaint = without_line_end(err.read_all(4096));
  const bool well = ended_well(child);
  if (bytes.size() > kMostBytes) {
    throw_error("cannot fetch {}: it has more than {} bytes; expected a data set", address,
                kMostBytes);
  }
  if (!well)
    throw_error("cannot fetch {}: {}", address, complaint.empty() ? "curl failed" : complaint);
  return bytes;
}

}  // namespace nibble
