#include "nibble/core/threads.h"

#include <algorithm>
#include <cstdint>

#include <sched.h>

namespace nibble {
namespace {

// About 20 microseconds: longer than the gap between two layers of a training step, shorter than a
// time slice.
constexpr int kSpins = 2000;

constexpr int kRunShift = 32;
constexpr std::uint64_t kRunMask = 0xFFFFFFFF;
constexpr std::uint64_t kPieceMask = 0xFFFFFFFF;

void relax() { __builtin_ia32_pause(); }

}  // namespace

std::size_t available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

ThreadPool::ThreadPool(std::size_t threads)
    : shares_(threads == 0 ? available_processors() : threads) {
  for (std::size_t i = 1; i < shares_.size(); ++i)
    workers_.emplace_back([this, i] { worker_loop(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(std::size_t pieces, const std::function<void(std::size_t)>& work) {
  if (workers_.empty() || pieces <= 1) {
    for (std::size_t piece = 0; piece < pieces; ++piece) work(piece);
    return;
  }
  work_ = &work;
  failure_ = nullptr;
  open_run(pieces);
  if (sleepers_ != 0) {
    // With the lock taken, whoever counts as a sleeper is really waiting for the signal.
    { const std::lock_guard lock(mutex_); }
    wake_.notify_all();
  }
  take_pieces(0, run_);
  for (int spin = 0; left_ != 0; ++spin) {
    if (spin < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

// The shares name the new run first, with no piece to take, then pieces_ changes, then they open. A
// late thread may read the new pieces_ for an old run, but then its exchange fails.
void ThreadPool::open_run(std::size_t pieces) {
  const std::uint64_t run = (run_ + 1) & kRunMask;
  for (Share& share : shares_) share.next = (run << kRunShift) | kPieceMask;
  pieces_ = pieces;
  left_ = pieces;
  for (std::size_t i = 0; i < shares_.size(); ++i)
    shares_[i].next = (run << kRunShift) | share_begin(i, pieces);
  run_ = static_cast<std::uint32_t>(run);
}

void ThreadPool::take_pieces(std::size_t thread, std::uint32_t run) {
  for (std::size_t i = 0; i < shares_.size(); ++i) take_share((thread + i) % shares_.size(), run);
}

void ThreadPool::take_share(std::size_t share, std::uint32_t run) {
  std::atomic<std::uint64_t>& next = shares_[share].next;
  std::uint64_t seen = next;
  while (seen >> kRunShift == run) {
    const std::uint64_t piece = seen & kPieceMask;
    if (piece >= share_begin(share + 1, pieces_)) return;
    if (!next.compare_exchange_weak(seen, seen + 1)) continue;
    do_piece(piece);
    seen = next;
  }
}

void ThreadPool::do_piece(std::size_t piece) {
  try {
    (*work_)(piece);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
  --left_;
}

bool ThreadPool::wait_for_work(std::uint32_t seen) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (run_ != seen || stopping_) return !stopping_;
    relax();
  }
  std::unique_lock lock(mutex_);
  ++sleepers_;
  wake_.wait(lock, [&] { return run_ != seen || stopping_; });
  --sleepers_;
  return !stopping_;
}

void ThreadPool::worker_loop(std::size_t thread) {
  for (std::uint32_t seen = 0; wait_for_work(seen);) {
    seen = run_;
    take_pieces(thread, seen);
  }
}

}  // namespace nibble
