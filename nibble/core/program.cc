#include "nibble/core/program.h"

#include <cassert>
#include <cerrno>
#include <cstring>

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// A file in memory. Unlike a pipe it has no limit at which a program that does not read yet, or
// writes much, would wait for us.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw_error("cannot make a file in memory: {}", std::strerror(errno));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  // The next reader starts at the beginning.
  void fill(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = write(descriptor_, text.data(), text.size());
      if (written < 0) throw_error("cannot fill a file in memory: {}", std::strerror(errno));
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    lseek(descriptor_, 0, SEEK_SET);
  }

  std::string content() const {
    const off_t size = lseek(descriptor_, 0, SEEK_END);
    std::string text(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t count =
          pread(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(done));
      if (count <= 0) throw_error("cannot read a file in memory: {}", std::strerror(errno));
      done += static_cast<std::size_t>(count);
    }
    return text;
  }

 private:
  int descriptor_ = -1;
};

// What the program finds as its standard input, output and error.
class Redirections {
 public:
  Redirections(const MemoryFile& input, const MemoryFile& output, const MemoryFile& errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, input.descriptor(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output.descriptor(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors.descriptor(), STDERR_FILENO);
  }
  ~Redirections() { posix_spawn_file_actions_destroy(&actions_); }
  Redirections(const Redirections&) = delete;
  Redirections& operator=(const Redirections&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) throw_error("cannot wait for a program: {}", std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input) {
  assert(!arguments.empty());
  MemoryFile in("input");
  const MemoryFile out("output");
  const MemoryFile err("errors");
  in.fill(input);

  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn does not write to them
  pointers.push_back(nullptr);

  const Redirections redirections(in, out, err);
  pid_t process = 0;
  const int failure = posix_spawnp(&process, pointers.front(), redirections.get(), nullptr,
                                   pointers.data(), environ);
  if (failure == ENOENT) return {.exit_code = 127, .output = {}, .errors = {}, .found = false};
  if (failure != 0)
    throw_error("cannot run the program {}: {}", arguments.front(), std::strerror(failure));

  const int exit_code = wait_for(process);
  return {.exit_code = exit_code, .output = out.content(), .errors = err.content(), .found = true};
}

}  // namespace nibble
