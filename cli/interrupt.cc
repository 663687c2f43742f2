#include "interrupt.h"

#include <atomic>
#include <csignal>

namespace nibble::cli {
namespace {

std::atomic<bool> signal_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // or a signal handler could not set it

void remember(int /*signal*/) { signal_seen = true; }

}  // namespace

void remember_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND) |
                    SA_RESTART;  // the second signal finds the default action again
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return signal_seen; }

}  // namespace nibble::cli
