// A pool of threads for short, equal pieces of work.
//
// Contract: run(pieces, work) calls work(piece) once for every piece in 0..pieces-1 and returns
// when all are done; the calling thread takes part. Which thread runs a piece is not defined, so a
// piece must not depend on it: callers cut work into pieces whose number does not depend on the
// thread count, and results are then the same for any. An exception from work is rethrown in the
// caller (one of them, if there are several). Not re-entrant: one run at a time, from one thread.
//
// Each thread begins with its own share of the pieces, the same share in every run, and helps the
// others when it is done: memory that a piece touches in run after run stays in one core's cache.
// A run does not wait for threads that have not begun: where the cores are busy with other work,
// the caller does the pieces itself. Idle workers spin briefly (kSpins), then sleep: a spinning
// pool would slow whatever else runs on a shared core (feasibility: training on two threads went
// from 0.48 to 1.03 s beside another busy process).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "nibble/core/aligned.h"

namespace nibble {

class ThreadPool {
 public:
  // `threads` counts the caller too: 1 starts no thread at all. 0 means one per available
  // processor.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t threads() const { return workers_.size() + 1; }
  void run(std::size_t pieces, const std::function<void(std::size_t piece)>& work);

 private:
  // The next piece of one thread's share, below the run it belongs to: a thread that comes late
  // cannot take a piece of another run.
  struct alignas(kCacheLine) Share {
    std::atomic<std::uint64_t> next{0};  // run << 32 | piece
  };

  void worker_loop(std::size_t thread);
  bool wait_for_work(std::uint32_t seen);
  void open_run(std::size_t pieces);
  void take_pieces(std::size_t thread, std::uint32_t run);
  void take_share(std::size_t share, std::uint32_t run);
  void do_piece(std::size_t piece);
  std::size_t share_begin(std::size_t share, std::size_t pieces) const {
    return share * pieces / threads();
  }

  std::vector<std::thread> workers_;
  std::vector<Share> shares_;  // one for each thread, the caller's first
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint32_t> run_{0};  // one more for every run
  std::atomic<std::size_t> pieces_{0};
  std::atomic<std::size_t> left_{0};  // pieces not done
  std::atomic<std::size_t> sleepers_{0};
  std::atomic<bool> stopping_{false};
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::exception_ptr failure_;
};

// Processors this process may use (its affinity mask), at least 1.
std::size_t available_processors();

}  // namespace nibble
