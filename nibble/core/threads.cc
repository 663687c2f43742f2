#include "nibble/core/threads.h"

#include <algorithm>
#include <cstdint>

#include <sched.h>

namespace nibble {
namespace {

// About 20 microseconds: longer than the gap between two layers of a training step, shorter than a
// time slice.
constexpr int kSpins = 2000;

void relax() { __builtin_ia32_pause(); }

}  // namespace

std::size_t available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

ThreadPool::ThreadPool(std::size_t threads) {
  const std::size_t total = threads == 0 ? available_processors() : threads;
  for (std::size_t i = 1; i < total; ++i) workers_.emplace_back([this] { worker_loop(); });
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
  {
    const std::lock_guard lock(mutex_);
    pieces_ = pieces;
    work_ = &work;
    failure_ = nullptr;
    next_piece_ = 0;
    busy_workers_ = workers_.size();
    ++generation_;
  }
  wake_.notify_all();
  take_pieces();
  for (int spin = 0; busy_workers_ != 0; ++spin) {
    if (spin < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::take_pieces() {
  for (;;) {
    const std::size_t piece = next_piece_.fetch_add(1);
    if (piece >= pieces_) return;
    try {
      (*work_)(piece);
    } catch (...) {
      record_failure();
    }
  }
}

void ThreadPool::record_failure() {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::current_exception();
}

bool ThreadPool::wait_for_work(std::uint64_t seen) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (generation_ != seen || stopping_) return !stopping_;
    relax();
  }
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return generation_ != seen || stopping_; });
  return !stopping_;
}

void ThreadPool::worker_loop() {
  for (std::uint64_t seen = 0; wait_for_work(seen);) {
    seen = generation_;
    take_pieces();
    --busy_workers_;
  }
}

}  // namespace nibble
