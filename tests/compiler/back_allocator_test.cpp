// SPDX-License-Identifier: Apache-2.0
// Offset allocation against brute force over all placement orders, and against its lower bound.
#include "compiler/back/allocator.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace medlar::compiler::back {
namespace {

class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 747796405U + 1) {}
  int below(int bound) {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<int>((state_ >> 12) % static_cast<uint32_t>(bound));
  }

 private:
  uint32_t state_;
};

std::vector<LiveRange> random_ranges(uint32_t seed, int count, int steps) {
  Numbers numbers(seed);
  std::vector<LiveRange> ranges;
  for (int i = 0; i < count; ++i) {
    const int first = numbers.below(steps);
    const uint64_t bytes = 32 * static_cast<uint64_t>(1 + numbers.below(9));
    ranges.push_back({.bytes = bytes, .first = first, .last = std::min(steps - 1, first + numbers.below(4))});
  }
  return ranges;
}

void expect_valid(const std::vector<LiveRange>& ranges, const Allocation& a, uint64_t alignment) {
  ASSERT_EQ(a.offsets.size(), ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i) {
    EXPECT_EQ(a.offsets[i] % alignment, 0U);
    EXPECT_LE(a.offsets[i] + ranges[i].bytes, a.bytes);
    for (size_t j = 0; j < i; ++j) {
      const bool together = ranges[i].first <= ranges[j].last && ranges[j].first <= ranges[i].last;
      const bool apart = a.offsets[i] + ranges[i].bytes <= a.offsets[j] || a.offsets[j] + ranges[j].bytes <= a.offsets[i];
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
}

/// The best that placing one after the other at the lowest free offset reaches, over all orders: some order gives an
/// optimal packing.
uint64_t brute_force(const std::vector<LiveRange>& ranges) {
  std::vector<size_t> order(ranges.size());
  std::iota(order.begin(), order.end(), size_t{0});
  uint64_t best = UINT64_MAX;
  do {
    std::vector<uint64_t> offsets(ranges.size());
    uint64_t top = 0;
    for (size_t p = 0; p < order.size() && top < best; ++p) {
      const LiveRange& r = ranges[order[p]];
      uint64_t at = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (size_t q = 0; q < p; ++q) {
          const LiveRange& o = ranges[order[q]];
          const bool together = r.first <= o.last && o.first <= r.last;
          if (together && at < offsets[order[q]] + o.bytes && offsets[order[q]] < at + r.bytes) {
            at = offsets[order[q]] + o.bytes;
            moved = true;
          }
        }
      }
      offsets[order[p]] = at;
      top = std::max(top, at + r.bytes);
    }
    best = std::min(best, top);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

TEST(BackAllocator, NothingAndOne) {
  EXPECT_EQ(allocate({}, 32).bytes, 0U);
  const std::vector<LiveRange> one{{.bytes = 33, .first = 0, .last = 0}};
  EXPECT_EQ(allocate(one, 32).bytes, 64U);
}

TEST(BackAllocator, ChainReusesMemory) {
  std::vector<LiveRange> chain;
  for (int i = 0; i < 20; ++i) {
    chain.push_back({.bytes = 1024, .first = i, .last = i + 1});
  }
  const Allocation a = allocate(chain, 64);
  expect_valid(chain, a, 64);
  EXPECT_EQ(a.bytes, 2048U);
}

TEST(BackAllocator, AsGoodAsBruteForceOnSmallInstances) {
  int optimal = 0;
  for (uint32_t seed = 1; seed <= 120; ++seed) {
    const std::vector<LiveRange> ranges = random_ranges(seed, 7, 6);
    const Allocation a = allocate(ranges, 32);
    expect_valid(ranges, a, 32);
    const uint64_t best = brute_force(ranges);
    EXPECT_GE(best, a.lower_bound);
    EXPECT_GE(a.bytes, best);
    optimal += a.bytes == best ? 1 : 0;
  }
  EXPECT_EQ(optimal, 120);
}

TEST(BackAllocator, GapToTheLowerBoundStaysSmall) {
  uint64_t bytes = 0;
  uint64_t bound = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    const std::vector<LiveRange> ranges = random_ranges(seed, 80, 60);
    const Allocation a = allocate(ranges, 32);
    expect_valid(ranges, a, 32);
    bytes += a.bytes;
    bound += a.lower_bound;
  }
  RecordProperty("gap_percent", static_cast<int>((bytes - bound) * 100 / bound));
  EXPECT_LE(bytes * 100, bound * 105);
}

TEST(BackAllocator, Deterministic) {
  const std::vector<LiveRange> ranges = random_ranges(5, 60, 30);
  EXPECT_EQ(allocate(ranges, 64).offsets, allocate(ranges, 64).offsets);
}

}  // namespace
}  // namespace medlar::compiler::back
