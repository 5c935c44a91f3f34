// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/test_data.hpp"

namespace medlar {
namespace {

TEST(Parallel, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    set_parallel_threads(threads);
    std::vector<std::atomic<int>> hits(1000);
    parallel_for(1000, 7, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        hits[static_cast<size_t>(i)]++;
      }
    });
    for (const auto& hit : hits) {
      EXPECT_EQ(hit.load(), 1);
    }
  }
  set_parallel_threads(0);
}

/// Sums 0..count-1 through loops inside loops.
int64_t nested_sum(int64_t count) {
  std::atomic<int64_t> sum{0};
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    parallel_for(end - begin, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        sum += begin + i;
      }
    });
  });
  return sum;
}

TEST(Parallel, LoopsInsideLoopsAndFromSeveralThreads) {
  set_parallel_threads(4);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        wrong += nested_sum(100) == 4950 ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  set_parallel_threads(0);
  EXPECT_EQ(wrong.load(), 0);
}

TEST(Parallel, ThrowsWhatABodyThrowsAndWorksOn) {
  set_parallel_threads(3);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(parallel_for(64, 1,
                              [](int64_t begin, int64_t end) {
                                if (begin <= 40 && 40 < end) {
                                  throw std::runtime_error("forty");
                                }
                              }),
                 std::runtime_error);
    EXPECT_EQ(nested_sum(50), 1225);
  }
  set_parallel_threads(0);
}

}  // namespace
}  // namespace medlar
