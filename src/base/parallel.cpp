// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace medlar {
namespace {

std::atomic<int> thread_limit{0};

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
  const int limit = thread_limit.load(std::memory_order_relaxed);
  return limit > 0 ? limit : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void set_parallel_threads(int threads) {
  thread_limit.store(std::max(0, threads), std::memory_order_relaxed);
}

void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  const int threads = parallel_threads();
  if (count <= grain || threads == 1) {
    if (count > 0) {
      body(0, count);
    }
    return;
  }
  const std::shared_ptr<tbb::task_arena> arena = arena_of(threads);
  arena->execute([&] {
    tbb::parallel_for(tbb::blocked_range<int64_t>(0, count, std::max<int64_t>(1, grain)),
                      [&](const tbb::blocked_range<int64_t>& range) { body(range.begin(), range.end()); });
  });
}

}  // namespace medlar
