// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "base/crew.hpp"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define MEDLAR_TSAN(statement) statement
#define MEDLAR_UNSEEN_BY_TSAN __attribute__((no_sanitize("thread")))
#else
#define MEDLAR_TSAN(statement)
#define MEDLAR_UNSEEN_BY_TSAN
#endif

namespace medlar {
namespace {

using Body = std::function<void(int64_t, int64_t)>;

/// One loop's body as oneTBB's workers get it. ThreadSanitizer does not see oneTBB hand work to a thread and
/// take it back, so it is told here; reports in oneTBB's own templates are suppressed (tests/tsan.supp).
class Chunk {
 public:
  Chunk(const Body& body, char& began, char& ended) : body_(&body), began_(&began), ended_(&ended) {}
  MEDLAR_UNSEEN_BY_TSAN Chunk(const Chunk& other)
      : body_(other.body_), began_(other.began_), ended_(other.ended_) {}
  Chunk& operator=(const Chunk&) = delete;

  MEDLAR_UNSEEN_BY_TSAN void operator()(const tbb::blocked_range<int64_t>& range) const {
    MEDLAR_TSAN(__tsan_acquire(began_));
    (*body_)(range.begin(), range.end());
    MEDLAR_TSAN(__tsan_release(ended_));
  }

 private:
  const Body* body_;
  [[maybe_unused]] char* began_;
  [[maybe_unused]] char* ended_;
};

void run_chunks(int64_t count, int64_t grain, const Body& body) {
  char began = 0, ended = 0;
  MEDLAR_TSAN(__tsan_release(&began));
  tbb::parallel_for(tbb::blocked_range<int64_t>(0, count, std::max<int64_t>(1, grain)),
                    Chunk(body, began, ended));
  MEDLAR_TSAN(__tsan_acquire(&ended));
}

std::atomic<int> thread_limit{0};

/// Whoever finds it busy (a loop inside a loop, several streams at once) turns to oneTBB, which shares threads fairly.
Crew& crew() {
  static Crew& shared = *new Crew;
  return shared;
}

/// The calling thread's arena, kept from call to call: with one a call, 8,000 small inferences took 75 s and 265 MB on two
/// cores instead of 10 s and 62 MB. Shared, because a body may change the limit and call again before its arena is done.
std::shared_ptr<tbb::task_arena> arena_of(int threads) {
  thread_local std::shared_ptr<tbb::task_arena> arena;
  thread_local int concurrency = 0;
  if (arena == nullptr || concurrency != threads) {
    arena = std::make_shared<tbb::task_arena>(threads);
    concurrency = threads;
  }
  return arena;
}

}  // namespace

int parallel_threads() {
  static const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // asks the system: several us
  const int limit = thread_limit.load(std::memory_order_relaxed);
  return limit > 0 ? limit : cores;
}

void set_parallel_threads(int threads) {
  thread_limit.store(std::max(0, threads), std::memory_order_relaxed);
}

void parallel_for(int64_t count, int64_t grain, const Body& body) {
  const int threads = parallel_threads();
  if (count <= grain || threads == 1) {
    if (count > 0) {
      body(0, count);
    }
    return;
  }
  if (crew().try_run(count, grain, threads, body)) {
    return;
  }
  const std::shared_ptr<tbb::task_arena> arena = arena_of(threads);
  arena->execute([&] { run_chunks(count, grain, body); });
}

}  // namespace medlar
