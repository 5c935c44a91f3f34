// SPDX-License-Identifier: Apache-2.0
#include "soc/extents.hpp"

#include <random>

#include <gtest/gtest.h>

namespace medlar::soc {
namespace {

using Piece = ExtentAllocator::Run;

TEST(Extents, FirstFitTakesTheLowestHoleThatIsLargeEnough) {
  ExtentAllocator cma("CMA", 0x1000, 0x10000, 0x1000);
  const Piece a = *cma.allocate(0x2000, 0x1000);
  const Piece b = *cma.allocate(0x1000, 0x1000);
  const Piece c = *cma.allocate(1, 0x1000);
  EXPECT_EQ(a, (Piece{0x1000, 0x2000}));
  EXPECT_EQ(b, (Piece{0x3000, 0x1000}));
  EXPECT_EQ(c, (Piece{0x4000, 0x1000}));
  ASSERT_TRUE(cma.release(a.start));
  EXPECT_EQ(*cma.allocate(0x3000, 0x1000), (Piece{0x5000, 0x3000}));
  EXPECT_EQ(*cma.allocate(0x1000, 0x1000), (Piece{0x1000, 0x1000}));
}

TEST(Extents, AlignmentSkipsBytesThatStayFree) {
  ExtentAllocator cma("CMA", 0x1000, 0x40000, 0x1000);
  EXPECT_EQ(cma.allocate(0x1000, 0x10000)->start, 0x10000u);
  EXPECT_EQ(cma.allocate(0x1000, 0x1000)->start, 0x1000u);
}

TEST(Extents, ExhaustedAndFragmentedAreToldApart) {
  ExtentAllocator cma("CMA", 0, 0x4000, 0x1000);
  uint64_t starts[4];
  for (uint64_t& start : starts) {
    start = cma.allocate(0x1000, 0x1000)->start;
  }
  const auto full = cma.allocate(0x1000, 0x1000);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().message, "CMA: 4096 contiguous bytes asked, 0 free, largest free run 0");
  ASSERT_TRUE(cma.release(starts[0]));
  ASSERT_TRUE(cma.release(starts[2]));
  const auto fragmented = cma.allocate(0x2000, 0x1000);
  ASSERT_FALSE(fragmented);
  EXPECT_EQ(fragmented.error().code, Code::kResourceExhausted);
  EXPECT_EQ(fragmented.error().message,
            "CMA: 8192 contiguous bytes asked, 8192 free, largest free run 4096 (fragmented)");
  EXPECT_DOUBLE_EQ(cma.stats().fragmentation(), 0.5);
  EXPECT_EQ(cma.allocate_scattered(0x2000)->size(), 2u);
}

TEST(Extents, ReleasingTwiceOrInsideARunIsRefused) {
  ExtentAllocator cma("CMA", 0, 0x4000, 0x1000);
  const Piece run = *cma.allocate(0x2000, 0x1000);
  EXPECT_EQ(cma.release(run.start + 0x1000).error().code, Code::kOutOfRange);
  ASSERT_TRUE(cma.release(run.start));
  EXPECT_FALSE(cma.release(run.start));
}

TEST(Extents, HugeSizesDoNotOverflow) {
  ExtentAllocator cma("CMA", 0, 0x4000, 0x1000);
  EXPECT_FALSE(cma.allocate(~uint64_t{0}, 0x1000));
  EXPECT_FALSE(cma.allocate_scattered(~uint64_t{0}));
  EXPECT_FALSE(cma.allocate(0, 0x1000));
}

TEST(Extents, RandomTrafficKeepsRunsApartAndLosesNothing) {
  constexpr uint64_t kPages = 256;
  ExtentAllocator cma("CMA", 0, kPages * 0x1000, 0x1000);
  std::vector<Piece> live;
  std::mt19937 random(7);
  for (int step = 0; step < 3000; ++step) {
    if (random() % 2 == 0) {
      const auto run = cma.allocate((random() % 20 + 1) * 0x1000, uint64_t{0x1000} << random() % 4);
      if (run) {
        live.push_back(*run);
      }
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      ASSERT_TRUE(cma.release(live.back().start));
      live.pop_back();
    }
    std::vector<bool> used(kPages);
    uint64_t pages = 0;
    for (const Piece& run : live) {
      for (uint64_t page = run.start / 0x1000; page < (run.start + run.size) / 0x1000; ++page, ++pages) {
        ASSERT_FALSE(used[page]) << "step " << step;
        used[page] = true;
      }
    }
    ASSERT_EQ(cma.stats().free, (kPages - pages) * 0x1000);
  }
  for (const Piece& run : live) {
    ASSERT_TRUE(cma.release(run.start));
  }
  EXPECT_EQ(cma.stats().largest_free, kPages * 0x1000);
}

}  // namespace
}  // namespace medlar::soc
