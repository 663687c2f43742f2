// A pool of threads for short, equal pieces of work.
//
// Contract: run(pieces, work) calls work(piece) once for every piece in 0..pieces-1 and returns
// when all are done; the calling thread takes part. Which thread runs a piece is not defined, so a
// piece must not depend on it: callers cut work into pieces whose number does not depend on the
// thread count, and results are then the same for any. An exception from work is rethrown in the
// caller (one of them, if there are several). Not re-entrant: one run at a time, from one thread.
// Idle workers spin briefly (kSpins), then sleep: a spinning pool would slow whatever else runs on
// a shared core (feasibility: training on two threads went from 0.48 to 1.03 s beside another busy
// process).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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
  void worker_loop();
  void take_pieces();
  bool wait_for_work(std::uint64_t seen);
  void record_failure();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> generation_{0};  // one more for every run
  std::atomic<std::size_t> next_piece_{0};
  std::atomic<std::size_t> busy_workers_{0};
  std::atomic<bool> stopping_{false};
  std::size_t pieces_ = 0;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::exception_ptr failure_;
};

// Processors this process may use (its affinity mask), at least 1.
std::size_t available_processors();

}  // namespace nibble
