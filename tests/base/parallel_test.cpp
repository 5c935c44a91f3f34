// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <atomic>
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

}  // namespace
}  // namespace medlar
